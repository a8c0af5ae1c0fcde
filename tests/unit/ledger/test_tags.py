"""What is known of RFID tags, and what a sweep says of the stock."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from hub.ledger.counting import Goods, Part, Plan, ShelfDone
from hub.ledger.tags import SIGN, Sighting, Sign, Sweep, Tag, Tagged, TagState, in_log_order, swept, tags_of
from hub.ledger.timefit import RAISED_AT_MOST_US
from protocol.events import Presence
from protocol.identity import EntryId, Epoch, ItemId, PlaceId, StationId
from tests.unit.ledger.memory_counting import CountingShop, HomeGiven, ShelfGiven

TEA, JAM = ItemId("tea"), ItemId("jam")
SHOP, YARD, A, B, DOOR = (PlaceId(name) for name in ("shop", "yard", "shelf-a", "shelf-b", "door"))
AREA = {A: SHOP, B: SHOP, DOOR: SHOP, YARD: YARD}


def entry(seq: int) -> EntryId:
    return EntryId(StationId("reader-1"), Epoch(1, 7), seq)


def sign(seq: int, sign: Sign, place: PlaceId = A, epc: str = "T1") -> Sighting:
    """A sighting whose time is its number."""
    return Sighting(epc, sign, place, seq, entry(seq))


def sweep(seq: int, place: PlaceId, *epcs: str) -> Sweep:
    return Sweep(entry(seq), "s", place, frozenset(epcs), seq, seq)


def on(epc: str) -> Tagged | None:
    """T1, T2, … are on a piece of tea each, J1 on a case of six of jam; of others nobody knows."""
    return {"T": Tagged(TEA, 1000), "J": Tagged(JAM, 6000)}.get(epc[0])


def counted(sweeps: Sequence[Sweep], sightings: Sequence[Sighting]) -> dict[tuple[str, str], tuple[int, int]]:
    """Pieces seen, and pieces there may be, by place and item."""
    tags = tags_of(sightings, max(one.to_us for one in sweeps))
    parts, done = swept(sweeps, tags, on, lambda place: AREA[place], {TEA, JAM})
    assert {shelf.place for shelf in done} == {one.place for one in sweeps}
    return {(part.place, part.item): (part.qty_milli // 1000, (part.soft_hi_milli or 0) // 1000) for part in parts}


class TestATag:
    @pytest.mark.parametrize(
        ("signs", "state", "place"),
        [
            ([Sign.SEEN], TagState.PRESENT, A),
            ([Sign.SEEN, Sign.MISSED], TagState.UNSEEN, A),
            ([Sign.MISSED], TagState.UNSEEN, A),
            ([Sign.SEEN, Sign.LEFT], TagState.LEFT, A),
            ([Sign.SEEN, Sign.LEFT, Sign.SEEN], TagState.PRESENT, A),
            ([Sign.SEEN, Sign.SOLD], TagState.SOLD, A),
            ([Sign.SEEN, Sign.SOLD, Sign.MISSED], TagState.SOLD, A),
            ([Sign.SEEN, Sign.SOLD, Sign.SEEN], TagState.SOLD, A),
            ([Sign.SEEN, Sign.SOLD, Sign.LEFT, Sign.RETURNED], TagState.PRESENT, A),
            ([Sign.RETURNED], TagState.PRESENT, A),
        ],
    )
    def test_is_where_the_newest_signs_say_in_whatever_order_they_come(
        self, signs: list[Sign], state: TagState, place: PlaceId
    ) -> None:
        for order in permutations([sign(seq, one) for seq, one in enumerate(signs, 1)]):
            tag = Tag("T1")
            for sighting in (*order, *order):
                tag = tag.told(sighting)
            assert tag.state is state
            assert tag.last is not None
            assert tag.last.place == place

    def test_that_nothing_was_told_of_is_unseen(self) -> None:
        assert (Tag("T1").state, Tag("T1").last) == (TagState.UNSEEN, None)

    def test_is_where_it_was_seen_last(self) -> None:
        tag = tags_of([sign(2, Sign.SEEN, B), sign(1, Sign.SEEN, A), sign(3, Sign.SEEN, YARD)], until_us=2)["T1"]
        assert tag.last == sign(2, Sign.SEEN, B)

    def test_that_a_station_no_longer_hears_has_not_left_for_it(self) -> None:
        assert {SIGN[Presence.DEPARTED], SIGN[Presence.UNKNOWN]} == {Sign.MISSED}
        assert {SIGN[Presence.ARRIVED], SIGN[Presence.MOVED]} == {Sign.SEEN}


class TestTheOrderOfALog:
    def timed(self, *told: tuple[int, int, Sign]) -> list[tuple[int, int]]:
        """Read what reader 1 said (seq, time, sign) in any order; times and errors in the order of its log."""
        said = [replace(sign(seq, what), t_us=t_us) for seq, t_us, what in told]
        orders = {tuple((one.t_us, one.err_us) for one in in_log_order(each)) for each in permutations(said)}
        assert len(orders) == 1
        return list(orders.pop())

    def test_what_is_said_later_is_no_older_and_as_unsure_as_it_was_raised(self) -> None:
        assert self.timed((1, 100, Sign.SEEN), (2, 70, Sign.SEEN), (3, 80, Sign.MISSED)) == [
            (100, 0),
            (100, 30),
            (100, 20),
        ]

    def test_one_that_is_seen_is_not_raised_to_a_clock_that_lies_days_ahead_but_its_silence_is(self) -> None:
        lie_us = RAISED_AT_MOST_US + 101
        assert self.timed((1, lie_us, Sign.SEEN), (2, 100, Sign.SEEN)) == [(lie_us, 0), (100, 0)]
        assert self.timed((1, lie_us, Sign.SEEN), (2, 100, Sign.MISSED)) == [(lie_us, 0), (lie_us, lie_us - 100)]

    def test_each_station_has_an_order_of_its_own(self) -> None:
        other = Sighting("T1", Sign.SEEN, B, 50, EntryId(StationId("reader-2"), Epoch(1, 9), 1))
        assert other in in_log_order([sign(100, Sign.SEEN), other])


class TestASweep:
    def test_counts_what_it_saw_and_what_it_cannot_rule_out(self) -> None:
        before = [sign(1, Sign.SEEN, A, "T1"), sign(2, Sign.SEEN, A, "T2"), sign(3, Sign.MISSED, A, "T2")]
        assert counted([sweep(10, A, "T1", "T3")], before) == {(A, TEA): (2, 3)}

    @pytest.mark.parametrize(
        "since", [sign(2, Sign.SOLD), sign(2, Sign.LEFT, DOOR), sign(2, Sign.SEEN, YARD)], ids=["sold", "left", "moved"]
    )
    def test_rules_out_what_was_sold_or_left_or_was_seen_in_another_area(self, since: Sighting) -> None:
        assert counted([sweep(10, A, "T2")], [sign(1, Sign.SEEN), since]) == {(A, TEA): (1, 1)}

    def test_knows_nothing_of_what_came_after_it(self) -> None:
        before = [sign(1, Sign.SEEN), sign(11, Sign.SOLD), sign(12, Sign.SEEN, A, "T9")]
        assert counted([sweep(10, A)], before) == {(A, TEA): (0, 1)}

    def test_a_sold_tag_that_answers_may_be_in_a_customers_bag(self) -> None:
        assert counted([sweep(10, A, "T1")], [sign(1, Sign.SEEN), sign(2, Sign.SOLD)]) == {(A, TEA): (0, 1)}

    def test_a_tag_that_answers_on_two_shelves_is_one_piece_on_the_later(self) -> None:
        assert counted([sweep(11, B, "T1"), sweep(10, A, "T1", "T2")], []) == {(A, TEA): (1, 1), (B, TEA): (1, 1)}

    def test_one_not_seen_is_looked_for_where_it_was_last_or_anywhere_in_its_area(self) -> None:
        before = [sign(1, Sign.SEEN, A, "T1"), sign(2, Sign.SEEN, DOOR, "T2"), sign(3, Sign.SEEN, YARD, "T3")]
        assert counted([sweep(10, B, "T9")], before) == {(B, TEA): (1, 3)}
        assert counted([sweep(10, A), sweep(11, B, "T9")], before) == {(A, TEA): (0, 2), (B, TEA): (1, 1)}

    def test_counts_cases_as_what_is_in_them_and_says_nothing_of_what_nobody_knows(self) -> None:
        assert counted([sweep(10, A, "J1", "X1")], [sign(1, Sign.SEEN, A, "X2")]) == {(A, JAM): (6, 6)}

    def test_says_nothing_of_items_that_are_not_tagged_piece_by_piece(self) -> None:
        parts, done = swept([sweep(10, A, "T1", "J1")], {}, on, lambda place: AREA[place], {JAM})
        assert parts == [Part(entry(10), "s", JAM, A, 6000, 10, 10, 0, 1, "", 6000)]
        assert done == [ShelfDone(entry(10), "s", A, 10, 10, goods=Goods.TAGGED)]

    def test_several_sweeps_of_a_shelf_are_one_part(self) -> None:
        sweeps = [sweep(10, A, "T1"), sweep(12, A, "T1", "T2")]
        (part,), _ = swept(sweeps, {}, on, lambda place: AREA[place], {TEA})
        assert (part.entry, part.qty_milli, part.from_us, part.to_us) == (entry(12), 2000, 10, 12)

    def test_the_books_follow_it_no_further_than_they_must(self) -> None:
        shop = CountingShop()
        shop.take(ShelfGiven(A, SHOP), ShelfGiven(B, SHOP), HomeGiven(TEA, A), HomeGiven(TEA, B), Plan("s", SHOP, 0))
        shop.take(Part(entry(1), "before", TEA, A, 9000, 1, 1), Part(entry(2), "before", TEA, B, 0, 1, 1))
        before = [sign(n, Sign.SEEN, A, f"T{n}") for n in range(1, 6)]
        sweeps = [sweep(10, A, "T1", "T2", "T3"), sweep(11, B, "T4", "T7")]
        found = swept(sweeps, tags_of(before, 11), on, lambda place: AREA[place], {TEA})
        shop.take(*found.parts, *found.done)
        tea = shop.state()
        assert (tea.lo_milli, tea.on_hand_milli, tea.hi_milli) == (5000, 6000, 6000)


_EPCS = ["T1", "T2", "T3", "J1"]
_sightings = st.lists(
    st.builds(
        lambda seq, one, place, epc: Sighting(epc, one, place, seq, entry(seq)),
        st.integers(1, 12),
        st.sampled_from(Sign),
        st.sampled_from([A, B, DOOR, YARD]),
        st.sampled_from(_EPCS),
    ),
    max_size=12,
    unique_by=lambda sighting: (sighting.t_us, sighting.epc),
)
_sweeps = st.lists(
    st.builds(
        lambda seq, place, epcs: sweep(seq, place, *epcs),
        st.integers(8, 14),
        st.sampled_from([A, B, YARD]),
        st.frozensets(st.sampled_from(_EPCS)),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda one: one.entry,
)


@settings(max_examples=60, deadline=None)
@given(_sightings, _sweeps)
def test_what_sweeps_count_is_an_interval_of_what_can_be_there_in_any_order(
    sightings: list[Sighting], sweeps: list[Sweep]
) -> None:
    told = counted(sweeps, sightings)
    assert told == counted(list(reversed(sweeps)), [*reversed(sightings), *sightings])
    for least, most in told.values():
        assert 0 <= least <= most
    seen = frozenset[str]().union(*(one.epcs for one in sweeps))
    known = seen | {sighting.epc for sighting in sightings}
    for item, epcs, each in ((TEA, "T", 1), (JAM, "J", 6)):
        mine = [pieces for (_, counted_item), pieces in told.items() if counted_item == item]
        assert sum(most for _, most in mine) <= each * sum(epc.startswith(epcs) for epc in known)
        assert sum(most for _, most in mine) >= each * sum(epc.startswith(epcs) for epc in seen)
