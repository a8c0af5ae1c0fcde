"""The bytes of replication messages: one JSON header line, then stored lines unchanged, zstd above 1 KiB.

    frame     {"is":"frame","v":1,"epoch":"3.9f…","first":101,"n":2,"digest":"<64 hex>"} LF line LF line
    flagged   {"is":"frame",…,"n":1,"flag":true} LF every byte that follows is the one entry
    hello     {"is":"hello",…}      trace {"is":"trace",…}      snapshot {"is":"snapshot",…} LF line LF line
    cursor    {"is":"cursor",…}     traced {"is":"traced",…}

Header structs, bounds and both directions stand in one file, past 300 lines, because they are one format: whoever
changes a field changes all three.

A payload that starts with the zstd magic number (RFC 8878 section 3.1.1) is compressed; JSON never does.
"""

from __future__ import annotations

from hashlib import sha256
from typing import NoReturn

import msgspec
import zstandard

from protocol.chain import DIGEST_BYTES, Chapter, Position
from protocol.errors import BadInput, ContractBroken
from protocol.identity import Epoch
from protocol.replication.messages import (
    SCHEMA,
    Cursor,
    Frame,
    Hello,
    ReaderMessage,
    Refusal,
    SnapshotPart,
    Trace,
    Traced,
    WriterMessage,
)

MAX_LINE_BYTES = 64 * 1024
"""The longest entry a log takes."""
MAX_PAYLOAD_BYTES = 8 * 1024 * 1024
"""The most a payload may unfold to; more is refused unread."""
MAX_LINEAGE = 1000
"""The most epochs a hello tells of."""
COMPRESS_ABOVE_BYTES = 1024
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_MAX_SEQ = 2**53
_MAX_TIME_US = 2**53

_PositionWire = tuple[str, int, str]
_ChapterWire = tuple[str, _PositionWire | None, int, str | None]


class _Frame(msgspec.Struct, frozen=True, tag_field="is", tag="frame", omit_defaults=True):
    v: int
    epoch: str
    first: int
    n: int
    digest: str
    flag: bool = False
    writer: str | None = None


class _Hello(msgspec.Struct, frozen=True, tag_field="is", tag="hello", omit_defaults=True):
    lineage: tuple[_ChapterWire, ...]
    first: _PositionWire
    head: _PositionWire
    writer: str
    ask: str
    echo: str | None = None


class _Trace(msgspec.Struct, frozen=True, tag_field="is", tag="trace"):
    points: tuple[tuple[int, str], ...]
    writer: str
    ask: str


class _Snapshot(msgspec.Struct, frozen=True, tag_field="is", tag="snapshot"):
    v: int
    at: _PositionWire
    snapshot: str
    part: int
    parts: int
    n: int


class _Cursor(msgspec.Struct, frozen=True, tag_field="is", tag="cursor", omit_defaults=True):
    at: _PositionWire | None
    reader: str
    credit: int
    re: str | None = None
    challenge: str | None = None
    held: bool = False
    sealed: str | None = None
    snapshot: bool = False
    refused: tuple[str, str] | None = None
    hub_us: int = 0


class _Traced(msgspec.Struct, frozen=True, tag_field="is", tag="traced"):
    agreed: int
    differed: int | None
    re: str


WriterHeader = _Frame | _Hello | _Trace | _Snapshot
ReaderHeader = _Cursor | _Traced
"""The header lines, for whoever describes them."""

_encode = msgspec.json.Encoder().encode
_decode_writer = msgspec.json.Decoder(WriterHeader).decode
_decode_reader = msgspec.json.Decoder(ReaderHeader).decode


def payload_mark(payload: bytes) -> int:
    """Name a payload by the first 8 bytes of its SHA-256, so that a refusal says what it refuses."""
    return int.from_bytes(sha256(payload).digest()[:8])


