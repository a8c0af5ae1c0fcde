"""A byte pipe whose connection belongs to a task of its own, for libraries that do not bear a cancelled read."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from edge.errors import ContractBroken, HardwareAbsent


class PumpedLink(ABC):
    """One connection, read only. Nothing read is lost to a cancelled `read`; closing cancels the task."""

    def __init__(self, name: str, waiting: int) -> None:
        """At most `waiting` parts are read ahead of whoever takes them; then the other end has to wait."""
        self._name = name
        self._waiting = waiting
        self._task: asyncio.Task[None] | None = None
        self._parts: asyncio.Queue[bytes] = asyncio.Queue(waiting)

    @abstractmethod
    async def _pump(self, opened: Callable[[], None], give: Callable[[bytes], Awaitable[None]]) -> None:
        """Connect, call `opened`, and give what comes, never b"", until the other end is gone.

        Raises `HardwareAbsent` if it cannot connect.
        """

    async def __aenter__(self) -> Self:
        """Connect. Raises `HardwareAbsent`."""
        if self._task is not None:
            raise ContractBroken(f"{self._name} is open already")
        opened = asyncio.Event()
        self._parts = asyncio.Queue(self._waiting)
        self._task = asyncio.create_task(self._run(opened, self._parts), name=self._name)
        waiting = asyncio.create_task(opened.wait())
        try:
            await asyncio.wait({waiting, self._task}, return_when=asyncio.FIRST_COMPLETED)
            if not opened.is_set():
                self._task.result()
        except BaseException:
            self.close()
            raise
        finally:
            waiting.cancel()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up; a `read` that waits gets b"". Twice is harmless."""
        if self._task is None:
            return
        self._task.cancel()
        self._task = None
        while not self._parts.empty():
            self._parts.get_nowait()
        self._parts.put_nowait(b"")

    async def read(self) -> bytes:
        """Wait for bytes; b"" when the other end is gone, and ever after. Raises `ContractBroken` if not open."""
        if self._task is None:
            raise ContractBroken(f"{self._name} is not open")
        task, parts = self._task, self._parts
        data = await parts.get()
        if not data:
            if parts.empty():
                parts.put_nowait(b"")
            if task.done() and not task.cancelled():
                task.result()  # raises what is a bug of ours, and nothing else
        return data

    async def _run(self, opened: asyncio.Event, parts: asyncio.Queue[bytes]) -> None:
        try:
            await self._pump(opened.set, parts.put)
        except HardwareAbsent:
            if not opened.is_set():
                raise
        except Exception:
            await parts.put(b"")
            raise
        await parts.put(b"")
