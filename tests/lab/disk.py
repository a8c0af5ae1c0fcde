"""A raw disk as a file: its partition table, parts of it, and copies that take no more room than what is written."""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from image.layout import SECTOR

_ENTRY: Final = struct.Struct("<4xB3xII")
_TABLE: Final = 446
_MARK: Final = b"\x55\xaa"
_EXTENDED: Final = frozenset({0x05, 0x0F, 0x85})
_MOST: Final = 60
PIECE: Final = 1 << 20


class Part(NamedTuple):
    """One partition: `start` and `length` in sectors of 512 bytes."""

    number: int
    kind: int
    start: int
    length: int


def partitions(disk: Path) -> list[Part]:
    """Read an MBR with its chain of logical partitions; empty where there is none."""
    with disk.open("rb") as file:

        def table(sector: int) -> list[Part]:
            file.seek(sector * SECTOR)
            data = file.read(SECTOR)
            if len(data) < SECTOR or data[-2:] != _MARK:
                return []
            read = (_ENTRY.unpack_from(data, _TABLE + 16 * index) for index in range(4))
            return [Part(number, *each) for number, each in enumerate(read, 1)]

        found = [each for each in table(0) if each.kind]
        for extended in [each for each in found if each.kind in _EXTENDED][:1]:
            found += _logical(extended.start, table)
    return found


def _logical(first: int, table: object) -> Iterator[Part]:
    assert callable(table)
    at, number = first, 5
    while number < _MOST:
        entries = table(at)
        if not entries or not entries[0].kind:
            return
        yield Part(number, entries[0].kind, at + entries[0].start, entries[0].length)
        if not entries[1].kind:
            return
        at, number = first + entries[1].start, number + 1


def copied(image: Path, to: Path, size_bytes: int = 0) -> Path:
    """Copy a disk, holes as holes, and make it at least `size_bytes` large: a card is larger than the image."""
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", str(image), str(to)], check=True)
    with to.open("r+b") as file:
        file.seek(0, 2)
        if file.tell() < size_bytes:
            file.truncate(size_bytes)
    return to


def taken_out(disk: Path, number: int, to: Path) -> Path:
    """Copy one partition into a file of its own, holes as holes."""
    part = next(each for each in partitions(disk) if each.number == number)
    with disk.open("rb") as source, to.open("wb") as target:
        source.seek(part.start * SECTOR)
        left = part.length * SECTOR
        while left:
            data = source.read(min(PIECE, left))
            if not data:
                break
            if data.count(0) == len(data):
                target.seek(len(data), 1)
            else:
                target.write(data)
            left -= len(data)
        target.truncate(part.length * SECTOR)
    return to


def missing_tools(names: tuple[str, ...]) -> list[str]:
    """Name those of the programs that are not here."""
    return [name for name in names if shutil.which(name, path=None) is None]
