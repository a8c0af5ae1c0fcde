"""A byte pipe over one open, non-blocking file descriptor, for one reader and one writer of this event loop."""

from __future__ import annotations

import asyncio
import os

from edge.errors import ContractBroken, LinkLost

READ_BYTES = 4096
"""Bytes taken in one read: what the kernel's line discipline holds (n_tty, N_TTY_BUF_SIZE)."""


class DescriptorPipe:
    """Owns `descriptor` until `close`. Nothing read is ever lost to a cancelled call."""

    def __init__(self, descriptor: int, name: str) -> None:
        self._descriptor: int | None = descriptor
        self._name = name
        self._waiting: set[asyncio.Future[None]] = set()

    @property
    def descriptor(self) -> int:
        """The open descriptor, for `ioctl` and the like. Raises `ContractBroken` once closed."""
        if self._descriptor is None:
            raise ContractBroken(f"{self._name} is not open")
        return self._descriptor

    async def read(self) -> bytes:
        """Wait for bytes and give what is there, 1 to `READ_BYTES`; b"" when the device is gone, and ever after.

        A `close` from elsewhere ends the wait with b"" too.
        """
        while self._descriptor is not None:
            try:
                return os.read(self._descriptor, READ_BYTES)
            except BlockingIOError:
                await self._until_ready(self._descriptor, for_writing=False)
            except OSError:
                return b""
        return b""

    def read_waiting(self) -> bytes:
        """Give, without waiting, what is there, at most 16 reads of it; b"" if nothing is, or the device is gone."""
        waiting = bytearray()
        try:
            for _ in range(16):
                data = os.read(self.descriptor, READ_BYTES)
                if not data:
                    break
                waiting += data
        except OSError:
            pass  # nothing more is there; a lost device shows at the next read
        return bytes(waiting)

    async def write(self, data: bytes, timeout_s: float) -> None:
        """Send all of `data`. Raises `LinkLost` when the device is gone or takes nothing for `timeout_s`."""
        rest = memoryview(data)
        while rest:
            if self._descriptor is None:
                raise LinkLost(f"{self._name} was closed")
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:
                try:
                    async with asyncio.timeout(timeout_s):
                        await self._until_ready(self._descriptor, for_writing=True)
                except TimeoutError:
                    raise LinkLost(f"{self._name} takes no bytes for {timeout_s} s") from None
            except OSError as error:
                raise LinkLost(f"{self._name}: {error.strerror}") from error

    def close(self) -> None:
        """Close the descriptor and wake whoever waits for it. Twice is harmless."""
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        for waiting in self._waiting:
            waiting.get_loop().remove_reader(descriptor)
            waiting.get_loop().remove_writer(descriptor)
            if not waiting.done():
                waiting.set_result(None)
        os.close(descriptor)

    async def _until_ready(self, descriptor: int, *, for_writing: bool) -> None:
        loop = asyncio.get_running_loop()
        ready = loop.create_future()

        def wake() -> None:
            if not ready.done():
                ready.set_result(None)

        (loop.add_writer if for_writing else loop.add_reader)(descriptor, wake)
        self._waiting.add(ready)
        try:
            await ready
        finally:
            self._waiting.discard(ready)
            if self._descriptor == descriptor:
                (loop.remove_writer if for_writing else loop.remove_reader)(descriptor)
