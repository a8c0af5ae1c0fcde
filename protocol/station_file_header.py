"""The header of a station's log in a file (`station_file`): whose log it is, its epochs, and what part of it follows.

{"is":"shelfwire-station-log","v":1,"store":…,"station":…,"stream":"stock",
 "lineage":[{"epoch":"1.9f…","depth":0},{"epoch":"2.c0…","depth":5,"base":{…},"carried":"<64 hex>"}],
 "kept":{"epoch":…,"seq":…,"digest":"<64 hex>"},"first":{…},"head":{…},"entries":2,"written_us":…}
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

import msgspec

from protocol.chain import DIGEST_BYTES, Chapter, Position
from protocol.errors import BadInput
from protocol.frames import MAX_LINEAGE
from protocol.identity import Epoch, StationId, StoreId, parse_station, parse_store
from protocol.replication.ports import LogView
from protocol.topics import Stream

VERSION = 1
_KIND = "shelfwire-station-log"
_MAX_SEQ = 2**53


class _Position(msgspec.Struct, frozen=True):
    epoch: str
    seq: int
    digest: str


class _Chapter(msgspec.Struct, frozen=True, omit_defaults=True):
    epoch: str
    depth: int
    base: _Position | None = None
    carried: str | None = None


class _Header(msgspec.Struct, frozen=True, tag_field="is", tag=_KIND):
    v: int
    store: str
    station: str
    stream: str
    lineage: tuple[_Chapter, ...]
    kept: _Position
    first: _Position
    head: _Position
    entries: int
    written_us: int


class _Version(msgspec.Struct, frozen=True, tag_field="is", tag=_KIND):
    v: int


_BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_encode = msgspec.json.Encoder().encode
_decode_version = msgspec.json.Decoder(_Version).decode
_decode_header = msgspec.json.Decoder(_Header).decode


@dataclass(frozen=True, slots=True)
class FileHeader:
    """What a file says it holds: entries of `view`, from after `view.first` to `view.head`.

    `kept` is the position before the oldest entry that the station still had when the file was written, at
    `written_us` by its clock.
    """

    store: StoreId
    station: StationId
    stream: Stream
    view: LogView
    kept: Position
    written_us: int

    @property
    def first_depth(self) -> int:
        """The depth before the first entry of the file."""
        return self.view.depth_of((self.view.first.epoch, self.view.first.seq))

    @property
    def kept_depth(self) -> int:
        """The depth before the oldest entry that the station had."""
        return self.view.depth_of((self.kept.epoch, self.kept.seq))

    @property
    def entries(self) -> int:
        """How many entries the file holds."""
        return self.view.depth - self.first_depth


def encode_header(header: FileHeader) -> bytes:
    """Write a header."""
    return _encode(
        _Header(
            v=VERSION,
            store=header.store,
            station=header.station,
            stream=header.stream,
            lineage=tuple(_chapter(chapter) for chapter in header.view.lineage),
            kept=_position(header.kept),
            first=_position(header.view.first),
            head=_position(header.view.head),
            entries=header.entries,
            written_us=header.written_us,
        )
    )


def decode_header(record: bytes) -> FileHeader:
    """Read a header and hold it against itself.

    Raises `BadInput` ("not-a-station-log", "future-version", "bad-header").
    """
    try:
        version: _Version = _decode_version(record)
    except _BROKEN as error:
        raise BadInput("not-a-station-log", "it does not begin as the export of a station's log does") from error
    if version.v > VERSION:
        raise BadInput("future-version", f"format {version.v}; this release reads up to {VERSION}")
    try:
        wire: _Header = _decode_header(record)
        header = _to_header(wire)
    except _BROKEN as error:
        raise BadInput("bad-header", str(error)) from error
    except BadInput as error:
        raise BadInput("bad-header", error.detail) from error
    if wire.entries != header.entries:
        _wrong(f"{wire.entries} entries do not lie from {header.first_depth} to its head")
    return header


def _to_header(wire: _Header) -> FileHeader:
    """Check a header against itself. Raises `BadInput`."""
    if wire.v < 1:
        _wrong(f"format {wire.v}")
    if wire.stream not in set(Stream):
        _wrong(f"stream {wire.stream[:40]!r}")
    if not 1 <= len(wire.lineage) <= MAX_LINEAGE:
        _wrong(f"{len(wire.lineage)} epochs")
    lineage = tuple(_to_chapter(chapter) for chapter in wire.lineage)
    before: Chapter | None = None
    for chapter in lineage:
        base = chapter.base
        if before is None:
            sound = base is None and chapter.depth == 0
        else:
            sound = (
                base is not None
                and base.epoch == before.epoch
                and chapter.depth == before.depth + base.seq
                and chapter.epoch.generation > before.epoch.generation
            )
        if not sound:
            _wrong(f"{chapter.epoch} does not follow from the epoch before it")
        before = chapter
    head, first, kept = (_to_position(one) for one in (wire.head, wire.first, wire.kept))
    view = LogView(lineage, first, head)
    if head.epoch != lineage[-1].epoch:
        _wrong("the head is not in the last epoch")
    depths = []
    for one in (kept, first, head):
        index = view.index(one.epoch)
        if index is None or not 0 <= one.seq <= view.end_of(index):
            _wrong(f"{one.epoch}:{one.seq} does not lie in this log")
        depths.append(lineage[index].depth + one.seq)
    if sorted(depths) != depths:
        _wrong("it ends before it begins")
    if depths[1] == 0 and first.digest != lineage[0].origin().digest:
        _wrong("the chain does not begin as this log's does")
    return FileHeader(
        parse_store(wire.store), parse_station(wire.station), Stream(wire.stream), view, kept, wire.written_us
    )


def _position(position: Position) -> _Position:
    return _Position(str(position.epoch), position.seq, position.digest.hex())


def _to_position(wire: _Position) -> Position:
    if not 0 <= wire.seq < _MAX_SEQ:
        _wrong(f"seq {wire.seq}")
    return Position(Epoch.parse(wire.epoch), wire.seq, to_digest(wire.digest))


def _chapter(chapter: Chapter) -> _Chapter:
    return _Chapter(
        str(chapter.epoch),
        chapter.depth,
        None if chapter.base is None else _position(chapter.base),
        None if chapter.carried is None else chapter.carried.hex(),
    )


def _to_chapter(wire: _Chapter) -> Chapter:
    return Chapter(
        Epoch.parse(wire.epoch),
        None if wire.base is None else _to_position(wire.base),
        wire.depth,
        None if wire.carried is None else to_digest(wire.carried),
    )


def to_digest(text: str) -> bytes:
    """Read a digest's 64 hex digits. Raises `BadInput` ("bad-digest")."""
    try:
        digest = bytes.fromhex(text)
    except ValueError:
        digest = b""
    if len(digest) != DIGEST_BYTES:
        raise BadInput("bad-digest", f"{text[:80]!r} is not {2 * DIGEST_BYTES} hex digits")
    return digest


def _wrong(detail: str) -> NoReturn:
    raise BadInput("bad-header", detail)