def encode_writer_message(message: WriterMessage) -> bytes:
    """Write a message from a log's writer."""
    match message:
        case Frame():
            return encode_frame(message)
        case Hello():
            return _encode(
                _Hello(
                    lineage=tuple(_chapter(chapter) for chapter in message.lineage),
                    first=_position(message.first),
                    head=_position(message.head),
                    writer=_hex64(message.writer),
                    ask=_hex64(message.ask),
                    echo=None if message.echo is None else _hex64(message.echo),
                )
            )
        case Trace():
            points = tuple((seq, digest.hex()) for seq, digest in message.points)
            return _encode(_Trace(points, _hex64(message.writer), _hex64(message.ask)))
        case SnapshotPart():
            header = _Snapshot(
                v=message.schema,
                at=_position(message.position),
                snapshot=_hex64(message.snapshot),
                part=message.part,
                parts=message.parts,
                n=len(message.lines),
            )
            return _pack(b"\n".join((_encode(header), *message.lines)))


def encode_frame(frame: Frame) -> bytes:
    """Write a frame. Raises `ContractBroken` for a flagged frame of other than one entry."""
    if frame.flagged and len(frame.lines) != 1:
        raise ContractBroken("a flagged frame carries exactly one entry")
    header = _Frame(
        v=frame.schema,
        epoch=str(frame.epoch),
        first=frame.first,
        n=len(frame.lines),
        digest=frame.digest.hex(),
        flag=frame.flagged,
        writer=None if frame.writer is None else _hex64(frame.writer),
    )
    return _pack(b"\n".join((_encode(header), *frame.lines)))


def decode_writer_message(payload: bytes) -> WriterMessage:
    """Read a message from a log's writer.

    Raises `BadInput`: "bad-frame" for bytes that are none, "too-large" beyond the bounds, "future-schema" for a major
    version this code does not know.
    """
    body = _unpack(payload)
    head, newline, rest = body.partition(b"\n")
    try:
        header: WriterHeader = _decode_writer(head)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput("bad-frame", f"header: {error}") from error
    match header:
        case _Frame():
            if header.flag and header.n == 1:
                lines: tuple[bytes, ...] = (rest,)
            else:
                _check_schema(header.v)
                lines = _lines(rest, header.n, bool(newline))
            if header.first < 1 or header.n < 1 or header.first + header.n > _MAX_SEQ:
                _bad(f"first {header.first}, n {header.n}")
            writer = None if header.writer is None else _from_hex64(header.writer)
            digest = _digest(header.digest)
            return Frame(Epoch.parse(header.epoch), header.first, digest, lines, header.v, header.flag, writer)
        case _Hello():
            lineage = tuple(_to_chapter(chapter) for chapter in header.lineage)
            hello = Hello(
                lineage=lineage,
                first=_to_position(header.first),
                head=_to_position(header.head),
                writer=_from_hex64(header.writer),
                ask=_from_hex64(header.ask),
                echo=None if header.echo is None else _from_hex64(header.echo),
            )
            epochs = [c.epoch for c in lineage]
            if (
                not epochs
                or epochs[-1] != hello.head.epoch
                or hello.first.epoch not in epochs
                or len(epochs) > MAX_LINEAGE
            ):
                _bad("a hello's lineage must hold its first and end with its head")
            return hello
        case _Trace():
            points = tuple((seq, _digest(digest)) for seq, digest in header.points[:64])
            return Trace(points, _from_hex64(header.writer), _from_hex64(header.ask))
        case _Snapshot():
            _check_schema(header.v)
            if not 1 <= header.part <= header.parts <= 100_000 or header.n < 0:
                _bad(f"part {header.part} of {header.parts}, n {header.n}")
            lines = _lines(rest, header.n, bool(newline))
            snapshot = _from_hex64(header.snapshot)
            return SnapshotPart(_to_position(header.at), snapshot, header.part, header.parts, lines, header.v)


def encode_reader_message(message: ReaderMessage) -> bytes:
    """Write a message from a log's reader."""
    match message:
        case Cursor():
            refused = message.refused
            return _encode(
                _Cursor(
                    at=None if message.at is None else _position(message.at),
                    reader=_hex64(message.reader),
                    credit=message.credit,
                    re=None if message.re is None else _hex64(message.re),
                    challenge=None if message.challenge is None else _hex64(message.challenge),
                    held=message.held,
                    sealed=None if message.sealed is None else _hex64(message.sealed),
                    snapshot=message.snapshot,
                    refused=None if refused is None else (_hex64(refused.payload), refused.reason),
                    hub_us=message.hub_us,
                )
            )
        case Traced():
            return _encode(_Traced(message.agreed, message.differed, _hex64(message.re)))


