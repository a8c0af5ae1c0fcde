"""What the file knows of the reader's progress after a crash: never more than is true, and not much less."""

from __future__ import annotations

import asyncio
from pathlib import Path

from edge.buffer.api import DAY_US, LogLimits
from edge.buffer.disk_queue import Append
from edge.buffer.log_file import LogFile
from edge.buffer.tables import Tables
from protocol.chain import Chapter, Position
from protocol.identity import Epoch


class Crashing:
    """A log file that can be dropped without closing it properly and found again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.file = self._open()

    def _open(self) -> LogFile:
        return LogFile(Tables(self._path), lambda: 1, lambda: 2, LogLimits())

    def crash(self) -> LogFile:
        self.file.tables.close()  # without what `LogFile.close` still saves
        self.file = self._open()
        return self.file


async def append(file: LogFile, count: int) -> Position:
    future: asyncio.Future[Position] = asyncio.get_running_loop().create_future()
    file.write([Append((b"x",) * count, {}, 17 * count, future)])
    return file.view.head


async def test_an_advance_is_kept_with_a_later_commit(tmp_path: Path) -> None:
    log = Crashing(tmp_path / "log.db")
    log.file.acknowledge(await append(log.file, 1500))
    assert log.crash().acked == 0
    log.file.acknowledge(log.file.view.head)
    await append(log.file, 1)
    assert log.crash().acked == 1500
    log.file.close()


async def test_a_small_advance_costs_no_writing(tmp_path: Path) -> None:
    log = Crashing(tmp_path / "log.db")
    for _ in range(5):
        log.file.acknowledge(await append(log.file, 100))
    assert log.crash().acked == 0
    log.file.close()


async def test_a_step_back_is_kept_when_asked_for(tmp_path: Path) -> None:
    log = Crashing(tmp_path / "log.db")
    head = await append(log.file, 1500)
    log.file.acknowledge(head)
    await append(log.file, 1)
    assert log.file.acknowledge(Position(head.epoch, 20, b""))
    log.file.save_ack()
    assert log.crash().acked == 20
    log.file.close()


async def test_a_new_epoch_says_what_is_shared(tmp_path: Path) -> None:
    log = Crashing(tmp_path / "log.db")
    head = await append(log.file, 1500)
    log.file.acknowledge(head)
    await append(log.file, 10)
    digest = log.file.digest(head.epoch, 1200)
    assert digest is not None
    log.file.open_epoch(Chapter(Epoch(2, 2), Position(head.epoch, 1200, digest), 1200))
    assert log.crash().acked == 1200
    log.file.close()


async def test_pruning_keeps_both_bounds(tmp_path: Path) -> None:
    log = Crashing(tmp_path / "log.db")
    log.file.acknowledge(await append(log.file, 1500))
    while log.file.prune_block(30 * DAY_US) is not None:
        pass
    assert log.file.view.first.seq == 1025
    assert log.crash().acked == 1500
    assert log.file.view.first.seq == 1025
    log.file.close()
