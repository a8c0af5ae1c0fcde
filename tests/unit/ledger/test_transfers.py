"""What a transfer has come to, from all that was said of it and all that moved, in whatever order that became known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.ledger.transfers import Moved, Route, Said, settle
from protocol.decisions import TransferStep
from protocol.feed_documents import Phase
from protocol.identity import ItemId, PlaceId, StoreId

TEA, JAM = ItemId("tea"), ItemId("jam")
ROUTE = Route(StoreId("oak"), PlaceId("stockroom"), StoreId("high"), PlaceId("store"))


def said(
    step: TransferStep,
    at_us: int = 1,
    *,
    by_hq: bool = False,
    number: tuple[int, int] = (1, 1),
    tea: int = 0,
    note: str = "",
) -> Said:
    close = step is TransferStep.CLOSE
    lines = () if close else ((TEA, tea),)
    return Said(step, at_us, by_hq, number, "anna", note, None if close else ROUTE, lines)


DRAFT = said(TransferStep.DRAFT, tea=12_000)
APPROVE = said(TransferStep.APPROVE, 2, tea=10_000)
CLOSE = said(TransferStep.CLOSE, 9)


@pytest.mark.parametrize(
    ("steps", "moved", "phase", "transit"),
    [
        ((DRAFT,), {}, Phase.DRAFT, 0),
        ((DRAFT, APPROVE), {}, Phase.APPROVED, 0),
        ((DRAFT, APPROVE), {TEA: Moved(10_000)}, Phase.SHIPPED, 10_000),
        ((DRAFT, APPROVE), {TEA: Moved(10_000, 4_000)}, Phase.RECEIVING, 6_000),
        ((DRAFT, APPROVE), {TEA: Moved(10_000, 10_000)}, Phase.RECEIVED, 0),
        ((DRAFT, APPROVE), {TEA: Moved(10_000, 11_000)}, Phase.RECEIVED, -1_000),
        ((APPROVE,), {TEA: Moved(0, 4_000)}, Phase.RECEIVING, -4_000),
        ((DRAFT, APPROVE, CLOSE), {TEA: Moved(10_000, 9_000)}, Phase.CLOSED, 1_000),
        ((DRAFT, APPROVE, CLOSE), {TEA: Moved(10_000, 9_000, 1_000)}, Phase.CLOSED, 0),
    ],
)
def test_the_phase_follows_from_what_was_said_and_moved(
    steps: tuple[Said, ...], moved: dict[ItemId, Moved], phase: Phase, transit: int
) -> None:
    state = settle("TR-1", steps, moved)
    assert state.phase is phase
    assert state.transit == ({TEA: transit} if transit else {})


def test_what_is_short_is_what_was_shipped_and_not_received() -> None:
    state = settle("TR-1", (APPROVE,), {TEA: Moved(10_000, 9_000, 1_000), JAM: Moved(0, 2_000)})
    assert [(each.item, each.planned_milli, each.discrepancy_milli) for each in state.items] == [
        (JAM, 0, -2_000),
        (TEA, 10_000, 1_000),
    ]


def test_of_the_stores_own_words_the_first_counts_and_of_head_offices_the_last() -> None:
    first, second = said(TransferStep.APPROVE, 3, number=(1, 5), tea=1), said(TransferStep.APPROVE, 4, number=(1, 6))
    assert settle("TR-1", (second, first), {}).approved == first
    early = said(TransferStep.APPROVE, 8, by_hq=True, number=(1, 2), tea=7)
    late = said(TransferStep.APPROVE, 7, by_hq=True, number=(2, 1), tea=5)
    assert settle("TR-1", (late, first, early), {}).approved == late


STEPS = st.builds(
    said,
    st.sampled_from(TransferStep),
    st.integers(0, 3),
    by_hq=st.booleans(),
    number=st.tuples(st.integers(1, 2), st.integers(1, 50)),
    tea=st.integers(0, 5),
)


@given(st.lists(STEPS, unique_by=lambda each: (each.by_hq, each.number)), st.randoms(use_true_random=False))
def test_order_and_repeats_of_what_was_said_do_not_matter(steps: list[Said], dice: object) -> None:
    told = [*steps, *steps]
    dice.shuffle(told)  # type: ignore[attr-defined]
    moved = {TEA: Moved(3_000, 1_000)}
    assert settle("TR-1", told, moved) == settle("TR-1", steps, moved)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9))))
def test_writing_off_what_is_in_transit_leaves_none(parts: list[tuple[int, int]]) -> None:
    moved = Moved()
    for shipped, received in parts:
        moved += Moved(shipped, received)
        moved += Moved(settled_milli=settle("TR-1", (APPROVE, CLOSE), {TEA: moved}).transit.get(TEA, 0))
    assert settle("TR-1", (APPROVE, CLOSE), {TEA: moved}).transit == {}
