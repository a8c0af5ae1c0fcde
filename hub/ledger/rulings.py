"""What the rulings on a count session come to for one item: the later of two counts, and a void is for ever."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from hub.ledger.counting import Ruling, Verdict
from protocol.identity import ItemId


class Judged(NamedTuple):
    """`refused`: nothing of it is to be used. `settled`: a person accepted it. `chosen`: the pass they named.

    `out` are passes that are not to be used.
    """

    refused: bool
    settled: bool
    chosen: int | None
    out: frozenset[int]


def judged(rulings: Iterable[Ruling], item: ItemId | None) -> Judged:
    """Go through rulings, in the order of their entries, on an item, or on all items at once (None)."""
    refused = settled = voided = False
    chosen: int | None = None
    out: set[int] = set()
    for ruling in rulings:
        if ruling.target is not None or ruling.item not in (None, item):
            continue
        match ruling.verdict:
            case Verdict.VOID:
                voided = True
            case Verdict.ACCEPT:
                refused, settled, chosen = False, True, ruling.pass_
                if ruling.pass_ is not None:
                    out.discard(ruling.pass_)
            case Verdict.REJECT if ruling.pass_ is None:
                refused, settled, chosen = True, False, None
            case Verdict.REJECT:
                out.add(ruling.pass_)
                settled = False
                if chosen == ruling.pass_:
                    chosen = None
    return Judged(refused or voided, settled, chosen, frozenset(out))
