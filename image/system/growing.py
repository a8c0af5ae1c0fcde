"""Gives the data partition the rest of the card, at the first start: the image as flashed is small.

    p4 extended, p7 data | free          sfdisk: p4 to the end of the disk, then p7 to the end of p4
    p4 extended, p7 data        |        the kernel hears of p7 alone, which is in use; then the file system grows

Each change of the table is one sector; after a power cut between them the next start goes on. sfdisk(8), partx(8).
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from image.errors import BadInput, StepFailed

SECTOR: Final = 512
NOT_WORTH_SECTORS: Final = 8 * 1024 * 1024 // SECTOR
"""A tail of this length is left alone."""
_EXTENDED: Final = ("5", "f", "85")


class _Partition(msgspec.Struct, frozen=True):
    node: str
    start: int
    size: int
    type: str


class _Table(msgspec.Struct, frozen=True):
    label: str
    partitions: tuple[_Partition, ...]


class _Answer(msgspec.Struct, frozen=True):
    partitiontable: _Table


def run(command: Sequence[str], given: str = "") -> str:
    """Run a program; give what it printed. Raises `StepFailed`."""
    try:
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=600)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StepFailed(f"{command[0]}: {error}") from error
    if done.returncode != 0:
        raise StepFailed(f"{command[0]}: {done.stderr.strip()[-500:] or done.returncode}")
    return done.stdout


def to_grow(table_json: str, disk_sectors: int, data: int) -> tuple[int, ...]:
    """Say which partitions are to grow, in this order, so that the one with the number `data` reaches the disk's end.

    `table_json` is what `sfdisk --json` says. Raises `BadInput` for a table in which it is not the last.
    """
    try:
        table = msgspec.json.decode(table_json, type=_Answer).partitiontable
    except msgspec.DecodeError as error:
        raise BadInput(f"no partition table: {error}") from error
    numbered = {_number(one.node): one for one in table.partitions}
    if data not in numbered:
        raise BadInput(f"no partition {data} on the disk")
    ends = {number: one.start + one.size for number, one in numbered.items()}
    around = [number for number, one in numbered.items() if one.type.lower() in _EXTENDED and data > 4]
    if any(end > ends[data] for number, end in ends.items() if number != data and number not in around):
        raise BadInput(f"partition {data} is not the last on the disk")
    wanted: list[int] = []
    room = disk_sectors
    for number in around:
        if room - ends[number] > NOT_WORTH_SECTORS:
            wanted.append(number)
        else:
            room = ends[number]
    if room - ends[data] > NOT_WORTH_SECTORS:
        wanted.append(data)
    return tuple(wanted)


def grow_table(disk: Path, disk_sectors: int, data: int, call: Callable[..., str] = run) -> bool:
    """Grow the partitions in the disk's table; say whether anything was changed. Raises `StepFailed`, `BadInput`."""
    wanted = to_grow(call(("sfdisk", "--json", str(disk))), disk_sectors, data)
    for number in wanted:
        call(("sfdisk", "--no-reread", "--no-tell-kernel", "--wipe=never", "-N", str(number), str(disk)), ", +\n")
    return bool(wanted)


def grow_data(node: Path, sys: Path = Path("/sys"), call: Callable[..., str] = run) -> bool:
    """Grow the partition `node` ("/dev/mmcblk0p7"), which may be in use, and the ext4 on it. Raises as `grow_table`."""
    entry = (sys / "class/block" / node.name).resolve()
    try:
        number = int((entry / "partition").read_text())
        sectors = int((entry.parent / "size").read_text())
    except (OSError, ValueError) as error:
        raise BadInput(f"{node} is no partition of a disk: {error}") from error
    disk = node.parent / entry.parent.name
    changed = grow_table(disk, sectors, number, call)
    # Also after nothing was changed: the power may have gone right after the table was.
    call(("partx", "--update", "--nr", f"{number}:{number}", str(disk)))
    call(("resize2fs", str(node)))
    return changed


def _number(node: str) -> int:
    digits = node[len(node.rstrip("0123456789")) :]
    return int(digits) if digits else 0
