"""The partition table of a card as bytes (MBR, with a chain of tables for the logical partitions), and back."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from image.errors import BadInput
from image.layout import DISK_SIGNATURE, MIB, SECTOR, Layout, Partition

_ENTRY = struct.Struct("<B3sB3sII")
_NO_CHS = b"\xfe\xff\xff"
"""What stands where cylinders, heads and sectors stood: look at the sector numbers instead."""
_ENTRIES_AT = 446
_SIGNATURE_AT = 440
_MAGIC = b"\x55\xaa"
_EXTENDED = (0x05, 0x0F)


@dataclass(frozen=True, slots=True)
class Found:
    """A partition as it stands on a disk."""

    number: int
    mbr_type: int
    start: int  # bytes
    size: int  # bytes


def _sectors(mib: int) -> int:
    return mib * MIB // SECTOR


def _table(entries: list[tuple[int, int, int]], signature: int = 0) -> bytes:
    """Give one sector with `entries` (type, first sector as it is to stand there, sectors)."""
    sector = bytearray(SECTOR)
    struct.pack_into("<I", sector, _SIGNATURE_AT, signature)
    for index, (kind, start, count) in enumerate(entries):
        _ENTRY.pack_into(sector, _ENTRIES_AT + 16 * index, 0, _NO_CHS, kind, _NO_CHS, start, count)
    sector[-2:] = _MAGIC
    return bytes(sector)


def tables(layout: Layout) -> list[tuple[int, bytes]]:
    """Give the sectors that make up the table: (byte offset, 512 bytes), in order.

    The entries of the first sector stand at their own numbers, 1 to 4, also where one between is missing.
    """
    primaries: dict[int, Partition] = {each.number: each for each in layout.partitions if each.number <= 4}
    entries = [
        (each.mbr_type, _sectors(each.start_mib), _sectors(each.size_mib)) if (each := primaries.get(number)) else None
        for number in range(1, 5)
    ]
    sector = bytearray(_table([entry or (0, 0, 0) for entry in entries], DISK_SIGNATURE))
    for index, entry in enumerate(entries):
        if entry is None:
            sector[_ENTRIES_AT + 16 * index : _ENTRIES_AT + 16 * (index + 1)] = bytes(16)
    made = [(0, bytes(sector))]
    extended = layout.partition("extended")
    logical = [each for each in layout.partitions if each.number > 4]
    for index, each in enumerate(logical):
        here = each.start_mib - 1
        rows = [(each.mbr_type, _sectors(1), _sectors(each.size_mib))]
        if index + 1 < len(logical):
            following = logical[index + 1]
            # A link counts from the start of the extended partition, and covers the next table and its partition.
            rows.append(
                (0x05, _sectors(following.start_mib - 1 - extended.start_mib), _sectors(following.size_mib + 1))
            )
        made.append((here * MIB, _table(rows)))
    return made


def partitions_of(read: Callable[[int], bytes]) -> list[Found]:
    """Give the partitions of a disk; `read(offset)` gives a sector of it. BadInput if it has no such table."""
    sector = read(0)
    if len(sector) < SECTOR or sector[-2:] != _MAGIC:
        raise BadInput("no partition table in the first sector")
    if (signature := struct.unpack_from("<I", sector, _SIGNATURE_AT)[0]) != DISK_SIGNATURE:
        raise BadInput(f"the disk's signature is {signature:08x}, ours is {DISK_SIGNATURE:08x}")
    found = []
    extended = 0
    for index in range(4):
        _, _, kind, _, start, count = _ENTRY.unpack_from(sector, _ENTRIES_AT + 16 * index)
        if kind:
            found.append(Found(index + 1, kind, start * SECTOR, count * SECTOR))
        if kind in _EXTENDED:
            extended = start
    here, number = extended, 5
    while here and number < 16:
        sector = read(here * SECTOR)
        if len(sector) < SECTOR or sector[-2:] != _MAGIC:
            raise BadInput(f"no partition table at sector {here}")
        _, _, kind, _, start, count = _ENTRY.unpack_from(sector, _ENTRIES_AT)
        found.append(Found(number, kind, (here + start) * SECTOR, count * SECTOR))
        _, _, kind, _, start, _ = _ENTRY.unpack_from(sector, _ENTRIES_AT + 16)
        here = extended + start if kind in _EXTENDED else 0
        number += 1
    return found
