"""The one thread that owns a log's file, and how the event loop hands it work and hears of the outcome."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from edge.buffer.api import LogLimits
from edge.buffer.disk_queue import Append, DiskQueue, Work
from edge.buffer.errors import LogFailing
from edge.buffer.log_file import LogFile
from protocol.chain import Position

T = TypeVar("T")


class DiskThread:
    """Runs once, from `start` to `stop`. `make_file` is called in it; `changed` on the loop, after each job."""

    def __init__(
        self, name: str, make_file: Callable[[], LogFile], limits: LogLimits, changed: Callable[[], None]
    ) -> None:
        self._make_file = make_file
        self._changed = changed
        self._queue = DiskQueue(
            limits.max_waiting_lines, limits.max_waiting_bytes, max_group_lines=limits.max_commit_lines
        )
        self._loop = asyncio.get_running_loop()
        self._started: asyncio.Future[LogFile] = self._loop.create_future()
        self._stopped: asyncio.Future[None] = self._loop.create_future()
        self._sync_s = 0.0
        # A daemon, so that a loop that died without closing does not keep the process: what was answered is durable.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    async def start(self) -> LogFile:
        """Start the thread and wait until the file is open. Raises what `make_file` raises."""
        self._thread.start()
        return await asyncio.shield(self._started)

    async def stop(self) -> None:
        """Let the thread finish what waits, close the file and end."""
        self._queue.close()
        await asyncio.shield(self._stopped)
        self._thread.join()

    async def append(self, lines: Sequence[bytes], notes: Mapping[str, bytes | None], size: int) -> Position:
        """Have lines and notes stored with whatever else waits. Raises `LogRefused`, `ContractBroken`."""
        future: asyncio.Future[Position] = self._loop.create_future()
        self._queue.offer(Append(tuple(lines), notes, size, future))
        return await future

    async def run(self, job: Callable[[], T]) -> T:
        """Have something short done between two commits. Raises what it raises."""
        future: asyncio.Future[T] = self._loop.create_future()
        self._queue.ask(Work(job, future))
        return await future

    def _run(self) -> None:
        try:
            file = self._make_file()
        except Exception as error:  # noqa: BLE001 - handed to who opens the log
            self._post([self._started, self._stopped], [error, None])
            return
        self._post([self._started], [file])
        try:
            while (taken := self._queue.take()) is not None:
                if isinstance(taken, Work):
                    self._work(taken)
                else:
                    self._commit(file, taken)
                file.tables.tidy(idle=self._queue.idle())
        finally:
            # Nothing is left, unless a bug of ours ended the loop above: even then nobody waits for ever.
            left = [one.future for one in self._queue.abandon()]
            self._post(left, [LogFailing("the log's thread died")] * len(left))
            try:
                file.close()
            finally:
                self._post([self._stopped], [None])

    def _work(self, work: Work) -> None:
        try:
            outcome = work.job()
        except Exception as error:  # noqa: BLE001 - handed to who asked
            outcome = error
        self._post([work.future], [outcome])

    def _commit(self, file: LogFile, group: list[Append]) -> None:
        outcomes: Sequence[object]
        try:
            outcomes = file.write(group)
            # Smoothed over about eight commits, so that one stall does not lengthen the next linger.
            self._sync_s += (file.tables.last_sync_s - self._sync_s) / 8
        except Exception as error:  # noqa: BLE001 - handed to everyone in the group
            outcomes = [error] * len(group)
        self._queue.committed(len(group), self._sync_s)
        self._post([append.future for append in group], outcomes)

    def _post(self, futures: Sequence[asyncio.Future[Any]], outcomes: Sequence[object]) -> None:
        try:
            self._loop.call_soon_threadsafe(self._settle, futures, outcomes)
        except RuntimeError:
            pass  # the loop is gone, and with it everyone who waited

    def _settle(self, futures: Sequence[asyncio.Future[Any]], outcomes: Sequence[object]) -> None:
        for future, outcome in zip(futures, outcomes, strict=True):
            if future.done():
                continue  # whoever waited was cancelled
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
        self._changed()
