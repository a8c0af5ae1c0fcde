"""A tag arrives, stays, moves, departs, or nobody can tell; and reads are taken by their own time."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.codecs.readings import TagRead
from edge.presence.changes import Standing
from edge.presence.engine import Engine
from edge.presence.rules import S_US, Antenna, Rules, Smoothing, Zone
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


def until_told(told: Told, from_s: int) -> tuple[int, list[str]]:
    """Let the shelf's antenna live until something is said; look every 10 s."""
    for second in range(from_s, from_s + 2000, 10):
        told.engine.on_antenna(READER, SHELF, True, us(second))
        told.engine.on_tick(us(second))
        news = told.news()
        if news:
            return second, news
    return from_s + 2000, []


class TestDeparting:
    def test_unread_while_its_antenna_was_alive(self) -> None:
        told = Told()
        told.each([read(1), read(2)])
        assert told.wait(601) == []
        assert told.wait(605) == ["departed shelf"]
        assert (told.changes[-1].seen_us, told.changes[-1].reads) == (us(2), 0)
        assert told.engine.known == 0

    def test_unread_while_its_antenna_was_dead_is_unknown(self) -> None:
        told = Told()
        told.each([read(1), read(2)])
        assert told.wait(605, alive=False) == ["unknown shelf"]
        assert told.wait(100_000, alive=False) == []

    def test_a_reader_that_went_away_is_dead_at_once(self) -> None:
        told = Told()
        told.each([read(1), read(2)])
        told.wait(500)
        told.engine.on_reader(READER, False, us(500))
        assert told.wait(605, alive=False) == ["unknown shelf"]

    def test_an_unknown_tag_departs_once_its_antenna_lived_long_enough(self) -> None:
        told = Told()
        told.each([read(1), read(2)])
        told.wait(605, alive=False)
        assert until_told(told, 605) == (1155, ["departed shelf"])

    def test_an_unknown_tag_that_is_read_is_back_at_once(self) -> None:
        told = Told()
        told.each([read(1), read(2)])
        told.wait(605, alive=False)
        assert told.each([read(700, STOCKROOM)]) == ["arrived stockroom from shelf"]

    def test_a_short_outage_only_takes_longer(self) -> None:
        told = Told()
        told.each([read(1), read(2)])
        told.wait(300)
        told.engine.on_reader(READER, False, us(300))
        told.wait(330, alive=False)
        assert until_told(told, 330) == (640, ["departed shelf"])

    def test_what_other_tags_are_read_shows_that_an_antenna_lives(self) -> None:
        told = Told()
        told.each([read(1), read(2)])
        told.each(read(2 + n, epc=b"another one.") for n in range(1, 610))
        assert [one.epc for one in told.changes if one.change is Presence.DEPARTED] == [TAG]

    def test_a_reader_vouches_only_for_antennas_it_said_to_be_connected(self) -> None:
        told = Told()
        told.each([read(1), read(2), read(2, STOCKROOM, epc=b"b" * 12), read(3, STOCKROOM, epc=b"b" * 12)])
        told.engine.on_antenna(READER, SHELF, True, us(3))
        for second in range(3, 700, 10):
            told.engine.on_reader(READER, True, us(second))
            told.engine.on_tick(us(second))
        assert told.news() == ["arrived shelf", "arrived stockroom", "departed shelf", "unknown stockroom"][2:]

    def test_an_antenna_said_to_be_off_is_dead_though_its_reader_lives(self) -> None:
        told = Told()
        told.each([read(1), read(2)])
        told.engine.on_antenna(READER, SHELF, True, us(3))
        told.engine.on_antenna(READER, SHELF, False, us(4))
        for second in range(4, 700, 10):
            told.engine.on_reader(READER, True, us(second))
            told.engine.on_tick(us(second))
        assert told.news() == ["unknown shelf"]

    def test_and_arrives_anew_when_it_comes_back(self) -> None:
        told = Told()
        told.each([read(1), read(2)])
        told.wait(605)
        assert told.each([read(700), read(701)]) == ["arrived shelf"]
        assert told.changes[-1].from_zone is None


