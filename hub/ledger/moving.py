"""The common delta's short way into a scope's figures: newer than the last count, clear of its readings."""

from __future__ import annotations

from hub.ledger.entries import COUNTER_PLACE, CounterPlace, Delta
from hub.ledger.figures import ScopeState


def moved(state: ScopeState, delta: Delta) -> ScopeState | None:
    """Count a delta in, as `hub.ledger.book` does, where nothing else of the scope has to be known.

    None where it takes a book: the delta is not newer than the last count, or not clear of its readings.
    """
    t_us, err_us, qty = delta.t_us, delta.err_us, delta.qty_milli
    before_us, after_us = delta.lead_us + err_us, delta.lag_us + err_us
    anchor = state.anchor
    if anchor is not None and t_us - before_us <= anchor.to_us:
        return None
    supplier, customer, shrink = state.supplier_milli, state.customer_milli, state.shrink_milli
    transit, conversion = state.transit_milli, state.conversion_milli
    match COUNTER_PLACE[delta.reason]:
        case CounterPlace.CUSTOMER:
            customer -= qty
        case CounterPlace.SUPPLIER:
            supplier -= qty
        case CounterPlace.SHRINK:
            shrink -= qty
        case CounterPlace.TRANSIT:
            transit -= qty
        case CounterPlace.CONVERSION:
            conversion -= qty
        case CounterPlace.OPENING:
            return None
    newest_us, reach_us = state.newest_us, state.reach_us
    if t_us > newest_us:
        newest_us = t_us
    if t_us + after_us > reach_us:
        reach_us = t_us + after_us
    if before_us < state.before_us:
        before_us = state.before_us
    if after_us < state.after_us:
        after_us = state.after_us
    return ScopeState(
        state.scope,
        anchor,
        state.moved_milli + qty,
        state.under_milli,
        state.over_milli,
        state.ambiguous,
        supplier,
        customer,
        shrink,
        state.opening_milli,
        transit,
        conversion,
        newest_us,
        reach_us,
        before_us,
        after_us,
    )
