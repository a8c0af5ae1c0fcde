"""The archive on its medium: append-only segments of rounds, each synced before it counts, chained by digests.

    shelfwire-archive 1\n
    length (4 bytes, big-endian) │ SHA-256(digest of the record before + payload) │ payload, zstd of MessagePack
    ...

The first record of a segment is its `Start`, chained to the last record of the segment before; the others are rounds. A
record that a power cut tore ends its segment: the writer begins another, which starts from the last round that counts.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import msgspec
import zstandard

from hub.errors import BadInput
from hub.store.archive_rounds import ArchiveCursor, Reached, Round
from hub.store.folder import sync_folder
from protocol.identity import StoreId

MAGIC = b"shelfwire-archive 1\n"
SEGMENT_BYTES = 8 << 20
"""A segment is read whole, and its lines are many times its size."""
MAX_RECORD_BYTES = 256 << 20
_NAME = re.compile(r"(?P<store>.+)-(?P<life>[0-9a-f]{16})-(?P<number>[0-9]{6})\.archive")
_HEAD_BYTES = 36

_encode = msgspec.msgpack.encode


class Start(msgspec.Struct, frozen=True, array_like=True):
    """Where a segment goes on: what is archived before it, and the digest that its chain goes on from."""

    store: str
    life: str
    at_us: int
    prior: bytes
    reached: tuple[Reached, ...]
    states: dict[str, str]
    losses: int

    def cursor(self) -> ArchiveCursor:
        """Give the archive's cursor at this point."""
        return ArchiveCursor({(each.log, each.epoch): each for each in self.reached}, dict(self.states), self.losses)


_start = msgspec.msgpack.Decoder(Start).decode
_round = msgspec.msgpack.Decoder(Round).decode


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of an archive."""

    path: Path
    life: str
    number: int


@dataclass(frozen=True, slots=True)
class Held:
    """What a segment holds that counts; `digest` is that of its last record, `torn` says that something follows."""

    start: Start
    rounds: tuple[Round, ...]
    digest: bytes
    torn: bool


class SegmentWriter:
    """Appends to one new segment; after an error it is closed and takes no more."""

    def __init__(self, folder: Path, number: int, start: Start) -> None:
        """Begin the segment, which must not be there. Blocks; raises `OSError`."""
        self.number = number
        self.bytes = 0
        self.digest = start.prior
        self._path = folder / f"{start.store}-{start.life}-{number:06d}.archive"
        self._rounds = 0
        self._file: BinaryIO | None = self._path.open("xb", buffering=0)
        self._record(_encode(start), MAGIC)
        try:
            sync_folder(folder)
        except OSError:
            self.close()
            raise

    def append(self, told: Round) -> None:
        """Add a round, durable on return. Raises `OSError`."""
        self._record(_encode(told))
        self._rounds += 1

    def check(self) -> None:
        """Raise `OSError` unless the segment is still where it was begun: a medium may be pulled out at any time."""
        if self._file is None or os.fstat(self._file.fileno()).st_ino != self._path.stat().st_ino:
            raise OSError(f"{self._path} was taken away")

    def close(self) -> None:
        """Take no more. Twice is harmless."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _record(self, plain: bytes, before: bytes = b"") -> None:
        payload = zstandard.ZstdCompressor(level=1).compress(plain)
        digest = sha256(self.digest + payload).digest()
        try:
            self._put(before + len(payload).to_bytes(4, "big") + digest + payload)
        except OSError:
            self.close()
            if not self._rounds:
                # A medium that stays full is not to be filled with beginnings.
                self._path.unlink(missing_ok=True)
            raise
        self.digest = digest

    def _put(self, data: bytes) -> None:
        if self._file is None:
            raise OSError("the segment is closed")
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) :]
        os.fdatasync(self._file.fileno())
        self.bytes += len(data)


def segments_in(folder: Path, store: StoreId) -> tuple[Segment, ...]:
    """List the segments of a store's archives, by life and number. Raises `OSError`."""
    found: list[Segment] = []
    for path in folder.iterdir():
        named = _NAME.fullmatch(path.name)
        if named is not None and named["store"] == store:
            found.append(Segment(path, named["life"], int(named["number"])))
    return tuple(sorted(found, key=lambda each: (each.life, each.number)))


def read_segment(path: Path) -> Held | None:
    """Read a segment; None if not even its start counts. Raises `OSError`, `BadInput` ("not-an-archive")."""
    with path.open("rb") as file:
        magic = file.read(len(MAGIC))
        if magic != MAGIC:
            if MAGIC.startswith(magic):
                return None
            raise BadInput("not-an-archive", f"{path} is none, or of another release")
        records = _records(file)
        told, payload = next(records, (b"", b""))
        try:
            start = _start(_unpacked(payload))
            if told != sha256(start.prior + payload).digest():
                return None
            digest = told
            rounds: list[Round] = []
            for told, payload in records:
                if told != sha256(digest + payload).digest():
                    return Held(start, tuple(rounds), digest, True)
                digest = told
                rounds.append(_round(_unpacked(payload)))
        except zstandard.ZstdError:
            return None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadInput("not-an-archive", f"{path}: {error}") from error
        return Held(start, tuple(rounds), digest, file.tell() != path.stat().st_size)


def _records(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Give digests and payloads until the end, or until something that is no whole record, before which it stops."""
    while True:
        at = file.tell()
        head = file.read(_HEAD_BYTES)
        length = int.from_bytes(head[:4], "big")
        payload = file.read(length) if len(head) == _HEAD_BYTES and 0 < length <= MAX_RECORD_BYTES else b""
        if not payload or len(payload) < length:
            file.seek(at)
            return
        yield head[4:], payload


def _unpacked(payload: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompress(payload, max_output_size=MAX_RECORD_BYTES)
