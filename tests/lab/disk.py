"""A raw disk as a file: its partition table, parts of it, and copies that take no more room than what is written."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

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


def _logical(first: int, table: Callable[[int], list[Part]]) -> Iterator[Part]:
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
    first, end = part.start * SECTOR, (part.start + part.length) * SECTOR
    with to.open("wb") as target:
        _copy(disk, target, first, end, first)
        target.truncate(end - first)
    return to


def copied_without(disk: Path, numbers: Collection[int], to: Path) -> Path:
    """Copy a disk, but leave those partitions empty."""
    left_out = sorted((each.start, each.length) for each in partitions(disk) if each.number in numbers)
    size = disk.stat().st_size
    at = 0
    with to.open("wb") as target:
        for start, length in left_out:
            _copy(disk, target, at, start * SECTOR, 0)
            at = (start + length) * SECTOR
        _copy(disk, target, at, size, 0)
        target.truncate(size)
    return to


def _copy(disk: Path, target: BinaryIO, at: int, end: int, first: int) -> None:
    """Copy a range, holes as holes, to where it is `first` bytes further ahead."""
    with disk.open("rb") as source:
        for begin, stop in _written(source.fileno(), at, end):
            source.seek(begin)
            target.seek(begin - first)
            left = stop - begin
            while left:
                data = source.read(min(PIECE, left))
                target.write(data)
                left -= len(data)


def _written(file: int, at: int, end: int) -> Iterator[tuple[int, int]]:
    """Give the ranges of an open file, within `at` and `end`, that are no holes."""
    end = min(end, os.fstat(file).st_size)
    while at < end:
        try:
            begin = os.lseek(file, at, os.SEEK_DATA)
        except OSError:  # nothing but a hole from here on
            return
        if begin >= end:
            return
        at = min(os.lseek(file, begin, os.SEEK_HOLE), end)
        yield begin, at


def missing_tools(names: tuple[str, ...]) -> list[str]:
    """Name those of the programs that are not here."""
    return [name for name in names if shutil.which(name, path=None) is None]
