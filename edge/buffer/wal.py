"""Reads a write-ahead log as bytes: which frames SQLite takes, and whether some that it does not were once committed.

SQLite drops everything from the first frame whose checksum is wrong (file format, section 4.3), without a word. After a
power cut that is right: the last transaction was not synced, nobody was answered. After damage it is a loss.

    header  magic u32, version u32, page size u32, number u32, salt 8 bytes, checksum 8 bytes       all big-endian
    frame   page u32, pages of the file after a commit u32 (else 0), salt 8 bytes, checksum 8 bytes, the page

A frame's checksum goes on from that of the frame before, so one behind a damaged frame is still checked by what the
damaged one says, or comes to. The salt changes whenever the file is begun anew over its older frames.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

HEADER_BYTES = 32
FRAME_HEADER_BYTES = 24
_MAGIC = 0x377F0682
_MASK = 0xFFFFFFFF
_MOST_SEEDS = 4
_HEADER = struct.Struct(">8I")
_FRAME = struct.Struct(">6I")

_Sum = tuple[int, int]


@dataclass(frozen=True, slots=True)
class WalFrame:
    """An image of a page that is what was written; `pages` is the file's size after it if it ends a transaction."""

    number: int
    page: int
    pages: int
    image: bytes


@dataclass(frozen=True, slots=True)
class WalCondition:
    """`frames`: how many SQLite takes, up to the last commit. `damaged`: why more may have been; None if not."""

    frames: int
    damaged: str | None


@dataclass(frozen=True, slots=True)
class _Head:
    page_bytes: int
    salt: tuple[int, int]
    order: str
    checksum: _Sum


@dataclass(frozen=True, slots=True)
class _Seen:
    """A frame; None if it is not what was written. `sound`: SQLite takes it. `commits`: it ended a transaction."""

    frame: WalFrame | None
    sound: bool
    commits: bool
    page: int = 0
    """Of what page it says to be, where it is damaged; 0 if it does not say."""


def begun(path: Path) -> bool:
    """Say whether anything was ever written to it; not if only its room was claimed. Raises `OSError`."""
    try:
        with path.open("rb") as file:
            return any(file.read(HEADER_BYTES))
    except FileNotFoundError:
        return False


def inspect(path: Path, synced: int | None = None) -> WalCondition:
    """Find how far the file is sound. Raises `OSError`; one that is missing or not begun is sound.

    The last transaction may have been torn by a power cut before its sync, and then nothing is lost. That it was synced
    is known if another follows it, or if it ends within the first `synced` frames; None: all that is there was.
    """
    if not begun(path):
        return WalCondition(0, None)
    head = _head(path)
    if head is None:
        return WalCondition(0, "the header of the write-ahead log is damaged")
    taken = 0
    broken = ended = lost = False
    for number, seen in enumerate(_walk(path, head), 1):
        lost = lost or ended
        broken = broken or not seen.sound
        if seen.commits:
            ended = broken
            taken = taken if broken else number
    lost = lost or (ended if synced is None else taken < synced)
    return WalCondition(taken, f"the write-ahead log is damaged after frame {taken}" if lost else None)


def forget_behind(path: Path, frames: int) -> None:
    """Have whatever a torn transaction left behind the first `frames` be of none any more, durably. Raises `OSError`.

    It is of the file as it was begun last, as what is written over its beginning will be: should that be shorter, and
    torn as well, the rest would follow it and pass for proof that it had been synced. The file stays as long as it is.
    """
    head = _head(path)
    if head is None:
        return
    frame_bytes = FRAME_HEADER_BYTES + head.page_bytes
    with path.open("r+b", buffering=0) as file:
        wiped = False
        for at in range(HEADER_BYTES + frames * frame_bytes, path.stat().st_size, frame_bytes):
            header = os.pread(file.fileno(), FRAME_HEADER_BYTES, at)
            if header[8:12] == head.salt[0].to_bytes(4) or header[12:16] == head.salt[1].to_bytes(4):
                os.pwrite(file.fileno(), bytes(len(header)), at)
                wiped = True
        if wiped:
            os.fsync(file.fileno())


