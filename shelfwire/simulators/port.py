"""The hardware's end of a serial cable: a pty whose other end an agent opens by a path that stays the same."""

from __future__ import annotations

import asyncio
import os
import select
import tty
from collections.abc import Callable
from pathlib import Path

from shelfwire.simulators.plugged import Plugged

_LOOK_EVERY_S = 0.005


class SimulatedPort(Plugged):
    """Stands for the device; `path` is a symbolic link to the pty that the agent opens.

    The cable outlives the agent: while nobody has the path open, or after whoever had it was killed, bytes sent wait
    in the kernel (16 KiB) for the next one. `async with` or `plug_in` makes the pty; `unplug` takes it away, as pulling
    the cable would.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ours: int | None = None
        self._theirs = ""

    @property
    def path(self) -> Path:
        """What the agent's `port` setting names."""
        return self._path

    def plug_in(self) -> None:
        """Make the pty, raw from the start, and point `path` at it. Twice is harmless."""
        if self._ours is not None:
            return
        ours, theirs = os.openpty()
        tty.setraw(theirs)
        self._theirs = os.ttyname(theirs)
        # The settings stay with the pty. Closed here, so that the kernel tells when the agent's end is closed.
        os.close(theirs)
        os.set_blocking(ours, False)
        self._ours = ours
        link = self._path.with_name(f".{self._path.name}.new")
        link.unlink(missing_ok=True)
        link.symlink_to(self._theirs)
        link.replace(self._path)

    def unplug(self) -> None:
        """Take the device away: whoever reads sees it vanish, and `path` is gone. Twice is harmless."""
        if self._ours is None:
            return
        ours, self._ours = self._ours, None
        asyncio.get_running_loop().remove_reader(ours)
        asyncio.get_running_loop().remove_writer(ours)
        os.close(ours)
        if self._path.is_symlink() and os.readlink(self._path) == self._theirs:
            self._path.unlink()

    def has_reader(self) -> bool:
        """Whether anybody has the other end open now."""
        poll = select.poll()
        poll.register(self._open_end(), 0)
        return not any(events & select.POLLHUP for _, events in poll.poll(0))

    async def wait_for_reader(self, timeout_s: float) -> bool:
        """Wait until somebody opens the other end; False if nobody did in time."""
        return await wait_until(self.has_reader, timeout_s)

    def drained(self) -> bool:
        """Whether everything sent was read, by whoever read it. poll(2) on a tty also moves bytes under way along."""
        theirs = self._open_theirs()
        try:
            poll = select.poll()
            poll.register(theirs, select.POLLIN)
            return not poll.poll(0)
        finally:
            os.close(theirs)

    async def wait_drained(self, timeout_s: float) -> bool:
        """Wait until everything sent was read; False if it was not in time."""
        return await wait_until(self.drained, timeout_s)

    def withdraw(self) -> int:
        """Take back what was sent and not read yet; says how many bytes. Only while nobody else reads."""
        theirs = self._open_theirs()
        taken = 0
        try:
            poll = select.poll()
            poll.register(theirs, select.POLLIN)
            while poll.poll(0):
                taken += len(os.read(theirs, 65536))
        finally:
            os.close(theirs)
        return taken

    async def send(self, data: bytes) -> None:
        """Send all of `data`, waiting for room as often as needed."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._open_end(), rest) :]
            except BlockingIOError:
                await self._until_ready(for_writing=True)

    async def receive(self) -> bytes:
        """Wait for bytes from the other end; b"" at once when nobody has it open (any more)."""
        while True:
            try:
                return os.read(self._open_end(), 4096)
            except BlockingIOError:
                await self._until_ready(for_writing=False)
            except OSError:  # EIO: no other end
                return b""

    def receive_waiting(self) -> bytes:
        """Give, without waiting, what has come; b"" if nothing has."""
        try:
            return os.read(self._open_end(), 4096)
        except OSError:
            return b""

    async def _until_ready(self, *, for_writing: bool) -> None:
        """Wait for room or bytes. Without another end epoll reports both all the time, so look now and then instead."""
        if not self.has_reader():
            await asyncio.sleep(_LOOK_EVERY_S)
            return
        loop, end = asyncio.get_running_loop(), self._open_end()
        ready = loop.create_future()

        def wake() -> None:
            if not ready.done():
                ready.set_result(None)

        (loop.add_writer if for_writing else loop.add_reader)(end, wake)
        try:
            await ready
        finally:
            if self._ours == end:
                (loop.remove_writer if for_writing else loop.remove_reader)(end)

    def _open_end(self) -> int:
        if self._ours is None:
            raise RuntimeError(f"{self._path} is not plugged in")
        return self._ours

    def _open_theirs(self) -> int:
        return os.open(self._theirs, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)


async def wait_until(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Look at a condition every few milliseconds; False if it never held in time."""
    deadline = asyncio.get_running_loop().time() + timeout_s
    while not condition():
        if asyncio.get_running_loop().time() >= deadline:
            return False
        await asyncio.sleep(_LOOK_EVERY_S)
    return True
