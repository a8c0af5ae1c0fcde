"""Linux input devices (/dev/input/event*), read as raw `struct input_event` records, for this process alone.

Needs no package: a read gives whole records, and one ioctl keeps the key strokes from the console.
"""

from __future__ import annotations

import fcntl
import os
import struct
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from edge.errors import ContractBroken, HardwareAbsent
from edge.links.descriptor import DescriptorPipe

EVIOCGRAB = 0x40044590
"""_IOW('E', 0x90, int): grab the device (linux/input.h)."""
RECORD_BYTES = 24
"""One record where the kernel's long is 64 bits wide, which is what the wedge codec reads."""


@dataclass(frozen=True, slots=True)
class InputDevice:
    """Which input device. Name it by its place in /dev/input/by-id or by-path: event numbers change."""

    path: str
    grab: bool = True


class EvdevLink:
    """One input device, read only."""

    def __init__(self, device: InputDevice) -> None:
        self._device = device
        self._pipe: DescriptorPipe | None = None

    async def __aenter__(self) -> Self:
        """Open and grab. Raises `HardwareAbsent`: not there, not allowed, grabbed by another, no input device."""
        path = self._device.path
        if self._pipe is not None:
            raise ContractBroken(f"{path} is open already")
        if struct.calcsize("llHHi") != RECORD_BYTES:
            raise HardwareAbsent("input records of a 32-bit system are not read; use a 64-bit image")
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise HardwareAbsent(f"{path}: {error.strerror}") from error
        if self._device.grab:
            try:
                fcntl.ioctl(descriptor, EVIOCGRAB, 1)
            except OSError as error:
                os.close(descriptor)
                raise HardwareAbsent(f"{path} cannot be grabbed: {error.strerror}") from error
        self._pipe = DescriptorPipe(descriptor, path)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the device (the grab ends with the descriptor). Twice is harmless."""
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None

    async def read(self) -> bytes:
        """Wait for records; b"" when the device was unplugged. Raises `ContractBroken` if not open."""
        if self._pipe is None:
            raise ContractBroken(f"{self._device.path} is not open")
        return await self._pipe.read()

    def read_waiting(self) -> bytes:
        """Give, without waiting, the records that have come and were not read. Raises `ContractBroken` if not open."""
        if self._pipe is None:
            raise ContractBroken(f"{self._device.path} is not open")
        return self._pipe.read_waiting()
