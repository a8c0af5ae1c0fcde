"""Links that are one descriptor while they are open: how each opens is its own, all else is the same."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from edge.errors import ContractBroken
from edge.links.descriptor import DescriptorPipe


class DescriptorLink(ABC):
    """One device, read by this process alone; `name` is what errors call it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._pipe: DescriptorPipe | None = None

    @abstractmethod
    async def _open(self) -> int:
        """Give a descriptor that does not block, the link's own from then on.

        Raises `HardwareAbsent`, with nothing left open.
        """

    async def __aenter__(self) -> Self:
        """Open the device. Raises `HardwareAbsent`, and `ContractBroken` if it is open already."""
        if self._pipe is not None:
            raise ContractBroken(f"{self._name} is open already")
        self._pipe = DescriptorPipe(await self._open(), self._name)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the device; a `read` that waits gets b"". Twice is harmless."""
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None

    async def read(self) -> bytes:
        """Wait for bytes; b"" when the device is gone. Raises `ContractBroken` if not open."""
        return await self._open_pipe().read()

    def _open_pipe(self) -> DescriptorPipe:
        if self._pipe is None:
            raise ContractBroken(f"{self._name} is not open")
        return self._pipe


class TwoWayLink(DescriptorLink):
    """One device that is written to as well, in a stream without borders."""

    def __init__(self, name: str, write_timeout_s: float) -> None:
        super().__init__(name)
        self._write_timeout_s = write_timeout_s

    async def write(self, data: bytes) -> None:
        """Send all of `data`. Raises `LinkLost`, also when the device takes nothing for `write_timeout_s`."""
        await self._open_pipe().write(data, self._write_timeout_s)

    def read_waiting(self) -> bytes:
        """Give, without waiting, what has come and was not read; b"" if nothing has."""
        return self._open_pipe().read_waiting()
