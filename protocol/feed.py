"""The store feed: what a hub tells head office of its books.

An entry is a CloudEvents 1.0 object in JSON (structured mode of the JSON event format, section 3):

    {"type": "shelfwire.movement", "specversion": "1.0", "id": "till-3/1.9f…/17:1048577",
     "source": "shelfwire/1/<store>", "time": "2026-03-01T09:30:00.000000Z",
     "data": {"entry": "till-3/1.9f…/17", "revision": 1048577, "status": "stands",
              "item": …, "area": …, "qty_milli": -1000, …}}

It states the whole of one entry as it stands now. Movements of one log that are told for the first time go together, as
rows of one `shelfwire.movements`; `statements` gives each as if it had come alone. A reader keeps, for each `entry`,
what the greatest `revision` said, whatever the order of arrival; then

    stock of (item, area) = Σ qty_milli of movements + Σ variance_milli of counts, over those that stand

since a count's variance is what it found less what the books held then. Whether a movement is older than the last count
changes nothing in that sum, and so is not told. A reversal is told as a revision of what it reverses.

A period that was declared final is told with its figures as `shelfwire.final`, and what came to be known of it later as
`shelfwire.correction`; neither moves stock. Nor do `shelfwire.transfer` and `shelfwire.conflict`
(`protocol.feed_documents`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Final

import msgspec
from msgspec.structs import replace

from protocol.errors import BadInput
from protocol.events import Reason
from protocol.feed_documents import ConflictEntry, TransferEntry
from protocol.identity import Epoch, ItemId, PlaceId, StoreId
from protocol.period_words import FigureRow

SPECVERSION: Final = "1.0"
_STATEMENTS_OF_ONE_EPOCH: Final = 1 << 20


class FeedStatus(StrEnum):
    """Whether an entry counts. `quarantined`: its code means no item known, so far."""

    STANDS = "stands"
    REVERSED = "reversed"
    QUARANTINED = "quarantined"


class Movement(msgspec.Struct, frozen=True, gc=False):
    """Goods moved into the area (`qty_milli` below 0: out of it) at `t_us` (UTC) ± `err_us`.

    `code` is the catalogue's key of what was scanned, None for a decision at the hub. Item and area are None
    exactly when the status is quarantined.
    """

    entry: str
    revision: int
    status: FeedStatus
    item: ItemId | None
    area: PlaceId | None
    qty_milli: int
    reason: Reason
    document: str | None
    code: str | None
    t_us: int
    err_us: int


class Moved(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A movement that stands and names no document, of entry `seq`; the rest is as in `Movement`."""

    seq: int
    item: ItemId
    area: PlaceId
    qty_milli: int
    reason: Reason
    code: str | None
    t_us: int
    err_us: int


class Movements(msgspec.Struct, frozen=True, gc=False):
    """Movements of one epoch of one log; `entries` begins the id of each, its seq ends it."""

    entries: str
    revision: int
    rows: tuple[Moved, ...]


class CountResult(msgspec.Struct, frozen=True, gc=False):
    """The area held `counted_milli` at `t_us` (UTC) ± `err_us`, `variance_milli` more than the books said.

    `opening`: no count stands before it, so that the variance is what the shop began with.
    """

    entry: str
    revision: int
    status: FeedStatus
    item: ItemId | None
    area: PlaceId | None
    counted_milli: int
    variance_milli: int
    opening: bool
    document: str | None
    code: str | None
    t_us: int
    err_us: int


class MovementEntry(msgspec.Struct, frozen=True, tag_field="type", tag="shelfwire.movement", gc=False):
    """A CloudEvents object that states a movement."""

    specversion: str
    id: str
    source: str
    time: str
    data: Movement


class MovementsEntry(msgspec.Struct, frozen=True, tag_field="type", tag="shelfwire.movements", gc=False):
    """A CloudEvents object that states many movements; its time is the last one's."""

    specversion: str
    id: str
    source: str
    time: str
    data: Movements


class CountEntry(msgspec.Struct, frozen=True, tag_field="type", tag="shelfwire.count", gc=False):
    """A CloudEvents object that states a count."""

    specversion: str
    id: str
    source: str
    time: str
    data: CountResult


class PeriodFinal(msgspec.Struct, frozen=True, gc=False):
    """What the books held at `until_us` (UTC) was declared final, over `parts` entries that share out the `rows`.

    `excluded` are the stations that were not waited for.
    """

    entry: str
    revision: int
    until_us: int
    part: int
    parts: int
    excluded: tuple[str, ...]
    rows: tuple[FigureRow, ...]
    author: str
    note: str


