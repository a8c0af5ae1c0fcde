"""What a session came to so far, as till software is told."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.cards import Mode
from protocol.catalogue import Item
from protocol.events import When


@dataclass(frozen=True, slots=True)
class SummaryLine:
    """One code at one price: how often it was taken, and how much of it in thousandths of the code's own unit.

    `item` is None for a code that the catalogue does not know. `price_minor` is for one unit of the item, `total_minor`
    for all of the line; both None where no price was told.
    """

    code: str
    item: Item | None
    scans: int
    qty_milli: int
    price_minor: int | None
    total_minor: int | None


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """One session: a sale, a return, a delivery, a count…, as its `mode` says.

    Quantities and sums are as the person sees them, so those of a sale are above zero. `total_minor` sums the lines
    that have a price, None if none has or if they are in several currencies; `unpriced` counts the lines without.
    """

    session: str
    mode: Mode
    document: str | None
    begun: When | None
    scans: int
    lines: tuple[SummaryLine, ...]
    total_minor: int | None
    currency: str | None
    unpriced: int
