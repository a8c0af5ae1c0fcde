"""A named thread that does one short job after the other for the event loop.

An executor would do the same with twice the hand-overs: a lock for its count of idle threads, and a future of each kind
chained to the other. A scan's commit waits for every one of them.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

_Job = tuple[Callable[[], object], "asyncio.Future[Any]"]


class Worker:
    """Starts with the first job. Jobs are done in the order of `run`, all of them before `stop` returns."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    async def run(self, job: Callable[[], T]) -> T:
        """Have `job` done. Raises what it raises; a caller that is cancelled stops waiting, not the job."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._thread = threading.Thread(target=self._work, args=(self._loop,), name=self._name)
            self._thread.start()
        future: asyncio.Future[T] = self._loop.create_future()
        self._jobs.put((job, future))
        return await future

    def awaited(self) -> bool:
        """Say whether another job waits for the one under way to end; for that one to ask."""
        return not self._jobs.empty()

    def stop(self) -> None:
        """Finish what waits and end the thread. Twice is harmless."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._jobs.put(None)
            thread.join()

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        while (asked := self._jobs.get()) is not None:
            job, future = asked
            try:
                outcome, error = job(), None
            except BaseException as raised:  # noqa: BLE001 - handed to who asked
                outcome, error = None, raised
            try:
                loop.call_soon_threadsafe(_settle, future, outcome, error)
            except RuntimeError:
                pass  # the loop is gone, and with it whoever waited


def _settle(future: asyncio.Future[Any], outcome: object, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(outcome)
    else:
        future.set_exception(error)