def legible_frames(path: Path) -> Iterator[WalFrame | int]:
    """Give every frame that is what was written, also behind a damaged one; of a damaged one the page it was of.

    Raises `OSError`.
    """
    head = _head(path)
    if head is not None:
        for seen in _walk(path, head):
            yield seen.page if seen.frame is None else seen.frame


def newest_sums(path: Path, frames: int) -> tuple[dict[int, int], int]:
    """Give the CRC-32 of each page's last image within the first `frames`, and the file's size in pages after them.

    Unchecked: for the writer itself, before it folds. Raises `OSError`.
    """
    places: dict[int, int] = {}
    pages = 0
    head = _head(path)
    if head is None:
        return places, pages
    frame_bytes = FRAME_HEADER_BYTES + head.page_bytes
    with path.open("rb", buffering=0) as file:
        there = (os.fstat(file.fileno()).st_size - HEADER_BYTES) // frame_bytes
        for at in range(HEADER_BYTES, HEADER_BYTES + min(frames, there) * frame_bytes, frame_bytes):
            page, ends, *_ = _FRAME.unpack(os.pread(file.fileno(), FRAME_HEADER_BYTES, at))
            places[page] = at + FRAME_HEADER_BYTES
            pages = ends or pages
        images = ((page, os.pread(file.fileno(), head.page_bytes, at)) for page, at in places.items())
        return {page: zlib.crc32(image) for page, image in images}, pages


def _head(path: Path) -> _Head | None:
    """Read the header; None if there is none that is sound."""
    try:
        with path.open("rb") as file:
            data = file.read(HEADER_BYTES)
    except FileNotFoundError:
        return None
    if len(data) < HEADER_BYTES:
        return None
    magic, _, page_bytes, _, salt1, salt2, one, two = _HEADER.unpack(data)
    order = ">" if magic & 1 else "<"
    checksum = _add(data[:24], (0, 0), order)
    if magic & ~1 != _MAGIC or checksum != (one, two) or not 512 <= page_bytes <= 65536:
        return None
    return _Head(page_bytes, (salt1, salt2), order, checksum)


def _walk(path: Path, head: _Head) -> Iterator[_Seen]:
    """Give what was written since the file was last begun anew; what lies behind that is older.

    A transaction that was torn leaves older frames between its own, and only the last one can be torn: there it ends.
    A frame cut short is taken for the end of a transaction: whether it was one nobody can tell.
    """
    seeds = [head.checksum]
    number = 0
    with path.open("rb") as file:
        file.seek(HEADER_BYTES)
        while True:
            header, image = _next(file, head.page_bytes)
            if header is None:
                if len(image) >= FRAME_HEADER_BYTES and _FRAME.unpack(image[:FRAME_HEADER_BYTES])[2:4] == head.salt:
                    yield _Seen(None, sound=False, commits=True)
                return
            number += 1
            page, pages, salt1, salt2, one, two = header
            body = struct.pack(">2I", page, pages) + image
            came_to = [_add(body, seed, head.order) for seed in seeds]
            if (one, two) in came_to:
                sound = (salt1, salt2) == head.salt
                yield _Seen(WalFrame(number, page, pages, image), sound, commits=pages > 0)
                seeds = [(one, two)]
            elif salt1 == head.salt[0] or salt2 == head.salt[1]:
                yield _Seen(None, sound=False, commits=pages > 0, page=page)
                seeds = [(one, two), *came_to][:_MOST_SEEDS]
            else:
                return


def _next(file: BinaryIO, page_bytes: int) -> tuple[tuple[int, ...] | None, bytes]:
    """Read a frame: its header and page; no header and what is left where there is no whole frame any more."""
    data = file.read(FRAME_HEADER_BYTES + page_bytes)
    if len(data) < FRAME_HEADER_BYTES + page_bytes:
        return None, data
    return _FRAME.unpack_from(data), data[FRAME_HEADER_BYTES:]


def _add(data: bytes, seed: _Sum, order: str) -> _Sum:
    one, two = seed
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for first, second in zip(words[::2], words[1::2], strict=True):
        one = (one + first + two) & _MASK
        two = (two + second + one) & _MASK
    return one, two
