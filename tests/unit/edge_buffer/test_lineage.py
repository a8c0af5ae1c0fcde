"""Which entries lie where in a log of several epochs."""

from __future__ import annotations

import pytest

from edge.buffer.errors import NotKept
from edge.buffer.lineage import acked_depth, kept_depth, position_at, readable, with_chapter
from edge.errors import ContractBroken
from protocol.chain import Chapter, Position
from protocol.identity import Epoch
from protocol.replication.ports import LogView

E1, E2, E3 = Epoch(1, 1), Epoch(2, 2), Epoch(3, 3)
LINEAGE = (
    Chapter(E1),
    Chapter(E2, Position(E1, 30, b"30"), 30),
    Chapter(E3, Position(E2, 20, b"50"), 50),
)
"""30 entries in E1, 20 in E2, and what follows in E3."""


def view(kept: int, head: int) -> LogView:
    return LogView(LINEAGE, position_at(LINEAGE, kept, b"k"), position_at(LINEAGE, head, b"h"))


@pytest.mark.parametrize(
    ("depth", "epoch", "seq"),
    [(0, E1, 0), (1, E1, 1), (29, E1, 29), (30, E2, 0), (31, E2, 1), (49, E2, 19), (50, E3, 0), (90, E3, 40)],
)
def test_a_depth_is_named_by_the_newest_epoch_that_reaches_back_to_it(depth: int, epoch: Epoch, seq: int) -> None:
    assert position_at(LINEAGE, depth, b"d") == Position(epoch, seq, b"d")


@pytest.mark.parametrize("kept", [0, 10, 30, 45, 50, 60])
def test_what_is_kept_begins_where_the_view_says(kept: int) -> None:
    assert kept_depth(view(kept, 60)) == kept


@pytest.mark.parametrize(
    ("epoch", "seq", "depth"),
    [
        (E1, 0, 10),
        (E1, 10, 10),
        (E1, 20, 20),
        (E1, 30, 30),
        (E1, 35, 30),
        (E2, 0, 30),
        (E2, 99, 50),
        (E3, 7, 57),
        (E3, 99, 60),
        (Epoch(9, 9), 60, 10),
    ],
)
def test_an_ack_covers_its_epoch_to_its_end_and_never_less_than_is_pruned(epoch: Epoch, seq: int, depth: int) -> None:
    assert acked_depth(view(10, 60), epoch, seq) == depth


@pytest.mark.parametrize(
    ("epoch", "first", "found"),
    [
        (E1, 11, (10, 20)),
        (E1, 30, (29, 1)),
        (E1, 31, (30, 0)),
        (E2, 1, (30, 20)),
        (E2, 21, (50, 0)),
        (E3, 10, (59, 1)),
        (E3, 11, (60, 0)),
    ],
)
def test_entries_are_readable_to_the_end_of_their_epoch(epoch: Epoch, first: int, found: tuple[int, int]) -> None:
    assert readable(view(10, 60), epoch, first) == found


@pytest.mark.parametrize(("epoch", "first"), [(E1, 10), (E1, 32), (E2, 22), (E2, 0), (E3, 12), (Epoch(9, 9), 1)])
def test_what_is_pruned_beyond_the_end_or_unknown_is_not(epoch: Epoch, first: int) -> None:
    with pytest.raises(NotKept):
        readable(view(10, 60), epoch, first)


def test_a_chapter_follows_its_base_and_drops_what_came_after() -> None:
    chapter = Chapter(Epoch(4, 4), Position(E1, 5, b"5"), 5)
    assert with_chapter(view(0, 60), chapter) == (LINEAGE[0], chapter)


@pytest.mark.parametrize(
    "chapter",
    [
        Chapter(Epoch(4, 4), Position(Epoch(9, 9), 0, b""), 0),
        Chapter(Epoch(4, 4), Position(E1, 5, b""), 4),
        Chapter(Epoch(4, 4), Position(E1, 31, b""), 31),
        Chapter(Epoch(4, 4), None, 0),
        Chapter(Epoch(3, 4), Position(E1, 5, b""), 5),
    ],
)
def test_a_chapter_on_nothing_of_ours_is_refused(chapter: Chapter) -> None:
    with pytest.raises(ContractBroken):
        with_chapter(view(0, 60), chapter)
