"""What the local API says of goods: items, scans and what became of them, sessions.

Quantities are integers in thousandths of the unit ("each" or "kg", so grams), prices integers in minor units.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from edge.station.actions import Accepted, Goods, Where
from edge.station.summary import SessionSummary
from protocol.cards import Mode
from protocol.catalogue import Price, Scope
from protocol.events import CountReading, Delta
from protocol.label_price import LabelPrice
from protocol.pricing import winning_price


class Money(msgspec.Struct, frozen=True):
    """A unit price."""

    minor: int
    currency: str


class ItemAnswer(msgspec.Struct, frozen=True):
    """`GET /v1/items/{code}`: one scan of the code is `factor_milli` of the item; `catalogue` is the version asked.

    `weight_g` and `label_price` are what the code itself says of these goods: a label that a scale printed.
    """

    code: str
    item: str
    name: str
    unit: str
    factor_milli: int
    price: Money | None
    catalogue: int
    weight_g: int | None
    label_price: Money | None


class EntryAnswer(msgspec.Struct, frozen=True):
    """Where in the station's log the event stands."""

    epoch: str
    seq: int


class SessionLine(msgspec.Struct, frozen=True):
    """One code at one price within a session; `price` is for one unit of the item, `total_minor` for the line."""

    code: str
    item: str | None
    name: str | None
    unit: str | None
    scans: int
    qty_milli: int
    price_minor: int | None
    total_minor: int | None


class SessionAnswer(msgspec.Struct, frozen=True):
    """What a session came to: `GET /v1/session`, and part of the answer to its end.

    `total` is null if no line has a price; `unpriced` lines are not in it.
    """

    session: str
    mode: Mode
    document: str | None
    scans: int
    lines: tuple[SessionLine, ...]
    total: Money | None
    unpriced: int


class ScanAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was done and is durable: answer to a scan or mode request, and the event `accepted`.

    `price` is for a unit; `label_price`, where there is one, is what these goods cost.
    """

    did: str
    mode: Mode
    device: str | None = None
    code: str | None = None
    item: str | None = None
    name: str | None = None
    unit: str | None = None
    qty_milli: int | None = None
    price: Money | None = None
    label_price: Money | None = None
    attention: str | None = None
    entry: EntryAnswer | None = None
    session: str | None = None
    ended: SessionAnswer | None = None


class SuppressedScan(msgspec.Struct, frozen=True):
    """A scan held back: `qty_milli` is what it would have moved or counted, 0 if it would have to be weighed."""

    entry: EntryAnswer
    device: str
    code: str
    qty_milli: int


class SuppressedAnswer(msgspec.Struct, frozen=True):
    """`GET /v1/suppressed`: what could be restored now, oldest first."""

    scans: tuple[SuppressedScan, ...]


class SuppressedEvent(msgspec.Struct, frozen=True):
    """Event `suppressed`: a code still in view was read again; `entry` can be restored, null if there is nothing to."""

    device: str | None
    code: str
    entry: EntryAnswer | None


def item_answer(code: str, goods: Goods, scopes: tuple[Scope, ...]) -> ItemAnswer | None:
    """Say what a code means and costs now, bought once; None if the catalogue does not know it."""
    if goods.item is None:
        return None
    price = winning_price(goods.prices, goods.at_us, goods.factor_milli, scopes)
    return ItemAnswer(
        code=code,
        item=goods.item.item,
        name=goods.item.name,
        unit=goods.item.unit.value,
        factor_milli=goods.factor_milli,
        price=_money(price),
        catalogue=goods.catalogue,
        weight_g=goods.weight_g,
        label_price=_money(goods.label_price),
    )


def scan_answer(accepted: Accepted, device: str | None = None) -> ScanAnswer:
    """Say what was accepted."""
    item = None if accepted.goods is None else accepted.goods.item
    return ScanAnswer(
        did=accepted.did,
        mode=accepted.mode,
        device=device,
        code=accepted.code,
        item=None if item is None else item.item,
        name=None if item is None else item.name,
        unit=None if item is None else item.unit.value,
        qty_milli=accepted.qty_milli,
        price=_money(accepted.price),
        label_price=None if accepted.goods is None else _money(accepted.goods.label_price),
        attention=accepted.attention,
        entry=entry_answer(accepted.where),
        session=accepted.session,
        ended=None if accepted.ended is None else session_answer(accepted.ended),
    )


def session_answer(summary: SessionSummary) -> SessionAnswer:
    """Say what a session came to."""
    return SessionAnswer(
        session=summary.session,
        mode=summary.mode,
        document=summary.document,
        scans=summary.scans,
        lines=tuple(
            SessionLine(
                code=line.code,
                item=None if line.item is None else line.item.item,
                name=None if line.item is None else line.item.name,
                unit=None if line.item is None else line.item.unit.value,
                scans=line.scans,
                qty_milli=line.qty_milli,
                price_minor=line.price_minor,
                total_minor=line.total_minor,
            )
            for line in summary.lines
        ),
        total=None
        if summary.total_minor is None or summary.currency is None
        else Money(summary.total_minor, summary.currency),
        unpriced=summary.unpriced,
    )


def suppressed_answer(restorable: Iterable[tuple[Where, Delta | CountReading]]) -> SuppressedAnswer:
    """Say what could be restored."""
    return SuppressedAnswer(
        tuple(
            SuppressedScan(EntryAnswer(str(where.epoch), where.seq), meant.device, meant.code, abs(meant.qty_milli))
            for where, meant in restorable
        )
    )


def entry_answer(where: Where | None) -> EntryAnswer | None:
    """Say where an entry stands."""
    return None if where is None else EntryAnswer(str(where.epoch), where.seq)


def _money(price: Price | LabelPrice | None) -> Money | None:
    return None if price is None else Money(price.minor, price.currency)
