"""A log whose file is deleted or replaced while it is open says yes to nothing more, and gives away what it has."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.buffer.errors import LogFailing
from edge.buffer.place import Place
from edge.buffer.sqlite_log import SqliteLog


def made(path: Path, nonce: int = 1) -> SqliteLog:
    return SqliteLog(path, clock=lambda: 0, nonce=lambda: nonce)


def lay_a_copy_over(path: Path) -> None:
    shutil.copyfile(path, path.with_name("copy"))
    path.with_name("copy").replace(path)


def empty(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()


@pytest.mark.parametrize("away", [Path.unlink, lay_a_copy_over, lambda path: path.rename(path.with_name("moved"))])
async def test_what_nobody_will_find_again_is_not_acknowledged(tmp_path: Path, away: Callable[[Path], object]) -> None:
    path = tmp_path / "log.db"
    async with made(path) as log:
        await log.append([b"one", b"two"])
        away(path)
        with pytest.raises(LogFailing, match="was taken away"):
            await log.append([b"three"])
        assert log.stats.refused == 1
        chapter = log.view.lineage[-1]
        assert (await log.read(chapter.epoch, 1, 10, 1000)).lines == (b"one", b"two")


def test_what_cannot_be_watched_is_not_refused(tmp_path: Path) -> None:
    place = Place(tmp_path / "nothing")
    assert place.is_ours()
    place.close()


async def test_a_log_begun_after_it_is_another_one(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    async with made(path) as log:
        await log.append([b"one"])
        before = log.view.head
        empty(tmp_path)
    async with made(path, nonce=2) as log:
        assert log.view.head.epoch != before.epoch
        await log.append([b"another"])
