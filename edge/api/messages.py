"""The JSON of the local API: what is asked, what is answered, what is told while it happens.

Quantities are integers in thousandths of the unit ("each" or "kg", so grams), prices integers in minor units.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

import msgspec

from edge.codecs.readings import Weight
from edge.presence.inventory import Inventory
from edge.station.actions import Accepted, Goods, Where
from edge.station.happenings import StationStatus
from edge.station.summary import SessionSummary
from protocol.cards import Mode
from protocol.catalogue import Price, Scope
from protocol.events import MAX_TEXT, CountReading, Delta
from protocol.label_price import LabelPrice
from protocol.pricing import winning_price

MAX_BODY_BYTES = 8 * MAX_TEXT
MAX_TAGS = 1000
"""The most tags that one answer lists."""


class ScanRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/scan`: a code, and the quantity if it is not one piece or to be weighed."""

    code: str
    qty_milli: int | None = None


class ModeRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/mode`: `to_place` is where a transfer within the store goes."""

    mode: Mode
    document: str | None = None
    to_place: str | None = None


class EndRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/session/end`: only `session` is ended, where it is named; whatever is open otherwise."""

    session: str | None = None


class RestoreRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/suppressed/{epoch}/{seq}/restore`: the path says it all."""


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


class TappedEvent(msgspec.Struct, frozen=True):
    """Event `tapped`: a card was put on a reader. `uid` is hexadecimal, `standard` "" if the card's is not known."""

    device: str
    uid: str
    standard: str


class RefusedEvent(msgspec.Struct, frozen=True):
    """Event `refused`."""

    device: str
    name: str
    detail: str


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


class DeviceAnswer(msgspec.Struct, frozen=True):
    """Event `device`, and part of health and `status`; `figures` are what it measures of itself."""

    device: str
    kind: str
    status: str
    note: str
    figures: dict[str, int]


class StatusAnswer(msgspec.Struct, frozen=True):
    """Event `status`, the first that a listener gets, and part of health."""

    mode: Mode
    document: str | None
    to_place: str | None
    session: str | None
    accepted: int
    suppressed: int
    refused: int
    refusals: dict[str, int]
    chatter_dropped: int
    chatter_thinned: int
    devices: tuple[DeviceAnswer, ...]


class MissedEvent(msgspec.Struct, frozen=True):
    """Event `missed`: this many events were not told, because the listener was slow."""

    count: int


class LogAnswer(msgspec.Struct, frozen=True):
    """How one of the station's logs is; times in microseconds, `oldest_unacked_us` in UTC.

    `written_bytes` is what was written to its files since the agent started, null where that cannot be told;
    `room_bytes` what its cap leaves; `reserve_missing_bytes` what it had to give up of its reserve.
    """

    epoch: str
    head: int
    entries: int
    unacked: int
    bytes_on_disk: int
    refused: int
    sync_p50_us: int
    sync_p99_us: int
    oldest_unacked_us: int | None
    stored_bytes: int
    written_bytes: int | None
    room_bytes: int
    reserve_bytes: int
    reserve_missing_bytes: int


class StorageAnswer(msgspec.Struct, frozen=True):
    """How the card is used. `room` says what of the chatter is still logged: all (ample), refusals (short), or nothing.

    `written_day_bytes` is what both logs write in a day, as measured over the last `measured_s` seconds; `room_hours`
    how long the stock log lasts at that pace while the hub acknowledges nothing. Null while not known.
    """

    room: str
    free_bytes: int
    measured_s: int
    written_day_bytes: int | None
    room_hours: int | None


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


class TagAnswer(msgspec.Struct, frozen=True):
    """A tag: `present` is False if nobody knows whether it is still in `zone`. `seen_us` is its last read, UTC."""

    epc: str
    zone: str
    present: bool
    seen_us: int
    device: str
    antenna: int


class TagsAnswer(msgspec.Struct, frozen=True):
    """`GET /v1/tags`: `zones` counts the tags present in each; the words are those of `edge.presence.inventory`.

    `not_taken` counts the reads that were not taken for new ones, by why (`edge.presence.changes.Counts`).
    """

    zones: dict[str, int]
    unknown: int
    pending: int
    waiting: int
    not_taken: dict[str, int]
    tags: list[TagAnswer]


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
    storage: StorageAnswer
    catalogue: CatalogueAnswer | None
    hub: HubAnswer


def tags_answer(inventory: Inventory) -> TagsAnswer:
    """Tell of the RFID tags."""
    return TagsAnswer(
        zones=dict(inventory.zones),
        unknown=inventory.unknown,
        pending=inventory.pending,
        waiting=inventory.waiting,
        not_taken=asdict(inventory.counts),
        tags=[
            TagAnswer(one.epc.hex().upper(), one.zone, one.present, one.seen_us, one.device, one.antenna)
            for one in inventory.tags
        ],
    )


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


def status_answer(status: StationStatus) -> StatusAnswer:
    """Say how the station is."""
    return StatusAnswer(
        mode=status.mode,
        document=status.document,
        to_place=status.to_place,
        session=status.session,
        accepted=status.accepted,
        suppressed=status.suppressed,
        refused=status.rejected,
        refusals=dict(status.rejections),
        chatter_dropped=status.chatter_dropped,
        chatter_thinned=status.chatter_thinned,
        devices=tuple(
            DeviceAnswer(one.device, one.kind, one.status, one.note, dict(one.figures)) for one in status.devices
        ),
    )


def weighed_event(device: str, weight: Weight) -> WeighedEvent:
    """Say what a scale said."""
    return WeighedEvent(device, weight.state.value, weight.grams, weight.net)


def problem(name: str, detail: str, status: int) -> Problem:
    """Say what went wrong."""
    return Problem(f"urn:shelfwire:error:{name}", name.replace("-", " "), status, name, detail)


def _money(price: Price | LabelPrice | None) -> Money | None:
    return None if price is None else Money(price.minor, price.currency)