class PeriodCorrection(msgspec.Struct, frozen=True, gc=False):
    """At `at_us` (UTC) it came to be known that figures declared final as of `until_us` are off by these.

    Stock goes by the movements and counts, which are told as ever; this is for whoever has closed the period.
    """

    entry: str
    revision: int
    until_us: int
    at_us: int
    rows: tuple[FigureRow, ...]
    note: str


class FinalEntry(msgspec.Struct, frozen=True, tag_field="type", tag="shelfwire.final", gc=False):
    """A CloudEvents object that states a period declared final."""

    specversion: str
    id: str
    source: str
    time: str
    data: PeriodFinal


class CorrectionEntry(msgspec.Struct, frozen=True, tag_field="type", tag="shelfwire.correction", gc=False):
    """A CloudEvents object that states a correction of final figures."""

    specversion: str
    id: str
    source: str
    time: str
    data: PeriodCorrection


FeedEntry = MovementEntry | MovementsEntry | CountEntry | FinalEntry | CorrectionEntry | TransferEntry | ConflictEntry

encode_feed_entry: Callable[[FeedEntry], bytes] = msgspec.json.Encoder().encode
"""Write an entry as its stored line; never holds a newline."""
_decode: Callable[[bytes], FeedEntry] = msgspec.json.Decoder(FeedEntry).decode


def decode_feed_entry(line: bytes) -> FeedEntry:
    """Read a line of the feed. Raises `BadInput` ("bad-feed-entry")."""
    try:
        entry = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput("bad-feed-entry", str(error)[:300]) from error
    if entry.specversion.partition(".")[0] != "1":
        raise BadInput("bad-feed-entry", f"CloudEvents {entry.specversion[:20]!r}; this side knows 1.0")
    return entry


def feed_source(store: StoreId) -> str:
    """Name a store as the source of its feed."""
    return f"shelfwire/1/{store}"


def revision_number(feed_epoch: Epoch, statement: int) -> int:
    """Number the `statement`-th statement about an entry, from 1, said in `feed_epoch`.

    A hub restored from a copy may state an entry anew with fewer statements behind it than it had made before; its
    feed has then a new epoch of a greater generation, so that the new statement wins at head office as it does here.
    """
    return feed_epoch.generation * _STATEMENTS_OF_ONE_EPOCH + statement


def statement_number(revision: int) -> int:
    """Say which statement about its entry a revision is, from 1, among those that its life of the books has made."""
    return revision % _STATEMENTS_OF_ONE_EPOCH


def statements(entry: FeedEntry) -> Iterator[Movement | CountResult]:
    """Give what an entry of the feed states, one entry of the books at a time."""
    if isinstance(entry, FinalEntry | CorrectionEntry | TransferEntry | ConflictEntry):
        return
    if not isinstance(entry, MovementsEntry):
        yield entry.data
        return
    said = entry.data
    for row in said.rows:
        yield Movement(
            f"{said.entries}{row.seq}",
            said.revision,
            FeedStatus.STANDS,
            row.item,
            row.area,
            row.qty_milli,
            row.reason,
            None,
            row.code,
            row.t_us,
            row.err_us,
        )


def renumbered(entry: FeedEntry, feed_epoch: Epoch) -> FeedEntry:
    """Make the same statement as one of another epoch of the feed."""
    revision = revision_number(feed_epoch, entry.data.revision % _STATEMENTS_OF_ONE_EPOCH)
    identity = f"{entry.id.rpartition(':')[0]}:{revision}"
    match entry:
        case MovementEntry():
            return replace(entry, id=identity, data=replace(entry.data, revision=revision))
        case MovementsEntry():
            return replace(entry, id=identity, data=replace(entry.data, revision=revision))
        case CountEntry():
            return replace(entry, id=identity, data=replace(entry.data, revision=revision))
        case FinalEntry():
            return replace(entry, id=identity, data=replace(entry.data, revision=revision))
        case CorrectionEntry():
            return replace(entry, id=identity, data=replace(entry.data, revision=revision))
        case TransferEntry():
            return replace(entry, id=identity, data=replace(entry.data, revision=revision))
        case ConflictEntry():
            return replace(entry, id=identity, data=replace(entry.data, revision=revision))
