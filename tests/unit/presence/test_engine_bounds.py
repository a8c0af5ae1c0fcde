"""What the engine bears and what it forgets: no more tags than told, no more work, and a new beginning."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.codecs.readings import TagRead
from edge.presence.changes import Standing
from edge.presence.engine import Engine
from edge.presence.rules import S_US, Antenna, Rules, Zone
from tests.unit.presence.tags import (
    BEGUN_US,
    READER,
    SHELF,
    STOCKROOM,
    TAG,
    Told,
    read,
    rules,
    us,
)
from tests.unit.presence.waiting import until_told


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
