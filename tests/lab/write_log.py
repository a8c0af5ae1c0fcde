"""Reads a log of all that a machine wrote to its disk, and makes what a power cut may have left of it.

QEMU's `blklogwrites` writes the format of the kernel's dm-log-writes, in sectors of 512 bytes, little endian:

    sector 0   magic u64 | version u64 = 1 | entries u64 | sector size u32
    then each  sector u64 | sectors u64 | flags u64 | data u64      one sector, then the data, unless it is a discard

(kernel Documentation/admin-guide/device-mapper/log-writes.rst; QEMU block/blklogwrites.c.) A disk may keep back what it
was given until it is told to flush. So of a cut between two entries everything up to the last flush is there, and of
what came later any choice, a write itself cut at a sector's border too.
"""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

MAGIC: Final = 0x6A736677736872
SECTOR: Final = 512
FLUSH, FUA, DISCARD = 1, 2, 4
_SUPER: Final = struct.Struct("<QQQI")
_ENTRY: Final = struct.Struct("<QQQQ")
TORN: Final = 0.15
"""How many of the writes that a cut met are there in part."""


class NoWriteLog(Exception):
    """The file is no log of writes, or ends before what it promises."""


@dataclass(frozen=True, slots=True)
class Write:
    """One entry: `sector` and `sectors` say where on the disk, `at` where in the log its data stands."""

    sector: int
    sectors: int
    flags: int
    at: int

    @property
    def is_flush(self) -> bool:
        return bool(self.flags & FLUSH)


def entries_logged(log: Path) -> int:
    """Tell how many entries the log holds by now, from its first sector; 0 before anything was written."""
    with log.open("rb") as file:
        data = file.read(_SUPER.size)
    return 0 if len(data) < _SUPER.size else int(_SUPER.unpack(data)[2])


def read_log(log: Path) -> list[Write]:
    """Read what was written, in order. Raises `NoWriteLog`."""
    size = log.stat().st_size
    with log.open("rb") as file:
        data = file.read(_SUPER.size)
        if len(data) < _SUPER.size:
            raise NoWriteLog("no first sector")
        magic, version, count, sector = _SUPER.unpack(data)
        if (magic, version, sector) != (MAGIC, 1, SECTOR):
            raise NoWriteLog(f"magic {magic:x}, version {version}, sectors of {sector}")
        writes, at = [], SECTOR
        for number in range(count):
            file.seek(at)
            data = file.read(_ENTRY.size)
            if len(data) < _ENTRY.size:
                raise NoWriteLog(f"entry {number} is not there")
            first, sectors, flags, _ = _ENTRY.unpack(data)
            writes.append(Write(first, sectors, flags, at + SECTOR))
            at += SECTOR + (0 if flags & DISCARD else sectors * SECTOR)
            if at > size + SECTOR:
                raise NoWriteLog(f"the data of entry {number} is not there")
    return writes


def flushed_before(writes: Sequence[Write], cut: int) -> int:
    """Tell how many of the first `cut` entries a cut leaves for certain."""
    return next((index + 1 for index in range(min(cut, len(writes)) - 1, -1, -1) if writes[index].is_flush), 0)


def left_of(writes: Sequence[Write], cut: int, dice: random.Random) -> Iterator[tuple[Write, int]]:
    """Give what a cut after `cut` entries leaves of those that no flush covered, each with how many of its sectors.

    Now and then all or none: a disk that writes at once, and one that is slow.
    """
    share = dice.choice((0.0, 0.2, 0.5, 0.8, 1.0))
    for write in writes[flushed_before(writes, cut) : cut]:
        if write.flags & FUA:
            yield write, write.sectors
        elif dice.random() < share:
            torn = write.sectors > 1 and dice.random() < TORN
            yield write, dice.randrange(1, write.sectors) if torn else write.sectors


class Replay:
    """Brings a copy of the disk, as it was before the log, forward entry by entry."""

    def __init__(self, log: Path, disk: Path) -> None:
        self.writes = read_log(log)
        self._log = log
        self._disk = disk
        self._done = 0

    def forward(self, upto: int) -> None:
        """Apply all entries before `upto`; never back."""
        assert upto >= self._done, "a log is replayed forwards"
        with self._log.open("rb") as log, self._disk.open("r+b") as disk:
            for write in self.writes[self._done : upto]:
                put(log, disk, write, write.sectors)
        self._done = upto

    def lay(self, onto: Path, left: Sequence[tuple[Write, int]]) -> None:
        """Apply what a cut left to a copy of the disk."""
        with self._log.open("rb") as log, onto.open("r+b") as disk:
            for write, sectors in left:
                put(log, disk, write, sectors)


def put(log: BinaryIO, disk: BinaryIO, write: Write, sectors: int) -> None:
    """Write the first `sectors` of an entry to the disk; a discarded range reads as zeroes, as QEMU's does."""
    if not write.sectors or (write.is_flush and not write.sectors):
        return
    disk.seek(write.sector * SECTOR)
    if write.flags & DISCARD:
        _punch(disk, sectors * SECTOR)
        return
    log.seek(write.at)
    data = log.read(sectors * SECTOR)
    # What lies behind the log's end are the zeroes that were written last.
    disk.write(data.ljust(sectors * SECTOR, b"\0"))


def _punch(disk: BinaryIO, length: int) -> None:
    end = disk.seek(0, os.SEEK_CUR) + length
    while length:
        piece = min(length, 1 << 20)
        disk.write(bytes(piece))
        length -= piece
    assert disk.tell() == end
