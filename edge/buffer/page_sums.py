"""Keeps a checksum of every page of a log's file beside it, so that a flipped bit is found before it is believed.

SQLite guards what is in the write-ahead log and trusts what is in the file; a line that changed there would be sent on
as if somebody had scanned it. A page reaches the file only when the write-ahead log is folded into it, so the checksums
are written just before, as they will be then, and until the log is begun anew its frames stand for their pages.

    magic 8 bytes, state u32, pages u32, CRC-32 of each page u32 ..., lineage as JSON, CRC-32 of all that u32

Numbers are little-endian. `state` is 1 while a process uses the log: then a write-ahead log is there too, and if it is
not, somebody took it away. The lineage names the epochs even where the page that does is gone.
"""

from __future__ import annotations

import os
import struct
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edge.buffer import wal
from edge.buffer.sqlite_file import sync_folder
from protocol.chain import Chapter

_MAGIC = b"ShLgSum1"
_HEAD = struct.Struct("<8sII")
_TAIL = struct.Struct("<I")
_lineage_to_json = msgspec.json.encode
_lineage_from_json = msgspec.json.Decoder(tuple[Chapter, ...]).decode


@dataclass(frozen=True, slots=True)
class Sums:
    """What the file beside the log says: whether the log was being used, CRC-32 of each page, the epochs."""

    in_use: bool
    pages: tuple[int, ...]
    lineage: tuple[Chapter, ...]


def sums_path(log: Path) -> Path:
    """Name the file of checksums of the log at `log`."""
    return log.with_name(f"{log.name}-sums")


def read_sums(log: Path) -> Sums | None:
    """Read them; None if there are none, or they are damaged themselves. Raises `OSError`."""
    try:
        data = sums_path(log).read_bytes()
    except FileNotFoundError:
        return None
    if len(data) < _HEAD.size + _TAIL.size or zlib.crc32(data[: -_TAIL.size]) != _TAIL.unpack(data[-_TAIL.size :])[0]:
        return None
    magic, state, count = _HEAD.unpack_from(data)
    lineage_at = _HEAD.size + 4 * count
    if magic != _MAGIC or lineage_at > len(data) - _TAIL.size:
        return None
    try:
        lineage = _lineage_from_json(data[lineage_at : -_TAIL.size])
    except msgspec.MsgspecError:
        return None
    return Sums(state == 1, struct.unpack_from(f"<{count}I", data, _HEAD.size), lineage)


def read_pages(log: Path, page_bytes: int) -> Iterator[bytes]:
    """Give the pages of the file itself: the last one short if the file is, one that cannot be read empty.

    Raises `OSError` if nothing can be read at all.
    """
    with log.open("rb", buffering=0) as file:
        for at in range(0, os.fstat(file.fileno()).st_size, page_bytes):
            try:
                yield os.pread(file.fileno(), page_bytes, at)
            except OSError:
                yield b""


class PageSums:
    """The checksums of one log, for the one thread that owns its file. Nothing here raises for the disk's sake."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._path = sums_path(log)
        self._wal = log.with_name(f"{log.name}-wal")
        self._in_use = False
        self._pages: array[int] | None = None
        self.lineage: tuple[Chapter, ...] = ()
        """The epochs that will be named when the checksums are next noted."""

    def use(self, page_bytes: int, *, missed: bool) -> None:
        """Say that the log is used from now on. `missed`: it has a durable write-ahead log, which must not go."""
        try:
            known = read_sums(self._log)
            pages = known.pages if known is not None else map(zlib.crc32, read_pages(self._log, page_bytes))
            self._pages = array("I", pages)
        except OSError:
            return
        self._in_use = missed
        self._save()

    def will_fold(self, frames: int | None) -> bool:
        """Note what the pages will be once the first `frames` of the write-ahead log are folded; None: all that count.

        False: it could not be noted, so they must not be.
        """
        if self._pages is None:
            return not self._path.exists()
        try:
            if frames is None:
                frames = wal.inspect(self._wal).frames
            sums, pages = wal.newest_sums(self._wal, frames)
        except OSError:
            return False
        if not sums:
            return True
        self._pages.extend([0] * (max(pages, *sums) - len(self._pages)))
        for page, checksum in sums.items():
            self._pages[page - 1] = checksum
        del self._pages[pages:]
        return self._save()

    def leave(self) -> None:
        """Say that everything is folded and nobody uses the log."""
        if self._pages is not None:
            self._in_use = False
            self._save()

    def _save(self) -> bool:
        pages = self._pages
        if pages is None:
            return True
        data = _HEAD.pack(_MAGIC, int(self._in_use), len(pages)) + struct.pack(f"<{len(pages)}I", *pages)
        data += _lineage_to_json(self.lineage)
        data += _TAIL.pack(zlib.crc32(data))
        new = self._path.with_name(f"{self._path.name}.new")
        try:
            try:
                with new.open("wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                new.replace(self._path)
            except OSError:
                # No room, most likely: wrong checksums would be worse than none.
                new.unlink(missing_ok=True)
                self._path.unlink(missing_ok=True)
            sync_folder(self._path.parent)
        except OSError:
            return False
        return True
