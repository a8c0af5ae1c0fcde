"""The JSON of the local API: what is asked, what is answered, what is told while it happens.

Quantities are integers in thousandths of the unit ("each" or "kg", so grams), prices integers in minor units.
"""

from __future__ import annotations

import msgspec

from edge.codecs.readings import Weight
from edge.station.actions import Accepted, Goods
from edge.station.happenings import StationStatus
from protocol.cards import Mode
from protocol.catalogue import Price, Scope
from protocol.events import MAX_TEXT
from protocol.pricing import winning_price

MAX_BODY_BYTES = 8 * MAX_TEXT


class ScanRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/scan`: a code, and the quantity if it is not one piece or to be weighed."""

    code: str
    qty_milli: int | None = None


class ModeRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/mode`."""

    mode: Mode
    document: str | None = None


class Money(msgspec.Struct, frozen=True):
    """A unit price."""

    minor: int
    currency: str


class ItemAnswer(msgspec.Struct, frozen=True):
    """`GET /v1/items/{code}`: one scan of the code is `factor_milli` of the item; `catalogue` is the version asked."""

    code: str
    item: str
    name: str
    unit: str
    factor_milli: int
    price: Money | None
    catalogue: int


class EntryAnswer(msgspec.Struct, frozen=True):
    """Where in the station's log the event stands."""

    epoch: str
    seq: int


class ScanAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was done and is durable: answer to a scan or mode request, and the event `accepted`."""

    did: str
    mode: Mode
    device: str | None = None
    code: str | None = None
    item: str | None = None
    name: str | None = None
    unit: str | None = None
    qty_milli: int | None = None
    price: Money | None = None
    attention: str | None = None
    entry: EntryAnswer | None = None


class Problem(msgspec.Struct, frozen=True):
    """An error (RFC 9457); `name` is the short stable word to act on, `type` the same as a URN."""

    type: str
    title: str
    status: int
    name: str
    detail: str


class ScannedEvent(msgspec.Struct, frozen=True):
    """Event `scanned`: a code was read, nothing is decided."""

    device: str
    code: str
    aim: str | None


class WeighedEvent(msgspec.Struct, frozen=True):
    """Event `weighed`: `grams` is null unless the state is "stable" or "zero"."""

    device: str
    state: str
    grams: int | None
    net: bool


class RefusedEvent(msgspec.Struct, frozen=True):
    """Event `refused`."""

    device: str
    name: str
    detail: str


class DeviceAnswer(msgspec.Struct, frozen=True):
    """Event `device`, and part of health and `status`."""

    device: str
    kind: str
    status: str
    note: str


class StatusAnswer(msgspec.Struct, frozen=True):
    """Event `status`, the first that a listener gets, and part of health."""

    mode: Mode
    document: str | None
    accepted: int
    refused: int
    refusals: dict[str, int]
    chatter_dropped: int
    devices: tuple[DeviceAnswer, ...]


class MissedEvent(msgspec.Struct, frozen=True):
    """Event `missed`: this many events were not told, because the listener was slow."""

    count: int


class LogAnswer(msgspec.Struct, frozen=True):
    """How one of the station's logs is; times in microseconds, `oldest_unacked_us` in UTC."""

    epoch: str
    head: int
    entries: int
    unacked: int
    bytes_on_disk: int
    refused: int
    sync_p50_us: int
    sync_p99_us: int
    oldest_unacked_us: int | None


class CatalogueAnswer(msgspec.Struct, frozen=True):
    """Which catalogue the station holds."""

    epoch: str
    seq: int
    rows: int
    set_hash: str
    quarantined: int


class HubAnswer(msgspec.Struct, frozen=True):
    """How the station stands with its hub."""

    connected: bool
    standing: str


class HealthAnswer(msgspec.Struct, frozen=True):
    """`GET /v1/health`."""

    store: str
    station: str
    version: str
    boot: str
    up_us: int
    clock_synced: bool
    status: StatusAnswer
    stock: LogAnswer
    chatter: LogAnswer
    catalogue: CatalogueAnswer | None
    hub: HubAnswer


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
    )


def scan_answer(accepted: Accepted, device: str | None = None) -> ScanAnswer:
    """Say what was accepted."""
    item = None if accepted.goods is None else accepted.goods.item
    where = accepted.where
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
        attention=accepted.attention,
        entry=None if where is None else EntryAnswer(str(where.epoch), where.seq),
    )


def status_answer(status: StationStatus) -> StatusAnswer:
    """Say how the station is."""
    return StatusAnswer(
        mode=status.mode,
        document=status.document,
        accepted=status.accepted,
        refused=status.rejected,
        refusals=dict(status.rejections),
        chatter_dropped=status.chatter_dropped,
        devices=tuple(DeviceAnswer(one.device, one.kind, one.status, one.note) for one in status.devices),
    )


def weighed_event(device: str, weight: Weight) -> WeighedEvent:
    """Say what a scale said."""
    return WeighedEvent(device, weight.state.value, weight.grams, weight.net)


def problem(name: str, detail: str, status: int) -> Problem:
    """Say what went wrong."""
    return Problem(f"urn:shelfwire:error:{name}", name.replace("-", " "), status, name, detail)


def _money(price: Price | None) -> Money | None:
    return None if price is None else Money(price.minor, price.currency)
