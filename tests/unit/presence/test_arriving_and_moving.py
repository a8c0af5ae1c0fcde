"""A tag arrives, stays and moves, however it is read between two zones."""

from __future__ import annotations

import random

import pytest

from edge.presence.rules import Antenna, Rules, Smoothing, Zone
from protocol.events import Presence
from tests.unit.presence.tags import (
    BEGUN_US,
    GATE,
    OTHER,
    READER,
    SHELF,
    STOCKROOM,
    TAG,
    Told,
    read,
    rules,
    us,
)


class TestArriving:
    def test_after_as_many_reads_as_are_asked_for(self) -> None:
        told = Told(rules(min_reads=3))
        assert told.each([read(1), read(2)]) == []
        assert told.each([read(3)]) == ["arrived shelf"]
        change = told.changes[0]
        assert (change.epc, change.device, change.antenna) == (TAG, READER, SHELF)
        assert (change.seen_us, change.reads, change.rssi_cdbm) == (us(3), 3, -6000)

    def test_a_report_of_several_reads_counts_as_several(self) -> None:
        assert Told(rules(min_reads=3)).each([read(1, reads=3)]) == ["arrived shelf"]

    def test_once(self) -> None:
        assert Told().each(read(second) for second in range(1, 500)) == ["arrived shelf"]

    def test_the_same_report_twice_is_one_read(self) -> None:
        told = Told()
        assert told.each([read(1), read(1)]) == []
        assert told.engine.counts.repeated == 1

    def test_in_the_zone_that_hears_it_best(self) -> None:
        told = Told(rules(min_reads=3))
        assert told.each([read(1, SHELF, -70), read(2, STOCKROOM, -55), read(3, SHELF, -70)]) == ["arrived stockroom"]

    def test_a_ghost_read_is_forgotten(self) -> None:
        told = Told()
        told.each([read(1)])
        assert told.engine.known == 1
        told.wait(700)
        assert told.engine.known == 0
        assert told.each([read(701)]) == []

    def test_reads_without_a_time_are_taken_when_they_come(self) -> None:
        told = Told()
        assert told.hear([read(None), read(None)], 5) == ["arrived shelf"]
        assert us(5) <= told.changes[0].seen_us <= us(5) + 1

    def test_without_signal_strengths(self) -> None:
        told = Told()
        assert told.each([read(1, dbm=None), read(2, dbm=None)]) == ["arrived shelf"]
        assert told.changes[0].rssi_cdbm is None


