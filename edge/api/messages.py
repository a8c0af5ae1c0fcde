"""The JSON of the local API for till software: what is asked, and what is told while it happens.

What it says of goods is in `edge.api.goods`, how the machine is in `edge.api.health_messages`. Quantities are integers
in thousandths of the unit.
"""

from __future__ import annotations

from dataclasses import asdict

import msgspec

from edge.codecs.readings import Weight
from edge.presence.inventory import Inventory
from edge.station.happenings import StationStatus
from protocol.cards import Mode
from protocol.events import MAX_TEXT, BasketEnd

MAX_BODY_BYTES = 8 * MAX_TEXT
MAX_TAGS = 1000
"""The most tags that one answer lists."""


class ScanRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/scan`: a code, and the quantity if it is not one piece or to be weighed."""

    code: str
    qty_milli: int | None = None


class CountToDo(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"pass_": "pass"}):
    """One place of a count session, for the `pass`th time."""

    session: str
    place: str
    pass_: int = 1


class ModeRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/mode`: `to_place` is where a transfer within the store goes.

    `count` is what is to be counted, `arriving` says that goods of the transfer `document` come, as the cards do.
    """

    mode: Mode
    document: str | None = None
    to_place: str | None = None
    count: CountToDo | None = None
    arriving: bool = False


class EndRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/session/end`: only `session` is ended, where it is named; whatever is open otherwise."""

    session: str | None = None


class BasketRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/basket`: opens a basket, for the order `document` if it is named."""

    document: str | None = None


class BasketCloseRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/basket/close`: `basket` is the `session` that its opening was answered with."""

    basket: str
    how: BasketEnd


class RestoreRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/suppressed/{epoch}/{seq}/restore`: the path says it all."""


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


class DeviceAnswer(msgspec.Struct, frozen=True):
    """Event `device`, and part of health and `status`; `figures` are what it measures of itself."""

    device: str
    kind: str
    status: str
    note: str
    figures: dict[str, int]


class CountAnswer(msgspec.Struct, frozen=True, rename={"pass_": "pass"}):
    """What was given to be counted; `ended`: it is counted, and the next is waited for."""

    session: str
    place: str
    pass_: int
    ended: bool


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
    count: CountAnswer | None = None
    person: str = ""
    arriving: bool = False
    swept: int | None = None
    basket: str | None = None


class MissedEvent(msgspec.Struct, frozen=True):
    """Event `missed`: this many events were not told, because the listener was slow."""

    count: int


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


def status_answer(status: StationStatus) -> StatusAnswer:
    """Say how the station is."""
    given = status.count
    return StatusAnswer(
        count=None if given is None else CountAnswer(given.session, given.place, given.pass_, given.ended),
        person=status.person,
        arriving=status.arriving,
        swept=status.swept,
        basket=status.basket,
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