class TestTheOrderOfEvents:
    def test_late_reads_count_toward_arriving(self) -> None:
        told = Told()
        assert told.hear([read(5), read(3)], 6) == ["arrived shelf"]
        assert told.changes[0].seen_us == us(5)

    def test_late_reads_do_not_move_a_tag(self) -> None:
        told = Told()
        told.each([read(100), read(101)])
        assert told.hear((read(n, STOCKROOM, -30) for n in range(1, 100)), 102) == []

    def test_a_report_older_than_the_time_out_is_nothing(self) -> None:
        told = Told()
        assert told.hear([read(1), read(2)], 700) == []
        assert (told.engine.counts.too_old, told.engine.known) == (2, 0)

    def test_a_departed_tag_does_not_come_back_on_old_reports(self) -> None:
        told = Told()
        reads = [read(n) for n in range(1, 50)]
        told.each(reads)
        assert told.wait(655) == ["departed shelf"]
        assert told.hear(reads, 660) == []

    def test_a_read_from_the_future_is_taken_as_of_now(self) -> None:
        told = Told()
        assert told.hear([read(9000), read(9001)], 5) == ["arrived shelf"]
        assert told.changes[0].seen_us == us(5) + 1
        assert told.engine.counts.ahead == 2
        assert told.wait(606) == ["departed shelf"]


class TestBounds:
    def test_tags_beyond_the_bound_are_refused_and_counted(self) -> None:
        told = Told(rules(max_tags=2))
        tags = [bytes([n]) * 12 for n in range(3)]
        told.each(read(at, epc=epc) for at in (1, 2) for epc in tags)
        assert {one.epc for one in told.changes} == set(tags[:2])
        assert told.engine.counts.refused == 2

    @pytest.mark.parametrize("epc", [b"", b"x" * 63])
    def test_what_is_no_epc_is_counted(self, epc: bytes) -> None:
        told = Told()
        assert told.each([read(1, epc=epc), read(2, epc=epc)]) == []
        assert (told.engine.counts.bad_epc, told.engine.known) == (2, 0)

    def test_an_antenna_in_no_zone_is_counted(self) -> None:
        told = Told()
        assert told.each([read(1, 9), read(2, 9)]) == []
        assert told.engine.counts.no_zone == 2

    def test_changes_that_nobody_takes_put_departures_off_and_lose_none(self) -> None:
        told = Told(rules(max_waiting=1))
        tags = [bytes([n]) * 12 for n in range(5)]
        for epc in tags:
            told.engine.on_reads(READER, [read(1, epc=epc), read(2, epc=epc)], us(2))
        assert len(told.engine.waiting) == 5
        for second in range(2, 700, 10):
            told.engine.on_antenna(READER, SHELF, True, us(second))
        told.engine.on_tick(us(700))
        assert len(told.engine.waiting) == 5
        told.news()
        gone: list[bytes] = []
        for second in range(700, 1400, 10):
            told.engine.on_antenna(READER, SHELF, True, us(second))
            told.engine.on_tick(us(second))
            gone += [one.epc for one in told.engine.waiting]
            told.news()
        assert sorted(gone) == tags

    @settings(max_examples=200, deadline=None)
    @given(
        st.lists(
            st.builds(
                TagRead,
                epc=st.binary(max_size=70),
                antenna=st.one_of(st.integers(), st.sampled_from([SHELF, STOCKROOM])),
                rssi_cdbm=st.one_of(st.none(), st.integers()),
                seen_us=st.one_of(st.none(), st.integers(), st.integers(us(0), us(700))),
                reads=st.integers(),
            )
        )
    )
    def test_whatever_a_reader_says_the_engine_goes_on_and_what_it_tells_can_be_stored(
        self, reads: list[TagRead]
    ) -> None:
        told = Told(rules(min_reads=1, max_tags=5))
        for now_s in (650, 660, 2000):
            told.engine.on_reads(READER, reads, us(now_s))
            told.engine.on_tick(us(now_s))
        assert told.engine.known <= 5
        told.news()
        for one in told.changes:
            assert 0 < len(one.epc) <= 62
            assert us(0) <= one.seen_us <= us(2002)
            assert 0 <= one.reads <= 2**31
            assert one.rssi_cdbm is None or -(2**15) < one.rssi_cdbm < 2**15


