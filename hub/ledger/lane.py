"""The short way into the books for the common delta: sums alone, no value made for an entry.

A delta that nobody names, that is newer than its scope's last count and clear of its readings, changes nothing of the
scope but some sums and upper bounds. A `Lane` gathers those for deltas alike in scope, reason, lead and lag, and closes
into the scope's figures when somebody asks for them. What comes out is what `hub.ledger.fold` makes of the same deltas.
"""

from __future__ import annotations

from hub.ledger.entries import COUNTER_PLACE, CounterPlace
from hub.ledger.figures import NEVER_US, CountFigure, ScopeState
from protocol.events import Reason


class Lane:
    """Deltas of one scope and reason since the scope's figures were closed; lives with them in memory."""

    __slots__ = ("_before_us", "_end_us", "_lag_us", "_lead_us", "_newest_us", "_place", "clear_us", "qty_milli")

    def __init__(self, reason: Reason, lead_us: int, lag_us: int, anchor: CountFigure | None) -> None:
        self._place = COUNTER_PLACE[reason]
        self._lead_us = lead_us
        self._lag_us = lag_us
        self.qty_milli = 0
        self._newest_us = self._end_us = NEVER_US
        self._before_us = 0
        self.rest_on(anchor)

    def rest_on(self, anchor: CountFigure | None) -> None:
        """Say which count on-hand rests on: `add` is for deltas with `t_us` - `err_us` > `clear_us` alone."""
        self.clear_us = NEVER_US if anchor is None else anchor.to_us + self._lead_us

    def add(self, t_us: int, err_us: int, qty_milli: int) -> None:
        """Count a delta in."""
        self.qty_milli += qty_milli
        if t_us > self._newest_us:
            self._newest_us = t_us
        if t_us + err_us > self._end_us:
            self._end_us = t_us + err_us
        if err_us > self._before_us:
            self._before_us = err_us

    def close(self, state: ScopeState) -> ScopeState:
        """Give the figures with what came since, and begin anew."""
        if self._newest_us == NEVER_US:
            return state
        qty_milli, place = self.qty_milli, self._place
        newest_us, reach_us = self._newest_us, self._end_us + self._lag_us
        before_us, after_us = self._before_us + self._lead_us, self._before_us + self._lag_us
        self.qty_milli = 0
        self._newest_us = self._end_us = NEVER_US
        self._before_us = 0
        return ScopeState(
            scope=state.scope,
            anchor=state.anchor,
            moved_milli=state.moved_milli + qty_milli,
            under_milli=state.under_milli,
            over_milli=state.over_milli,
            ambiguous=state.ambiguous,
            supplier_milli=state.supplier_milli - qty_milli * (place is CounterPlace.SUPPLIER),
            customer_milli=state.customer_milli - qty_milli * (place is CounterPlace.CUSTOMER),
            shrink_milli=state.shrink_milli - qty_milli * (place is CounterPlace.SHRINK),
            opening_milli=state.opening_milli,
            transit_milli=state.transit_milli - qty_milli * (place is CounterPlace.TRANSIT),
            conversion_milli=state.conversion_milli - qty_milli * (place is CounterPlace.CONVERSION),
            newest_us=max(state.newest_us, newest_us),
            reach_us=max(state.reach_us, reach_us),
            before_us=max(state.before_us, before_us),
            after_us=max(state.after_us, after_us),
        )
