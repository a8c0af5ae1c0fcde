"""A basket that a person ends: whenever somebody counted, the bounds of the books hold what there is."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.ledger.baskets import LEGS, line_entry, movements
from hub.ledger.entries import Count, Delta, Entry
from protocol.decisions import BasketFate
from protocol.events import Reason
from tests.unit.ledger.memory_books import MemoryBooks
from tests.unit.ledger.telling import MINUTE_US, TEA, at, till

LEAD_US = 30 * MINUTE_US
HELD, IN_BASKET = 20_000, 3_000
SCANNED_US, SAID_US = at("12:00"), at("15:00")
SALE = Delta(till(5), TEA, -IN_BASKET, Reason.SALE, SCANNED_US, lead_us=LEAD_US)


@dataclass(frozen=True)
class Truth:
    """When the goods left their shelf, and when they were back on it (None: they never were)."""

    picked_us: int
    back_us: int | None

    def on_shelf(self, t_us: int) -> int:
        away = self.picked_us < t_us and (self.back_us is None or t_us < self.back_us)
        return HELD - IN_BASKET if away else HELD


@st.composite
def stories(draw: st.DrawFn) -> tuple[Truth, BasketFate, list[Count]]:
    """What happened, what a person said of it without saying anything wrong, and what was counted meanwhile."""
    minutes = st.integers(-120, 320)
    picked_us = SCANNED_US - draw(st.integers(0, 30)) * MINUTE_US
    is_back = draw(st.booleans())
    back_us = draw(st.integers(SCANNED_US + 1, SAID_US - 1)) if is_back else None
    truth = Truth(picked_us, back_us)
    fate = draw(st.sampled_from([BasketFate.UNKNOWN, BasketFate.RETURNED if is_back else BasketFate.SOLD]))
    counts: list[Count] = []
    for n, minute in enumerate(sorted(draw(st.sets(minutes, max_size=3)))):
        t_us = SCANNED_US + minute * MINUTE_US
        since_us = t_us - draw(st.integers(0, 10)) * MINUTE_US
        read_us = draw(st.integers(since_us, t_us))
        # Nobody carries a basket through an area that is closed, but one may lie aside in it.
        is_closed = draw(st.booleans()) and not (since_us <= SCANNED_US and t_us >= picked_us)
        counts.append(Count(till(n + 1, "counter"), TEA, truth.on_shelf(read_us), since_us, t_us, closed=is_closed))
    return truth, fate, counts


@settings(max_examples=500, deadline=None)
@given(stories())
def test_no_count_before_between_or_after_makes_the_books_silently_wrong(
    story: tuple[Truth, BasketFate, list[Count]],
) -> None:
    assert_never_silently_wrong(*story)


@pytest.mark.torture
@settings(max_examples=5_000, deadline=None)
@given(stories())
def test_no_count_makes_the_books_silently_wrong_in_thousands_of_stories(
    story: tuple[Truth, BasketFate, list[Count]],
) -> None:
    assert_never_silently_wrong(*story)


def assert_never_silently_wrong(truth: Truth, fate: BasketFate, counts: list[Count]) -> None:
    opening = Count(till(9, "opening"), TEA, HELD, at("08:00"), at("08:00"), closed=True)
    entries: list[Entry] = [opening, *counts, *movements(fate, SALE, SAID_US, "till-1/b-1")]
    books = MemoryBooks()
    books.take(*entries)
    state = books.scopes[TEA]
    there = truth.on_shelf(SAID_US + 1)
    assert state.lo_milli <= there <= state.hi_milli
    assert state.anchor is not None
    if state.anchor.from_us > SAID_US or (state.anchor.id == opening.id and fate is not BasketFate.UNKNOWN):
        assert state.lo_milli == there == state.hi_milli


def test_what_it_moves_sums_to_what_is_gone_and_is_named_by_its_line_alone() -> None:
    sums = {fate: sum(moved.qty_milli for moved in movements(fate, SALE, SAID_US, "b")) for fate in BasketFate}
    assert sums == {BasketFate.SOLD: -3000, BasketFate.RETURNED: 0, BasketFate.UNKNOWN: -3000}
    names = {line_entry(line, leg) for line in (till(5), till(6), till(5, "till-2")) for leg in range(LEGS)}
    assert len(names) == 9
    assert {moved.id for fate in BasketFate for moved in movements(fate, SALE, SAID_US, "b")} <= names
