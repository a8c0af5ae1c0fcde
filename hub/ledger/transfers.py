"""What a transfer of goods between areas or stores has come to: from all that was said of it and all that moved.

    draft ──> approved ──> shipped ──> receiving ──> received
                  └───────────┴────────────┴────────────┴───> closed

The phase follows from what was said and moved, in whatever order that became known. Goods of a document are in transit
from their shipping to their receipt: `transit = shipped - received - settled` of each item, over both ends. Closing
writes off what then is left by decisions that take it out of transit (`settled`) and post it to shrink, so that transit
comes to 0. If goods are found afterwards, transit differs from 0 again and the difference is written off likewise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from protocol.decisions import TransferStep
from protocol.feed_documents import Phase
from protocol.identity import ItemId, PlaceId, StoreId


@dataclass(frozen=True, slots=True)
class Route:
    """From where to where: a store and an area of it each."""

    from_store: StoreId
    from_area: PlaceId
    to_store: StoreId
    to_area: PlaceId


@dataclass(frozen=True, slots=True)
class Said:
    """One step that somebody took; a close has no route and no lines.

    `by_hq` tells head office's word from the store's, and `number` is where it stands in their log (generation, seq).
    Of two that say the same step head office's counts, and of its own the latest, which amends; of the store's the
    first: whoever approved, approved these goods.
    """

    step: TransferStep
    at_us: int
    by_hq: bool
    number: tuple[int, int]
    author: str
    note: str
    route: Route | None = None
    lines: tuple[tuple[ItemId, int], ...] = ()

    @property
    def rank(self) -> tuple[bool, int, int, int]:
        """Orders those of one step: the least counts."""
        generation, seq = self.number
        return (False, -generation, -seq, 0) if self.by_hq else (True, self.at_us, generation, seq)


@dataclass(frozen=True, slots=True)
class Moved:
    """What was done with one item, both ends together. Quantities in milli-units; `settled_milli` by decisions."""

    shipped_milli: int = 0
    received_milli: int = 0
    settled_milli: int = 0

    def __add__(self, other: Moved) -> Moved:
        return Moved(
            self.shipped_milli + other.shipped_milli,
            self.received_milli + other.received_milli,
            self.settled_milli + other.settled_milli,
        )

    @property
    def transit_milli(self) -> int:
        """What is under way; below zero where more arrived than left."""
        return self.shipped_milli - self.received_milli - self.settled_milli


@dataclass(frozen=True, slots=True)
class ItemState:
    """One item of a transfer; `planned_milli` is what was approved, or drafted so far, to go."""

    item: ItemId
    planned_milli: int
    moved: Moved

    @property
    def discrepancy_milli(self) -> int:
        """What was shipped and not received; below zero where more was received than shipped."""
        return self.moved.shipped_milli - self.moved.received_milli


@dataclass(frozen=True, slots=True)
class TransferState:
    """What a transfer has come to. `items` are in the order of their names; None where nobody took that step."""

    document: str
    phase: Phase
    route: Route | None
    items: tuple[ItemState, ...]
    drafted: Said | None
    approved: Said | None
    closed: Said | None

    @property
    def transit(self) -> Mapping[ItemId, int]:
        """What is under way, by item, without those that are not."""
        return {each.item: each.moved.transit_milli for each in self.items if each.moved.transit_milli}


def settle(document: str, said: Iterable[Said], moved: Mapping[ItemId, Moved]) -> TransferState:
    """Reckon a transfer from all that was said and all that moved, in any order and with repeats of what was said."""
    first: dict[TransferStep, Said] = {}
    for each in said:
        known = first.get(each.step)
        if known is None or each.rank < known.rank:
            first[each.step] = each
    planned = first.get(TransferStep.APPROVE) or first.get(TransferStep.DRAFT)
    plan: dict[ItemId, int] = {}
    for item, milli in () if planned is None else planned.lines:
        plan[item] = plan.get(item, 0) + milli
    items = tuple(
        ItemState(item, plan.get(item, 0), moved.get(item, Moved())) for item in sorted(plan.keys() | moved.keys())
    )
    return TransferState(
        document=document,
        phase=_phase(first, items),
        route=None if planned is None else planned.route,
        items=items,
        drafted=first.get(TransferStep.DRAFT),
        approved=first.get(TransferStep.APPROVE),
        closed=first.get(TransferStep.CLOSE),
    )


def _phase(said: Mapping[TransferStep, Said], items: tuple[ItemState, ...]) -> Phase:
    if TransferStep.CLOSE in said:
        return Phase.CLOSED
    shipped = any(each.moved.shipped_milli for each in items)
    received = any(each.moved.received_milli for each in items)
    if received:
        missing = any(each.moved.transit_milli > 0 for each in items)
        return Phase.RECEIVING if missing or not shipped else Phase.RECEIVED
    if shipped:
        return Phase.SHIPPED
    return Phase.APPROVED if TransferStep.APPROVE in said else Phase.DRAFT