class TestMoving:
    def test_when_the_other_zone_hears_it_better_by_the_threshold(self) -> None:
        told = Told()
        told.each([read(1, SHELF, -60), read(2, SHELF, -60)])
        assert told.each(read(3 + n, STOCKROOM, -53) for n in range(8)) == ["moved stockroom from shelf"]
        change = told.changes[-1]
        assert (change.seen_us, change.reads, change.rssi_cdbm) == (us(10), 8, -5300)

    def test_not_when_it_is_better_by_less(self) -> None:
        told = Told()
        told.each([read(1, SHELF, -60), read(2, SHELF, -60)])
        assert told.each(read(3 + n, STOCKROOM, -54.5) for n in range(40)) == []

    def test_to_the_weaker_zone_when_its_own_has_long_been_silent(self) -> None:
        told = Told()
        told.each([read(1, SHELF, -50), read(2, SHELF, -50)])
        # 60 s, then 0.5 dB a second: 16 dB are gone after 92 s.
        assert told.each(read(2 + n, STOCKROOM, -60) for n in range(1, 93)) == []
        assert told.each(read(2 + n, STOCKROOM, -60) for n in range(93, 95)) == ["moved stockroom from shelf"]

    def test_not_for_silence_that_nobody_witnessed(self) -> None:
        """Read once in a hundred seconds, in turns: neither zone is silent, the tag is just hard to read."""
        told = Told()
        turns = [read(100 * n, SHELF if n % 2 else STOCKROOM, -60) for n in range(1, 300)]
        assert len(told.each(turns)) == 1

    @pytest.mark.parametrize("hours", [3, pytest.param(24, marks=pytest.mark.torture)])
    def test_a_still_tag_between_two_antennas_stays(self, hours: int) -> None:
        """3 dB of noise, equal in both zones, read in random turns twice a second."""
        dice = random.Random(1)
        told = Told()
        between = [
            read(at / 2, dice.choice((SHELF, STOCKROOM)), -60 + round(dice.gauss(0, 3), 2))
            for at in range(1, hours * 7200)
        ]
        assert len(told.each(between)) == 1

    def test_without_signal_strengths_only_by_silence(self) -> None:
        told = Told()
        told.each([read(1, dbm=None), read(2, dbm=None)])
        assert told.each(read(2 + n, STOCKROOM, None) for n in range(1, 73)) == []
        assert told.each(read(2 + n, STOCKROOM, None) for n in range(73, 76)) == ["moved stockroom from shelf"]

    def test_what_another_zone_read_is_remembered_while_it_says_something_of_now(self) -> None:
        told = Told()
        told.each([read(1), read(2)])
        told.each(read(400 + n, STOCKROOM, -40) for n in range(7))
        told.each(read(n) for n in range(410, 700))
        assert told.each([read(701, STOCKROOM, -40)]) == ["moved stockroom from shelf"]

    def test_antennas_of_one_zone_are_one_place(self) -> None:
        told = Told()
        told.hear([read(1, GATE), read(2, GATE)], 2)
        assert told.hear((read(3 + n / 10, 1, -30) for n in range(50)), 9, OTHER) == []

    def test_a_zone_of_its_own_smoothing_takes_tags_on_fewer_reads(self) -> None:
        gate = Zone("gate", (Antenna(READER, GATE),), Smoothing(move_reads=2))
        shelf = Zone("shelf", (Antenna(READER, SHELF),))
        told = Told(Rules((shelf, gate)))
        told.each([read(1), read(2)])
        assert told.each([read(3, GATE, -40), read(3.1, GATE, -40)]) == ["moved gate from shelf"]


PEER = Smoothing(
    half_life_us=10**15, threshold_cdb=600, holdoff_us=500_000, fall_cdb_per_s=800, move_reads=2, witness_reads=0
)
"""The shop-floor default of a known peer: 500 ms, then 0.008 dB a millisecond, and silence believed at once."""


class TestTheStillTagOfAKnownPeer:
    """Two antennas 2 s apart in turns, the same strength: the peer's rule, by its own formula, moves it 197 times."""

    TURNS = tuple(read(2 * n, SHELF if n % 2 else STOCKROOM, -60) for n in range(1, 201))

    def test_by_the_peers_formula(self) -> None:
        moves, where = 0, self.TURNS[0].antenna
        counts, last_ms = {SHELF: 0, STOCKROOM: 0}, {SHELF: 0, STOCKROOM: 0}
        for one in self.TURNS:
            assert one.seen_us is not None
            at_ms = (one.seen_us - BEGUN_US) // 1000
            counts[one.antenna] += 1
            last_ms[one.antenna] = at_ms
            offset = min(6.0, 6.0 - 0.008 * (at_ms - last_ms[where] - 500))
            if one.antenna != where and counts[one.antenna] >= 2 and offset < 0:
                moves, where = moves + 1, one.antenna
        assert moves == 197

    def test_this_engine_does_the_same_when_told_the_same(self) -> None:
        told = Told(rules(PEER, min_reads=1))
        told.each(self.TURNS)
        assert [one.change for one in told.changes].count(Presence.MOVED) == 197

    def test_and_not_once_as_it_is_told_by_itself(self) -> None:
        assert Told(rules(min_reads=1)).each(self.TURNS) == ["arrived shelf"]
