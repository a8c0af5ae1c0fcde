"""Linux input devices (/dev/input/event*), read as raw `struct input_event` records, for this process alone.

Needs no package: a read gives whole records, and one ioctl keeps the key strokes from the console.
"""

from __future__ import annotations

import fcntl
import os
import struct
from dataclasses import dataclass

from edge.errors import HardwareAbsent
from edge.links.descriptor_link import DescriptorLink

EVIOCGRAB = 0x40044590
"""_IOW('E', 0x90, int): grab the device (linux/input.h)."""
RECORD_BYTES = 24
"""One record where the kernel's long is 64 bits wide, which is what the wedge codec reads."""


@dataclass(frozen=True, slots=True)
class InputDevice:
    """Which input device. Name it by its place in /dev/input/by-id or by-path: event numbers change."""

    path: str
    grab: bool = True


class EvdevLink(DescriptorLink):
    """One input device, read only; its grab ends with the descriptor. What is read are whole records."""

    def __init__(self, device: InputDevice) -> None:
        super().__init__(device.path)
        self._device = device

    async def _open(self) -> int:
        """Open and grab. Raises `HardwareAbsent`: not there, not allowed, grabbed by another, no input device."""
        path = self._device.path
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
        return descriptor

    def read_waiting(self) -> bytes:
        """Give, without waiting, the records that have come and were not read. Raises `ContractBroken` if not open."""
        return self._open_pipe().read_waiting()
