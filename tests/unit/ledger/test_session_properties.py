"""What must hold of count sessions, whatever is counted by whom and however it arrives."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from hub.ledger.counting import UNKNOWN_ITEM, Goods, Part, Plan, Ruling, ShelfDone, Verdict
from hub.ledger.entries import Count, Delta, Reversal, Scope, Status
from hub.ledger.figures import Outcome, ScopeState
from hub.ledger.reference import Fate, Reckoning, Said, bare, bare_count, counted
from hub.ledger.sessions import compose
from protocol.events import Reason
from protocol.identity import HUB_STATION, EntryId, Epoch, ItemId, PlaceId, StationId
from tests.unit.ledger.memory_counting import Again, CountingShop, HomeGiven, ShelfGiven, Tagged, Told, in_batches

Batches = list[list[Told]]
_enough = settings(max_examples=50, deadline=None)
_some = settings(max_examples=20, deadline=None)
_for_long = settings(max_examples=1000, deadline=None)

SESSIONS = ("s", "t")
AREAS = [PlaceId("shop"), PlaceId("yard")]
PLACES = [PlaceId(name) for name in ("a", "b", "c")]
ITEMS = [ItemId(name) for name in ("tea", "jam")]

_times = st.integers(0, 15)
_passes = st.sampled_from([1, 1, 2, 3])
_moments = st.sampled_from([0, 0, 5, 12])
_some_items = st.none() | st.frozensets(st.sampled_from(ITEMS))


def entry(station: str, seq: int) -> EntryId:
    return EntryId(StationId(station), Epoch(1, 7), seq)


@st.composite
def told_sets(draw: st.DrawFn) -> list[Told]:
    """What may be told of sessions, each thing once, in the order of drawing."""
    # A place is given once: two areas at one time would be two decisions of which the later counts.
    places = draw(st.lists(st.sampled_from(PLACES), unique=True))
    told: list[Told] = [ShelfGiven(place, draw(st.sampled_from(AREAS)), draw(_moments)) for place in places]
    homed = ITEMS[: draw(st.integers(0, 2))]
    told += [HomeGiven(item, draw(st.sampled_from(PLACES)), draw(_moments)) for item in homed]
    told += [Tagged(item, draw(_moments)) for item in ITEMS if draw(st.sampled_from("nny")) == "y"]
    told += [_plan(draw, session) for session in SESSIONS if draw(st.booleans())]
    stations = st.sampled_from(["hand-1", "hand-2"])
    for seq in range(1, draw(st.integers(1, 8))):
        identity, session = entry(draw(stations), seq), draw(st.sampled_from(SESSIONS))
        place, to_us, pass_ = draw(st.sampled_from([*PLACES, AREAS[0]])), draw(_times), draw(_passes)
        from_us, person = to_us - draw(st.integers(0, 2)), draw(st.sampled_from(["", "ann", "bob"]))
        if draw(st.sampled_from("ppd")) == "d":
            err_us, goods = draw(st.integers(0, 1)), draw(st.sampled_from(Goods))
            told.append(ShelfDone(identity, session, place, from_us, to_us, err_us, pass_, person, goods))
            continue
        part = Part(
            identity,
            session,
            draw(st.sampled_from(ITEMS)),
            place,
            draw(st.integers(0, 5)) * 1000,
            from_us,
            to_us,
            draw(st.integers(0, 1)),
            pass_,
            person,
        )
        if draw(st.sampled_from("kkkku")) == "u":
            part = replace(part, item=UNKNOWN_ITEM)
        elif draw(st.sampled_from("hhs")) == "s":
            part = replace(part, soft_hi_milli=part.qty_milli + draw(st.integers(0, 3)) * 1000)
        told.append(part)
        if draw(st.sampled_from("nnny")) == "y":
            later_us = part.to_us + draw(st.integers(-4, 4))
            item = ITEMS[0] if part.item == UNKNOWN_ITEM else part.item
            told.append(Again(1, replace(part, item=item, from_us=min(part.from_us, later_us), to_us=later_us)))
    told += [_ruling(draw, seq) for seq in range(1, draw(st.integers(0, 3)) + 1)]
    told += [_delta(draw, seq) for seq in range(1, draw(st.integers(0, 4)) + 1)]
    if draw(st.booleans()):
        told.append(Reversal(entry("hand-1", 90), entry("hand-1", draw(st.integers(1, 8))), 20))
    return told


def _plan(draw: st.DrawFn, session: str) -> Plan:
    return Plan(
        session,
        draw(st.sampled_from(AREAS)),
        draw(_moments),
        draw(_some_items),
        draw(st.frozensets(st.sampled_from(PLACES), max_size=2)),
        closed=draw(st.booleans()),
    )


def _ruling(draw: st.DrawFn, seq: int) -> Ruling:
    return Ruling(
        EntryId(HUB_STATION, Epoch(1, 1), seq),
        draw(st.sampled_from(Verdict)),
        draw(st.sampled_from(SESSIONS)),
        draw(st.none() | st.sampled_from(ITEMS)),
        draw(st.none() | _passes),
    )


def _delta(draw: st.DrawFn, seq: int) -> Delta:
    scope = Scope(draw(st.sampled_from(ITEMS)), draw(st.sampled_from(AREAS)))
    return Delta(entry("till-1", seq), scope, draw(st.integers(-3, 3)) * 1000, Reason.SALE, draw(_times), lead_us=2)


@st.composite
def batchings(draw: st.DrawFn, told: Sequence[Told]) -> Batches:
    repeats = draw(st.lists(st.sampled_from(told), max_size=3)) if told else []
    order = draw(st.permutations([*told, *repeats]))
    cuts = draw(st.lists(st.integers(0, len(order)), max_size=len(order)).map(sorted))
    return [order[start:end] for start, end in pairwise([0, *cuts, len(order)]) if start < end]


@st.composite
def arrivals(draw: st.DrawFn) -> Batches:
    return draw(batchings(draw(told_sets())))


@st.composite
def arrivals_twice(draw: st.DrawFn) -> tuple[Batches, Batches]:
    told = draw(told_sets())
    return draw(batchings(told)), draw(batchings(told))


def figures(shop: CountingShop) -> Reckoning:
    """What the books say, without what may depend on the order of arrival.

    Entries of a session that no longer says anything of a scope are kept, as history; so are their empty books.
    """
    books = shop.books
    standing = {
        identity
        for identity, filed in books.rows.items()
        if not (isinstance(filed.entry, Count) and not filed.entry.stands and filed.reversed_by is None)
    }
    return Reckoning(
        {scope: bare(state) for scope, state in books.scopes.items() if bare(state) != ScopeState(scope)},
        {identity: bare_count(figure) for identity, figure in books.counts.items()},
        {
            id_: Fate(filed.status, filed.cause, filed.reversed_by)
            for id_, filed in books.rows.items()
            if id_ in standing
        },
    )


def assert_as_defined(shop: CountingShop) -> None:
    defined, kept = shop.defined(), figures(shop)
    # What a scope was first heard of by may have moved to another area since; an empty count may be left of it.
    for scope in kept.scopes.keys() - defined.scopes.keys():
        assert (kept.scopes[scope].on_hand_milli, kept.scopes[scope].moved_milli) == (0, 0)
    known = defined.scopes.keys()
    assert {scope: kept.scopes[scope] for scope in kept.scopes.keys() & known} == {
        scope: state for scope, state in defined.scopes.items() if state != ScopeState(scope)
    }
    assert {identity: figure for identity, figure in kept.counts.items() if figure.scope in known} == defined.counts
    for identity, fate in kept.fates.items():
        assert defined.fates.get(identity, fate) == fate
    for filed in shop.books.rows.values():
        if isinstance(filed.entry, Count) and not filed.entry.stands:
            assert filed.status is Status.HISTORY


@_enough
@given(arrivals())
def test_after_every_batch_the_books_are_what_the_definition_says(batches: Batches) -> None:
    in_batches(batches, assert_as_defined)


@pytest.mark.torture
@_for_long
@given(arrivals())
def test_after_every_batch_of_a_thousand_stories_the_books_are_what_the_definition_says(batches: Batches) -> None:
    in_batches(batches, assert_as_defined)


@_enough
@given(arrivals_twice())
def test_every_order_and_batching_gives_the_same_books(both: tuple[Batches, Batches]) -> None:
    one, other = (in_batches(batches) for batches in both)
    assert one.composed == other.composed
    assert one.defined() == other.defined()
    for shop in (one, other):
        assert_as_defined(shop)


@_some
@given(arrivals())
def test_what_is_known_already_changes_nothing(batches: Batches) -> None:
    shop = in_batches(batches)
    for batch in batches:
        assert shop.take(*batch) == Outcome([], [], [], [], [])


@_enough
@given(arrivals())
def test_a_session_says_what_the_plain_definition_of_it_says(batches: Batches) -> None:
    shop = in_batches(batches)
    for session, composed in shop.composed.items():
        plan, parts, done, rulings = shop.material(session)
        said = {
            scope: Said(
                result.count.qty_milli,
                result.count.qty_milli if result.count.hi_milli is None else result.count.hi_milli,
                result.count.span_us,
                result.count.t_us,
            )
            for scope, result in composed.results.items()
        }
        assert said == counted(plan, parts, done, rulings, shop.floor)


@_some
@given(arrivals())
def test_a_session_speaks_of_a_scope_at_most_once_and_its_parts_never_beside_it(batches: Batches) -> None:
    shop = in_batches(batches)
    for session, composed in shop.composed.items():
        plan, parts, _, _ = shop.material(session)
        hard = [part for part in parts if part.soft_hi_milli is None and part.item != UNKNOWN_ITEM]
        assert {part.entry for part in hard} <= composed.entries.keys()
        assert composed.results.keys().isdisjoint(composed.open)
        for scope, result in composed.results.items():
            standing = [count for count in composed.entries.values() if count.scope == scope and count.stands]
            if plan is not None and plan.area == scope.area:
                assert standing == [result.count]


@_some
@given(arrivals())
def test_passes_are_never_summed(batches: Batches) -> None:
    shop = in_batches(batches)
    for composed in shop.composed.values():
        for result in composed.results.values():
            counting = [
                one.qty_milli for shelf in result.shelves for one in shelf.passes if one.pass_ == shelf.counts
            ]  # fmt: skip
            assert result.count.qty_milli == sum(counting)
            assert len(counting) == len(result.shelves)


@_some
@given(arrivals())
def test_each_item_sums_to_zero_over_real_and_virtual_places_always(batches: Batches) -> None:
    def assert_zero(shop: CountingShop) -> None:
        for state in shop.books.scopes.values():
            places = (state.customer_milli, state.shrink_milli, state.opening_milli, state.supplier_milli)
            assert state.on_hand_milli + sum(places) == 0

    in_batches(batches, assert_zero)


@_some
@given(arrivals())
def test_how_it_is_shown_to_those_who_count_changes_nothing(batches: Batches) -> None:
    shop = in_batches(batches)
    for session, composed in shop.composed.items():
        plan, parts, done, rulings = shop.material(session)
        if plan is not None:
            blind = replace(plan, blind=True, two_passes=True)
            assert compose(blind, parts, done, rulings, shop.floor) == composed