class TestBeginningAgain:
    def again(self, told: Told, at_s: float) -> Told:
        """A new engine from what the one before said."""
        engine = Engine(rules(), us(at_s))
        engine.restore(list(told.engine.standings()))
        return Told(engine=engine)

    def test_a_tag_that_is_present_does_not_arrive_again(self) -> None:
        told = Told()
        told.each([read(1), read(2)])
        again = self.again(told, 10_000)
        assert again.each(read(10_000 + n) for n in range(1, 50)) == []

    def test_the_time_the_power_was_off_is_no_silence(self) -> None:
        told = Told()
        told.each([read(1), read(2)])
        again = self.again(told, 10_000)
        assert until_told(again, 10_001) == (10_611, ["departed shelf"])

    def test_an_antenna_that_never_speaks_again_leaves_it_unknown(self) -> None:
        told = Told()
        told.each([read(1), read(2)])
        assert self.again(told, 10_000).wait(10_700, alive=False) == ["unknown shelf"]

    def test_an_unknown_tag_is_still_unknown(self) -> None:
        told = Told()
        told.each([read(1), read(2)])
        told.wait(605, alive=False)
        assert self.again(told, 10_000).each([read(10_001)]) == ["arrived shelf from shelf"]

    def test_what_is_not_remembered_moves_nothing(self) -> None:
        told = Told()
        told.each([read(1), read(2)])
        again = self.again(told, 100)
        assert again.each(read(100 + n, STOCKROOM, -30) for n in range(1, 70)) == []
        assert again.each(read(100 + n, STOCKROOM, -30) for n in range(70, 75)) == ["moved stockroom from shelf"]
        assert again.each(read(100 + n, STOCKROOM, -30) for n in range(75, 1500)) == []

    def test_a_zone_that_is_no_more_holds_its_tags_until_they_are_read_elsewhere(self) -> None:
        engine = Engine(rules(), us(100))
        engine.restore([Standing(TAG, READER, 77, "attic", us(1), present=True)])
        told = Told(engine=engine)
        assert [one.zone for one in engine.standings()] == ["attic"]
        assert told.each(read(100 + n) for n in range(1, 100)) == ["moved shelf from attic"]

    def test_the_clock_is_set_by_days(self) -> None:
        told = Told()
        told.each([read(1), read(2)])
        for days in (3, -5):
            now_s = days * 86_400.0
            told.engine.clock_set(us(now_s))
            told.engine.on_tick(us(now_s))
            assert told.each(read(now_s + n) for n in range(1, 100)) == []
        now_s += 100
        for second in range(0, 620, 10):
            told.engine.on_antenna(READER, SHELF, True, us(now_s + second))
            told.engine.on_tick(us(now_s + second))
        assert told.news() == ["departed shelf"]


def test_the_work_of_a_read_does_not_grow_with_the_tags() -> None:
    """Counted in looks at tags: none but the tag read, and each tag once in a time-out."""
    engine = Engine(Rules((Zone("z", (Antenna(READER, 1),)),), max_tags=10**6), BEGUN_US)
    tags = [n.to_bytes(12, "big") for n in range(1, 2001)]
    engine.on_reads(READER, [TagRead(epc, 1, None, us(1) + k) for k in (0, 1) for epc in tags], us(2))
    looks = 0
    look_at = engine._look_at

    def counting(*args: object) -> None:
        nonlocal looks
        looks += 1
        look_at(*args)  # type: ignore[arg-type]

    engine._look_at = counting  # type: ignore[method-assign, assignment]
    for second in range(2, 1802):
        engine.on_reads(READER, [TagRead(tags[second % 2000], 1, None, us(second))], us(second))
        engine.on_antenna(READER, 1, True, us(second))
        engine.on_tick(us(second))
    assert looks <= 4 * len(tags)
    assert S_US == 1_000_000
