"""USB HID devices as whole reports, through the kernel's hidraw nodes (/dev/hidraw*), without any package."""

from __future__ import annotations

import asyncio
import fcntl
import os
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from edge.errors import ContractBroken, HardwareAbsent, LinkLost
from edge.links.descriptor_link import DescriptorLink

HIDIOCGRDESCSIZE = 0x80044801
"""_IOR('H', 1, int): how long the report descriptor is (linux/hidraw.h, as the next three)."""
HIDIOCGRDESC = 0x90044802
"""_IOR('H', 2, struct hidraw_report_descriptor): a length and 4096 bytes."""
HIDIOCGRAWINFO = 0x80084803
"""_IOR('H', 3, struct hidraw_devinfo): bus, vendor and product."""
HIDIOCSFEATURE = 0xC0004806
"""_IOC(_IOC_WRITE | _IOC_READ, 'H', 6, length): the length goes into bits 16 to 29."""

DESCRIPTOR_BYTES = 4096
"""HID_MAX_DESCRIPTOR_SIZE (linux/hid.h)."""
_WAITING_REPORTS = 64
"""What the kernel keeps for a reader that is late (HIDRAW_BUFFER_SIZE)."""

Ioctl = Callable[[int, int, bytearray], int]
"""fcntl.ioctl with a buffer that the kernel reads and writes: descriptor, request, buffer."""


@dataclass(frozen=True, slots=True)
class HidIdentity:
    """Which device it is, by USB's numbers, and what it says of itself in its report descriptor."""

    vendor: int
    product: int
    descriptor: bytes


class HidrawLink(DescriptorLink):
    """One hidraw node, opened to read: feature reports are ioctls, which the kernel lets a reader do too.

    A `read` gives one report, whole.
    `ioctl` stands in for the kernel's where no HID device can be made.
    """

    def __init__(self, path: str, *, ioctl: Ioctl = fcntl.ioctl) -> None:
        super().__init__(path)
        self._ioctl = ioctl
        self._identity: HidIdentity | None = None

    async def _open(self) -> int:
        """Open, and ask what it is. Raises `HardwareAbsent`: not there, not allowed, or no HID device."""
        try:
            descriptor = os.open(self._name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise HardwareAbsent(f"{self._name}: {error.strerror}") from error
        try:
            self._identity = self._identify(descriptor)
        except OSError as error:
            os.close(descriptor)
            raise HardwareAbsent(f"{self._name} is no HID device: {error.strerror}") from error
        return descriptor

    @property
    def identity(self) -> HidIdentity:
        """What the device said it is when it was opened last. Raises `ContractBroken` if it never was."""
        if self._identity is None:
            raise ContractBroken(f"{self._name} was never open")
        return self._identity

    def reports_waiting(self) -> list[bytes]:
        """Give, without waiting, the reports that have come and were not read, oldest first."""
        descriptor = self._open_pipe().descriptor
        reports: list[bytes] = []
        try:
            while len(reports) < _WAITING_REPORTS and (report := os.read(descriptor, DESCRIPTOR_BYTES)):
                reports.append(report)
        except OSError:
            pass  # nothing more is there; a lost device shows at the next read
        return reports

    async def set_feature(self, report: bytes) -> None:
        """Send a feature report, its number first (0 if the device has none). Raises `LinkLost`.

        A device that hangs holds the caller up for 5 s (usbhid, USB_CTRL_SET_TIMEOUT), so a thread is what waits.
        """
        # Its own descriptor, so that the link can be closed meanwhile.
        descriptor = os.dup(self._open_pipe().descriptor)

        def send() -> None:
            try:
                self._ioctl(descriptor, HIDIOCSFEATURE | len(report) << 16, bytearray(report))
            finally:
                os.close(descriptor)

        with_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"hid {self._name}")
        try:
            await asyncio.get_running_loop().run_in_executor(with_thread, send)
        except OSError as error:
            raise LinkLost(f"{self._name} takes no feature report: {error.strerror}") from error
        finally:
            with_thread.shutdown(wait=False)

    def _identify(self, descriptor: int) -> HidIdentity:
        info = bytearray(8)
        self._ioctl(descriptor, HIDIOCGRAWINFO, info)
        _, vendor, product = struct.unpack("=IHH", info)
        length = bytearray(4)
        self._ioctl(descriptor, HIDIOCGRDESCSIZE, length)
        # The kernel refuses to be asked for all 4096.
        size = min(struct.unpack("=I", length)[0], DESCRIPTOR_BYTES - 1)
        said = bytearray(struct.pack("=I", size)) + bytearray(DESCRIPTOR_BYTES)
        self._ioctl(descriptor, HIDIOCGRDESC, said)
        return HidIdentity(vendor, product, bytes(said[4 : 4 + size]))
