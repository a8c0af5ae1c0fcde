"""What a disk holds, and what of it a power cut leaves. No FUSE in here: the rules alone.

    a file       its bytes as programs see them    and as the last fsync or fdatasync of the file left them
    a folder     its entries as programs see them  and as the last fsync of the folder left them

At a cut what lies between the two is forgotten, or a random part of it is kept: of a file each block of 512 or 4096
bytes as it stood after any one of the writes to it, whatever became of its neighbours; of a folder any of the changes
to its entries. A file's fsync says nothing of its name: that is POSIX's word (fsync(2): "Calling fsync() does not
necessarily ensure that the entry in the directory containing the file has also reached disk"), harder than ext4's.

    keep(NOTHING)   write A | fsync | write B | CUT   ->  A
    keep(SOME)      write A | fsync | write B | CUT   ->  A, A with some blocks of B, or B
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

BLOCKS = (512, 4096)
CHANCES = (0.1, 0.5, 0.9)


class Keep(StrEnum):
    """What a cut leaves of that which was not synced."""

    NOTHING = "nothing"
    SOME = "some"


@dataclass(frozen=True, slots=True)
class Cut:
    """When the power went: the monotonic clock, how many changes after the cut was armed, and in place of which."""

    at_ns: int
    changes: int
    during: str


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes put at an offset; beyond the end the gap reads as zeros."""

    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncate:
    """The file made this long, cut off or filled with zeros."""

    size: int


def _apply(content: bytearray, change: Write | Truncate) -> None:
    if isinstance(change, Truncate):
        del content[change.size :]
        content.extend(bytes(change.size - len(content)))
        return
    if len(content) < change.offset:
        content.extend(bytes(change.offset - len(content)))
    content[change.offset : change.offset + len(change.data)] = change.data


@dataclass(slots=True, eq=False)
class File:
    """A file's content, and the changes to it that no sync has covered."""

    content: bytearray = field(default_factory=bytearray)
    synced: bytearray = field(default_factory=bytearray)
    changes: list[Write | Truncate] = field(default_factory=list)

    def change(self, change: Write | Truncate) -> None:
        """Write to it or truncate it."""
        _apply(self.content, change)
        self.changes.append(change)

    def sync(self) -> None:
        """Make all of it durable."""
        for change in self.changes:
            _apply(self.synced, change)
        self.changes.clear()

    def cut(self, keep: Keep, dice: random.Random) -> None:
        """Be what the cut leaves."""
        if self.changes:
            left = self.synced if keep is Keep.NOTHING else self._torn(dice)
            self.content, self.synced = bytearray(left), left
            self.changes.clear()

    def _torn(self, dice: random.Random) -> bytearray:
        """Give each block as it stood after a change picked for it, and a length that the file had at some time."""
        block, chance = dice.choice(BLOCKS), dice.choice(CHANCES)
        touched: dict[int, list[int]] = {}
        sizes = [len(self.synced)]
        now = bytearray(self.synced)
        for number, change in enumerate(self.changes):
            before = len(now)
            _apply(now, change)
            sizes.append(len(now))
            first, last = _span(change, before)
            for at in range(first // block, -(-last // block)):
                touched.setdefault(at, []).append(number)
        picked: dict[int, list[int]] = {}
        for at, numbers in touched.items():
            if dice.random() < chance:
                picked.setdefault(dice.choice(numbers), []).append(at)
        torn, now = bytearray(self.synced), bytearray(self.synced)
        for number, change in enumerate(self.changes):
            _apply(now, change)
            for at in picked.get(number, ()):
                _apply(torn, Write(at * block, bytes(now[at * block : (at + 1) * block])))
        _apply(torn, Truncate(dice.choice(sizes)))
        return torn


def _span(change: Write | Truncate, before: int) -> tuple[int, int]:
    """Tell which bytes a change touches in a file of `before` bytes."""
    if isinstance(change, Write):
        return min(before, change.offset), change.offset + len(change.data)
    return min(before, change.size), max(before, change.size)


@dataclass(slots=True, eq=False)
class Folder:
    """A folder's entries, and the changes to them that no sync has covered: each a few names and what they mean now."""

    entries: dict[str, File | Folder] = field(default_factory=dict)
    synced: dict[str, File | Folder] = field(default_factory=dict)
    changes: list[Mapping[str, File | Folder | None]] = field(default_factory=list)

    def change(self, named: Mapping[str, File | Folder | None]) -> None:
        """Let names mean something else, None for nothing, all at once."""
        _rename(self.entries, named)
        self.changes.append(named)

    def sync(self) -> None:
        """Make all entries durable; of what they name it says nothing."""
        for named in self.changes:
            _rename(self.synced, named)
        self.changes.clear()

    def cut(self, keep: Keep, dice: random.Random) -> None:
        """Be what the cut leaves, with all that lies below."""
        if keep is Keep.SOME:
            chance = dice.choice(CHANCES)
            for named in self.changes:
                if dice.random() < chance:
                    _rename(self.synced, named)
        self.entries = dict(self.synced)
        self.changes.clear()
        for node in self.entries.values():
            node.cut(keep, dice)


def _rename(entries: dict[str, File | Folder], named: Mapping[str, File | Folder | None]) -> None:
    for name, node in named.items():
        if node is None:
            entries.pop(name, None)
        else:
            entries[name] = node


def below(folder: Folder) -> Iterator[File | Folder]:
    """Walk the folder and all that is in it."""
    yield folder
    for node in folder.entries.values():
        if isinstance(node, Folder):
            yield from below(node)
        else:
            yield node


def settle(root: Folder) -> None:
    """Make everything durable, as half a minute without a cut would have."""
    for node in below(root):
        node.sync()


def read_folder(path: Path) -> Folder:
    """Take over a folder of the machine's own, all of it durable."""
    folder = Folder()
    for inner in path.iterdir():
        if inner.is_dir():
            folder.entries[inner.name] = read_folder(inner)
        else:
            content = inner.read_bytes()
            folder.entries[inner.name] = File(bytearray(content), bytearray(content))
    folder.synced = dict(folder.entries)
    return folder


def write_folder(folder: Folder, path: Path) -> None:
    """Put what programs see now into a folder of the machine's own, made if it is not there."""
    path.mkdir(exist_ok=True)
    for name, node in folder.entries.items():
        if isinstance(node, Folder):
            write_folder(node, path / name)
        else:
            (path / name).write_bytes(node.content)
