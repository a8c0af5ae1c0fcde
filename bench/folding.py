"""How many entries a second one core folds in memory, and what a batch's size and a shop's disorder cost.

The books are plain dictionaries, so the figure is that of the fold and its look-ups alone: no parsing, no store. It is
of processor time, and the entries, which a hub would not hold in memory, are kept out of the garbage collector's sight.
"""

from __future__ import annotations

import gc
import random
import time
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Sequence

from bench.figures import Better, Figure, Floor, middle
from bench.workbench import Workbench
from hub.ledger.entries import Count, Delta, Entry, Key, Reversal, Scope
from hub.ledger.figures import CountFigure, Outcome, ScopeState
from hub.ledger.fold import fold
from protocol.events import Reason
from protocol.identity import EntryId, Epoch, ItemId, PlaceId, StationId

ENTRIES = 100_000
_SECOND_US = 1_000_000
_SCOPES = 5_000


async def measure(bench: Workbench) -> list[Figure]:
    """Fold sales in order, then a shop's days, in batches as the hub's and larger ones."""
    entries = bench.size(ENTRIES)
    in_order: list[Entry] = list(sales(entries, _SCOPES))
    disordered = days(entries, _SCOPES)
    bare = entries / middle([_sum_s(in_order) for _ in range(bench.rounds)])
    floor = Floor("summing quantities per item in a dictionary", bare)
    figures: list[Figure] = []
    for what, some, batch in (
        ("sales in order, 500 a batch", in_order, 500),
        ("a shop's days (counts, undone sales, 3 % late), 500 a batch", disordered, 500),
        ("a shop's days, 5,000 a batch", disordered, 5_000),
    ):
        rates = [entries / _fold_s(some, batch) for _ in range(bench.rounds)]
        figures.append(
            Figure(
                part="fold alone",
                what=what,
                unit="entries/s",
                value=middle(rates),
                better=Better.MORE,
                rounds=tuple(rates),
                floor=floor,
            )
        )
    return figures


def _fold_s(entries: Sequence[Entry], batch: int) -> float:
    gc.collect()
    gc.freeze()
    books = DictBooks()
    spent = 0.0
    for start in range(0, len(entries), batch):
        some = entries[start : start + batch]
        began = time.process_time()
        outcome = fold(some, books)
        spent += time.process_time() - began
        books.keep(outcome)
    gc.unfreeze()
    return spent


def _sum_s(entries: Sequence[Entry]) -> float:
    began = time.process_time()
    stock: dict[Scope, int] = defaultdict(int)
    for entry in entries:
        if isinstance(entry, Delta):
            stock[entry.scope] += entry.qty_milli
    return time.process_time() - began


class DictBooks:
    """Keeps just what the fold asks back, indexed as a store would."""

    def __init__(self) -> None:
        self.scopes: dict[Scope, ScopeState] = {}
        self.counts: dict[EntryId, CountFigure] = {}
        self.entries: dict[EntryId, Entry] = {}
        self.reversals: dict[EntryId, list[EntryId]] = defaultdict(list)
        self.by_key: dict[Scope, list[tuple[Key, Delta]]] = defaultdict(list)
        self.undone: dict[Scope, list[tuple[Key, Delta]]] = defaultdict(list)
        self.counts_by_key: dict[Scope, list[tuple[Key, EntryId]]] = defaultdict(list)

    def state(self, scope: Scope) -> ScopeState | None:
        return self.scopes.get(scope)

    def related(self, ids: Sequence[EntryId]) -> Iterable[Entry]:
        for identity in ids:
            if (entry := self.entries.get(identity)) is not None:
                yield entry
            for reversal in self.reversals.get(identity, ()):
                yield self.entries[reversal]

    def deltas_between(self, scope: Scope, low: Key | None, high: Key | None) -> Iterable[Delta]:
        rows = self.by_key[scope]
        start = 0 if low is None else bisect_right(rows, low, key=lambda row: row[0])
        end = len(rows) if high is None else bisect_left(rows, high, key=lambda row: row[0])
        return [delta for _, delta in rows[start:end]]

    def undone_between(self, scope: Scope, low: Key, high: Key) -> Iterable[Delta]:
        rows = self.undone[scope]
        start, end = (bisect_left(rows, at, key=lambda row: row[0]) for at in (low, high))
        return [delta for _, delta in rows[start:end]]

    def neighbours(self, scope: Scope, key: Key) -> tuple[CountFigure | None, CountFigure | None]:
        rows = self.counts_by_key[scope]
        at = bisect_left(rows, key, key=lambda row: row[0])
        before = self.counts[rows[at - 1][1]] if at else None
        return before, self.counts[rows[at][1]] if at < len(rows) else None

    def keep(self, outcome: Outcome) -> None:
        for filed in outcome.filed:
            entry = filed.entry
            fresh = entry.id not in self.entries
            self.entries[entry.id] = entry
            if isinstance(entry, Reversal):
                if fresh:
                    self.reversals[entry.reverses].append(entry.id)
            elif isinstance(entry, Delta):
                if fresh:
                    insort(self.by_key[entry.scope], (entry.key, entry), key=lambda row: row[0])
                elif filed.reversed_by is not None:
                    self.by_key[entry.scope].remove((entry.key, entry))
                    insort(self.undone[entry.scope], (entry.key, entry), key=lambda row: row[0])
        for figure in outcome.counts:
            if figure.id not in self.counts:
                insort(self.counts_by_key[figure.scope], (figure.key, figure.id))
            self.counts[figure.id] = figure
        self.scopes.update((state.scope, state) for state in outcome.scopes)


def sales(entries: int, scopes: int) -> list[Delta]:
    """Sales in order from four tills, nothing else."""
    random.seed(1)
    epoch = Epoch(1, 1)
    tills = [StationId(f"till-{n}") for n in range(4)]
    names = [Scope(ItemId(f"item-{n}"), PlaceId("shop")) for n in range(scopes)]
    return [
        Delta(EntryId(tills[n % 4], epoch, n // 4 + 1), random.choice(names), -1000, Reason.SALE, n * _SECOND_US)
        for n in range(entries)
    ]


def days(entries: int, scopes: int) -> list[Entry]:
    """Sales with 1 % counts, 1 % undone, leads and clock errors, and 3 % that come up to an hour late."""
    arrivals: list[tuple[int, Entry]] = []
    for n, sale in enumerate(sales(entries, scopes)):
        draw = random.random()
        late = random.randrange(3600) if draw < 0.03 else 0
        arrivals.append((n + late, _varied(sale, draw, arrivals)))
    return [entry for _, entry in sorted(arrivals, key=lambda arrival: arrival[0])]


def _varied(sale: Delta, draw: float, before: list[tuple[int, Entry]]) -> Entry:
    t_us = sale.t_us
    if 0.03 <= draw < 0.04:
        return Count(sale.id, sale.scope, 9000, t_us - 60 * _SECOND_US, t_us, 5000)
    if 0.04 <= draw < 0.05 and len(before) > 40:
        return Reversal(sale.id, before[-8][1].id, t_us)
    return Delta(sale.id, sale.scope, -1000, Reason.SALE, t_us, err_us=5000, lead_us=1800 * _SECOND_US)