def decode_reader_message(payload: bytes) -> ReaderMessage:
    """Read a message from a log's reader. Raises `BadInput` ("bad-cursor", "too-large")."""
    if len(payload) > MAX_LINE_BYTES:
        raise BadInput("too-large", f"a cursor of {len(payload)} bytes")
    try:
        message: _Cursor | _Traced = _decode_reader(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput("bad-cursor", str(error)) from error
    match message:
        case _Cursor():
            refused = message.refused
            if not 0 <= message.hub_us <= _MAX_TIME_US:
                raise BadInput("bad-cursor", f"hub_us {str(message.hub_us)[:30]}")
            return Cursor(
                at=None if message.at is None else _to_position(message.at),
                reader=_from_hex64(message.reader),
                credit=max(0, message.credit),
                re=None if message.re is None else _from_hex64(message.re),
                challenge=None if message.challenge is None else _from_hex64(message.challenge),
                held=message.held,
                sealed=None if message.sealed is None else _from_hex64(message.sealed),
                snapshot=message.snapshot,
                refused=None if refused is None else Refusal(_from_hex64(refused[0]), refused[1][:200]),
                hub_us=message.hub_us,
            )
        case _Traced():
            return Traced(message.agreed, message.differed, _from_hex64(message.re))


def _pack(body: bytes) -> bytes:
    if len(body) <= COMPRESS_ABOVE_BYTES:
        return body
    # A context for each payload: contexts are cheap beside 1 KiB of work and must not be shared between threads.
    return zstandard.ZstdCompressor(level=1).compress(body)


def _unpack(payload: bytes) -> bytes:
    if not payload.startswith(_ZSTD_MAGIC):
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise BadInput("too-large", f"a payload of {len(payload)} bytes")
        return payload
    try:
        size = zstandard.frame_content_size(payload)
        if not 0 <= size <= MAX_PAYLOAD_BYTES:
            raise BadInput("too-large", f"a payload that unfolds to {size} bytes")
        return zstandard.ZstdDecompressor().decompress(payload, max_output_size=MAX_PAYLOAD_BYTES)
    except zstandard.ZstdError as error:
        raise BadInput("bad-frame", f"zstd: {error}") from error


def _lines(rest: bytes, n: int, any_lines: bool) -> tuple[bytes, ...]:
    lines = tuple(rest.split(b"\n")) if any_lines else ()
    if len(lines) != n:
        _bad(f"{n} lines announced, {len(lines)} came")
    return lines


def _check_schema(schema: int) -> None:
    if schema < 1:
        _bad(f"entries of schema {schema}")
    if schema > SCHEMA:
        raise BadInput("future-schema", f"entries of schema {schema}; this side knows up to {SCHEMA}")


def _position(position: Position) -> _PositionWire:
    return (str(position.epoch), position.seq, position.digest.hex())


def _to_position(wire: _PositionWire) -> Position:
    epoch, seq, digest = wire
    if not 0 <= seq < _MAX_SEQ:
        _bad(f"seq {seq}")
    return Position(Epoch.parse(epoch), seq, _digest(digest))


def _chapter(chapter: Chapter) -> _ChapterWire:
    base = None if chapter.base is None else _position(chapter.base)
    return (str(chapter.epoch), base, chapter.depth, None if chapter.carried is None else chapter.carried.hex())


def _to_chapter(wire: _ChapterWire) -> Chapter:
    epoch, base, depth, carried = wire
    if not 0 <= depth < _MAX_SEQ:
        _bad(f"depth {depth}")
    return Chapter(
        Epoch.parse(epoch),
        None if base is None else _to_position(base),
        depth,
        None if carried is None else _digest(carried),
    )


def _digest(text: str) -> bytes:
    try:
        digest = bytes.fromhex(text)
    except ValueError:
        digest = b""
    if len(digest) != DIGEST_BYTES:
        _bad(f"digest {text[:80]!r}")
    return digest


def _hex64(number: int) -> str:
    return f"{number:016x}"


def _from_hex64(text: str) -> int:
    if len(text) != 16:
        _bad(f"{text[:80]!r} is not 16 hex digits")
    try:
        return int(text, 16)
    except ValueError:
        _bad(f"{text!r} is not 16 hex digits")


def _bad(detail: str) -> NoReturn:
    raise BadInput("bad-frame", detail)
