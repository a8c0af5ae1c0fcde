"""The engine's parts: means that age, antennas that live and die, deadlines in buckets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.presence.deadlines import Deadlines
from edge.presence.judging import has_moved
from edge.presence.liveness import Liveness
from edge.presence.records import AntennaRecord, TagRecord, ZoneRecord, empty_ring
from edge.presence.rules import S_US, Antenna, Rules, Smoothing, Zone
from edge.presence.signal_strength import NOT_TOLD, mean_cdbm
from protocol.identity import DeviceId


class TestMeans:
    HALF_LIFE_US = 40 * S_US

    @pytest.mark.parametrize(
        ("reads", "mean"),
        [
            ([], None),
            ([(0, -6000)], -6000),
            ([(0, -6000), (1, -5000)], -5500),
            ([(0, NOT_TOLD)], None),
            ([(0, NOT_TOLD), (1, -5000)], -5000),
            # One half-life apart: 2 parts of the newer, 1 of the older.
            ([(0, -6000), (40, -5400)], -5600),
            # Two: 4 parts and 1.
            ([(0, -6000), (80, -5500)], -5600),
            # So old that it weighs nothing.
            ([(0, -1000), (4000, -6000)], -6000),
            ([(0, NOT_TOLD), (40, NOT_TOLD)], None),
        ],
    )
    def test_older_reads_count_less(self, reads: list[tuple[int, int]], mean: int | None) -> None:
        times = [1_750_000_000 * S_US + at_s * S_US for at_s, _ in reads]
        assert mean_cdbm(times, [rssi for _, rssi in reads], self.HALF_LIFE_US) == mean

    @given(
        st.lists(st.tuples(st.integers(0, 10**10), st.integers(-9000, 0)), min_size=1, max_size=30),
        st.integers(1, 10**9),
    )
    def test_a_mean_lies_between_the_strongest_and_the_weakest(
        self, reads: list[tuple[int, int]], half_life_us: int
    ) -> None:
        reads.sort()
        strengths = [rssi for _, rssi in reads]
        mean = mean_cdbm([at for at, _ in reads], strengths, half_life_us)
        assert mean is not None
        assert min(strengths) - 1 <= mean <= max(strengths)


class TestLiveness:
    def test_a_sign_of_life_counts_for_a_while(self) -> None:
        antenna = Liveness(60, 1000)
        antenna.seen(1010)
        assert antenna.dead_us == 10
        assert [antenna.dead_until(at) - 10 for at in (1010, 1070, 1071, 1100)] == [0, 0, 1, 30]
        assert [antenna.alive_at(at) for at in (1070, 1071)] == [True, False]

    def test_the_time_without_life_adds_up(self) -> None:
        antenna = Liveness(60, 1000)
        for at in (1000, 1050, 1100, 1500, 1540):
            antenna.seen(at)
        assert antenna.dead_us == 1500 - 1160 + (1050 - 1000)

    def test_a_loss_ends_it_at_once_and_older_signs_do_not_undo_that(self) -> None:
        antenna = Liveness(60, 1000)
        antenna.seen(1010)
        antenna.lost(1020)
        antenna.seen(1015)
        assert antenna.dead_until(1050) == 10 + 30
        antenna.seen(1060)
        assert antenna.dead_us == 10 + 40

    def test_only_signs_that_say_something_new_need_to_be_told(self) -> None:
        antenna = Liveness(60, 1000)
        antenna.seen(1010)
        before = antenna.dead_until(1071)
        antenna.seen(antenna.renew_us)
        assert antenna.dead_until(1071) < before
        assert antenna.renew_us > 1010


class TestDeadlines:
    @given(st.lists(st.integers(0, 10_000), max_size=60), st.integers(1, 500))
    def test_each_comes_out_once_when_due_and_little_later(self, dues: list[int], width: int) -> None:
        deadlines: Deadlines[int] = Deadlines(width)
        for number, due in enumerate(dues):
            deadlines.put(number, due)
        out: list[int] = []
        for now in range(0, 10_000 + 2 * width, max(1, width // 2)):
            while some := deadlines.take(now):
                for number in some:
                    assert dues[number] <= now < dues[number] + 2 * width
                    out.append(number)
        assert sorted(out) == list(range(len(dues)))
        assert deadlines.next_us is None


class TestRules:
    def test_an_antenna_is_in_one_zone(self) -> None:
        one = Antenna(DeviceId("reader"), 1)
        with pytest.raises(ValueError, match="twice"):
            Rules((Zone("a", (one,)), Zone("b", (one,))))

    @pytest.mark.parametrize("bad", [{"move_reads": 0}, {"move_reads": 21}, {"witness_reads": 21}, {"half_life_us": 0}])
    def test_smoothing_that_cannot_be_is_refused(self, bad: dict[str, int]) -> None:
        with pytest.raises(ValueError, match="cannot be"):
            Smoothing(**bad)


class TestJudging:
    """Most askings are settled without a mean: then the answer is the one that the means would have given."""

    @given(
        st.lists(st.one_of(st.integers(-6600, -5400), st.just(NOT_TOLD)), max_size=5),
        st.lists(st.one_of(st.integers(-6600, -5400), st.just(NOT_TOLD)), min_size=1, max_size=5),
        st.integers(0, 200),
    )
    def test_a_tag_moves_where_its_mean_beats_that_at_home_by_the_offset(
        self, at_home: list[int], here: list[int], silence_s: int
    ) -> None:
        zones = [ZoneRecord(name, Smoothing()) for name in ("home", "here")]
        antenna = AntennaRecord(Antenna(DeviceId("reader"), 1), zones[0], S_US, 0)
        tag = TagRecord(b"\x30", antenna, 0)
        tag.times.extend(range(1, len(at_home) + 1))
        tag.rssi.extend(at_home)
        times, rssi = tag.rings[zones[1]] = empty_ring()
        now_us = len(at_home) + silence_s * S_US
        times.extend(range(now_us - len(here) + 1, now_us + 1))
        rssi.extend(here)

        rules = zones[0]
        means = [mean_cdbm(times, rssi, rules.half_life), mean_cdbm(tag.times, tag.rssi, rules.half_life)]
        gain = 0 if means[0] is None or means[1] is None else means[0] - means[1]
        offset = rules.threshold
        last_home = tag.times[-1] if tag.times else 0
        if len(here) >= rules.witness and times[-rules.witness] > last_home:
            offset -= max(0, now_us - last_home - rules.holdoff) * rules.fall // S_US
        moved, mean = has_moved(tag, zones[0], zones[1], now_us, 0)
        assert moved == (gain > offset)
        assert mean == means[0] or not moved
