"""Random sets of entries, their arrival orders and batchings, for property tests of the fold.

Everything is drawn from small pools, so that ties in time, reversals of reversals, of repeats and of the unknown,
several versions of an entry (also in another scope) and several counts in a scope, hard and soft, are common and not
rare.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import strategies as st

from hub.ledger.entries import EVER_US, Count, Delta, Entry, Reversal, Scope
from protocol.events import Reason
from protocol.identity import EntryId, Epoch, ItemId, PlaceId, StationId

SCOPES = [Scope(ItemId(item), PlaceId(area)) for item in ("tea", "jam") for area in ("shop", "yard")]
IDS = [
    EntryId(StationId(station), epoch, seq)
    for station in ("hub", "till-1", "till-2")
    for epoch in (Epoch(1, 5), Epoch(1, 2**64 - 1), Epoch(2, 0))
    for seq in (1, 2, 9, 10)
]

_times = st.integers(0, 15)
_errors = st.sampled_from([0, 0, 1, 2])
_distances = st.sampled_from([0, 0, 0, 4])
_leads = st.sampled_from([0, 0, 0, 4, 0, 4, EVER_US])


@st.composite
def entry_sets(draw: st.DrawFn) -> list[Entry]:
    """A set of entries with, for some, several versions: what the hub may ever be told, each version once."""
    ids = draw(st.lists(st.sampled_from(IDS), min_size=1, max_size=12, unique=True))
    scopes = st.sampled_from(SCOPES[: draw(st.integers(1, len(SCOPES)))])
    versions: list[Entry] = []
    for identity in ids:
        kind = draw(st.sampled_from("dddccr"))
        # A little beyond `ids`, so that some targets never come.
        target = draw(st.sampled_from([*ids, IDS[0], IDS[-1]]))
        for fit in draw(st.sampled_from([[0], [0], [0], [3], [0, 1], [0, 1, 2]])):
            t_us, err_us = draw(_times), draw(_errors)
            if kind == "r":
                versions.append(Reversal(identity, target, t_us, err_us, fit=fit))
            elif kind == "d":
                versions.append(
                    Delta(
                        identity,
                        draw(scopes),
                        draw(st.integers(-5, 5)) * 1000,
                        draw(st.sampled_from(Reason)),
                        t_us,
                        err_us,
                        lead_us=draw(_leads),
                        lag_us=draw(_distances),
                        fit=fit,
                    )
                )
            else:
                versions.append(_count(draw, identity, draw(scopes), t_us, err_us, fit))
    return versions


def _count(draw: st.DrawFn, identity: EntryId, scope: Scope, t_us: int, err_us: int, fit: int) -> Count:
    seen_milli = draw(st.integers(0, 9)) * 1000
    most_milli = None if draw(st.booleans()) else seen_milli + draw(st.integers(0, 9)) * 1000
    return Count(
        identity,
        scope,
        seen_milli,
        t_us - draw(_distances),
        t_us,
        err_us,
        fit=fit,
        lo_milli=None if most_milli is None else seen_milli,
        hi_milli=most_milli,
        closed=draw(st.booleans()),
        stands=draw(st.sampled_from([True, True, True, False])),
    )


@st.composite
def batchings(draw: st.DrawFn, entries: Sequence[Entry]) -> list[list[Entry]]:
    """The entries in any order, some of them several times, cut into batches."""
    repeats = draw(st.lists(st.sampled_from(entries), max_size=4))
    order = draw(st.permutations([*entries, *repeats]))
    cuts = draw(st.lists(st.integers(0, len(order)), max_size=len(order)).map(sorted))
    bounds = [0, *cuts, len(order)]
    return [order[start:end] for start, end in pairwise(bounds) if start < end]


@st.composite
def arrivals(draw: st.DrawFn) -> list[list[Entry]]:
    """A set of entries as it arrives."""
    return draw(batchings(draw(entry_sets())))


@st.composite
def arrivals_twice(draw: st.DrawFn) -> tuple[list[list[Entry]], list[list[Entry]]]:
    """A set of entries as it arrives, and as it might have arrived as well."""
    entries = draw(entry_sets())
    return draw(batchings(entries)), draw(batchings(entries))
