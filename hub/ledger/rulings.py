"""What the rulings on a count session come to for one item: the later of two counts, and a void is for ever."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from hub.ledger.counting import Ruling, Verdict
from protocol.identity import EntryId, ItemId


class Judged(NamedTuple):
    """`refused`: nothing of it is to be used. `settled`: a person accepted it. `chosen`: the pass they named.

    `out` are passes that are not to be used.
    """

    refused: bool
    settled: bool
    chosen: int | None
    out: frozenset[int]


class Rulings:
    """The rulings on a session, by what they are about."""

    def __init__(self, rulings: Iterable[Ruling]) -> None:
        self.voided: set[EntryId] = set()
        self._on_all: list[Ruling] = []
        self._on_item: dict[ItemId, list[Ruling]] = defaultdict(list)
        for ruling in rulings:
            if ruling.target is not None:
                self.voided.add(ruling.target)
            elif ruling.item is None:
                self._on_all.append(ruling)
            else:
                self._on_item[ruling.item].append(ruling)
        self.on_all = _judged(self._on_all)

    def items(self) -> Iterable[ItemId]:
        """List the items that a ruling names."""
        return self._on_item.keys()

    def on(self, item: ItemId) -> Judged:
        """Say what the rulings on an item and those on all of them come to."""
        mine = self._on_item.get(item)
        return self.on_all if mine is None else _judged([*self._on_all, *mine])


def _judged(rulings: list[Ruling]) -> Judged:
    refused = settled = voided = False
    chosen: int | None = None
    out: set[int] = set()
    for ruling in sorted(rulings, key=lambda ruling: ruling.entry):
        match ruling.verdict:
            case Verdict.VOID:
                voided = True
            case Verdict.ACCEPT:
                refused, settled, chosen = False, True, ruling.pass_
                if ruling.pass_ is not None:
                    out.discard(ruling.pass_)
            case Verdict.REJECT:
                settled = False
                if ruling.pass_ is None:
                    refused, chosen = True, None
                else:
                    out.add(ruling.pass_)
                    chosen = None if chosen == ruling.pass_ else chosen
    return Judged(refused or voided, settled, chosen, frozenset(out))
