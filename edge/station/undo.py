"""What the undo card can take back, last done first; never twice, and only of the present mode period."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass

from edge.station.actions import Where
from protocol.chain import Chapter

UNDO_DEPTH = 100
"""How many steps back undo can reach, in a count as elsewhere."""


@dataclass(frozen=True, slots=True, order=True)
class Undoable:
    """The entries one scan made, on disk, that may be reversed; `weighed` if a scale gave their quantity."""

    wheres: tuple[Where, ...]
    weighed: bool = False


class UndoList:
    """Entries in the order of the log."""

    def __init__(self) -> None:
        self._entries: list[Undoable] = []

    def done(self, entry: Undoable) -> None:
        """Take an entry that is on disk; commits of two devices may be told in another order than the log's."""
        if self._entries and entry < self._entries[-1]:
            insort(self._entries, entry)
        else:
            self._entries.append(entry)
        del self._entries[:-UNDO_DEPTH]

    def goes_on(self, where: Where) -> None:
        """Take the next entry of the scan that made the last one; forget it if that is not known."""
        before = Where(where.epoch, where.seq - 1)
        if self._entries and self._entries[-1].wheres[-1] == before:
            last = self._entries.pop()
            self._entries.append(Undoable((*last.wheres, where), last.weighed))

    def next_undo(self) -> Undoable | None:
        """Give the entry an undo would reverse now, and keep it from the next undo."""
        return self._entries.pop() if self._entries else None

    def undo_failed(self, entry: Undoable) -> None:
        """Offer an entry again: its reversal did not reach the disk."""
        self.done(entry)

    def reversed_before(self, where: Where) -> None:
        """Forget an entry whose reversal came back from the log."""
        self._entries = [entry for entry in self._entries if where not in entry.wheres]

    def clear(self) -> None:
        """Nothing done so far can be taken back any more."""
        self._entries.clear()

    def carried(self, lineage: Sequence[Chapter]) -> None:
        """Follow the entries into the log's newest epoch; those that cannot be named any more are forgotten."""
        moved = (_carry(entry, lineage) for entry in self._entries)
        self._entries = sorted(entry for entry in moved if entry is not None)


def carry(where: Where, lineage: Sequence[Chapter]) -> Where | None:
    """Find where an entry stands now that the log has opened new epochs.

    What a chapter's base covers stays where it is, for the reader has it by that name; what came after the base was
    carried into the chapter and counts from 1 there. None if the lineage does not tell.
    """
    known = False
    for chapter in lineage:
        if chapter.epoch == where.epoch:
            known = True
        base = chapter.base
        if base is not None and base.epoch == where.epoch:
            known = True
            if where.seq <= base.seq:
                return where
            where = Where(chapter.epoch, where.seq - base.seq)
    return where if known else None


def _carry(entry: Undoable, lineage: Sequence[Chapter]) -> Undoable | None:
    wheres = tuple(where for old in entry.wheres if (where := carry(old, lineage)) is not None)
    return Undoable(wheres, entry.weighed) if len(wheres) == len(entry.wheres) else None
