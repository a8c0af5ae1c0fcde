"""Where entries lie in a log of several epochs. Pure arithmetic on its view.

depth    1 2 3 4 5 6 7 8 9          lines from the log's first on; a stored line never moves
epoch 1  1 2 3 4 5                  E2 was opened on E1 after 3: E1 ends there, and the lines at 4 and 5,
epoch 2        1 2 3 4 5 6          which the reader has not got as E1's, are E2's entries 1 and 2
"""

from __future__ import annotations

from dataclasses import dataclass

from edge.buffer.errors import NotKept
from edge.errors import ContractBroken
from protocol.chain import Chapter, Position
from protocol.identity import Epoch
from protocol.replication.ports import LogView


def kept_depth(view: LogView) -> int:
    """Give the depth up to which all is pruned."""
    return view.depth_of((view.first.epoch, view.first.seq))


def position_at(lineage: tuple[Chapter, ...], depth: int, digest: bytes) -> Position:
    """Name a depth by the newest epoch that reaches back to it."""
    chapter = next(chapter for chapter in reversed(lineage) if chapter.depth <= depth)
    return Position(chapter.epoch, depth - chapter.depth, digest)


def acked_depth(view: LogView, epoch: Epoch, seq: int) -> int:
    """Give the depth up to which a reader that has `seq` entries of `epoch` lacks nothing that is kept."""
    index, kept = view.index(epoch), kept_depth(view)
    if index is None:
        return kept
    return max(kept, view.lineage[index].depth + min(seq, view.end_of(index)))


@dataclass(frozen=True, slots=True)
class Hole:
    """Lines after depth `start` up to `end` that were stored here once and are lost (`salvage`)."""

    start: int
    end: int

    def holds(self, depth: int) -> bool:
        """Say whether what follows `depth` lines is in the hole."""
        return self.start <= depth < self.end

    def between(self, start: int, end: int) -> bool:
        """Say whether the chain cannot be carried from one depth to the other."""
        return start < self.end and end > self.start


def readable(view: LogView, epoch: Epoch, first: int) -> tuple[int, int]:
    """Give the depth before entry `first` of `epoch`, and how many entries it has from there. Raises `NotKept`."""
    index = view.index(epoch)
    if index is None:
        raise NotKept(f"epoch {epoch} is not told here")
    end = view.end_of(index)
    if not 1 <= first <= end + 1:
        raise NotKept(f"{epoch} ends after {end}: there is no entry {first}")
    depth = view.lineage[index].depth + first - 1
    if depth < kept_depth(view):
        raise NotKept(f"entry {first} of {epoch} is pruned")
    return depth, end + 1 - first


def with_chapter(view: LogView, chapter: Chapter) -> tuple[Chapter, ...]:
    """Give the lineage once `chapter` is opened on its base. Raises `ContractBroken`."""
    base = chapter.base
    index = None if base is None else view.index(base.epoch)
    if base is None or index is None or not 0 <= base.seq <= view.end_of(index):
        raise ContractBroken(f"{chapter.epoch} is not based on a position of this log")
    if chapter.epoch.generation <= view.head.epoch.generation:
        raise ContractBroken(f"{chapter.epoch} does not come after {view.head.epoch}")
    if chapter.depth != view.lineage[index].depth + base.seq:
        raise ContractBroken(f"{chapter.epoch} begins at depth {chapter.depth}, its base lies elsewhere")
    return (*view.lineage[: index + 1], chapter)
