"""USB HID devices that a station would read through hidraw: a scanner in HID-POS mode and a scale.

The kernel makes a hidraw node only for real or uhid devices. A FIFO in packet mode (pipe(2), O_DIRECT) is read the same
way, one report at each read; what the kernel answers to an ioctl, `ioctl` answers here.
"""

from __future__ import annotations

import errno
import os
import struct
from pathlib import Path

from shelfwire.simulators.fifo import SimulatedFifo

HIDIOCGRDESCSIZE, HIDIOCGRDESC, HIDIOCGRAWINFO = 0x80044801, 0x90044802, 0x80084803
HIDIOCSFEATURE = 0xC0004806
_BUS_USB = 3
_LENGTH = 0x3FFF << 16

SCANNER_DESCRIPTOR = bytes.fromhex(
    "05 8C 09 02 A1 01"  # usage page bar code scanner, usage bar code scanner, collection application
    "85 02 09 FF 15 00 26 FF 00 75 08 95 3F 81 02"  # report 2: 63 bytes in
    "85 FE 09 F0 95 01 B1 02 C0"  # report FE: a feature of one byte
)
SCALE_DESCRIPTOR = bytes.fromhex("05 8D 09 20 A1 01 85 03 09 01 15 00 26 FF 00 75 08 95 05 81 02 C0")
KEYBOARD_DESCRIPTOR = bytes.fromhex("05 01 09 06 A1 01 05 07 19 E0 29 E7 15 00 25 01 75 01 95 08 81 02 C0")


class SimulatedHid(SimulatedFifo):
    """One device on one node. `features` are the feature reports it was sent, oldest first."""

    def __init__(self, path: Path, *, vendor: int, product: int, descriptor: bytes) -> None:
        super().__init__(path, packets=True)
        self._vendor = vendor
        self._product = product
        self._descriptor = descriptor
        self.features: list[bytes] = []

    def ioctl(self, descriptor: int, request: int, buffer: bytearray) -> int:
        """Answer as the kernel does (drivers/hid/hidraw.c, `hidraw_ioctl`)."""
        del descriptor
        if request == HIDIOCGRAWINFO:
            buffer[:] = struct.pack("=IHH", _BUS_USB, self._vendor, self._product)
        elif request == HIDIOCGRDESCSIZE:
            buffer[:] = struct.pack("=I", len(self._descriptor))
        elif request == HIDIOCGRDESC:
            (size,) = struct.unpack_from("=I", buffer)
            buffer[4 : 4 + size] = self._descriptor[:size]
        elif request & ~_LENGTH == HIDIOCSFEATURE:
            if not self.plugged_in:
                raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
            self.take_feature(bytes(buffer[: request >> 16 & 0x3FFF]))
            return len(buffer)
        else:
            raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))
        return 0

    def take_feature(self, report: bytes) -> None:
        """Keep a feature report that was sent."""
        self.features.append(report)


class SimulatedHidPos(SimulatedHid):
    """A scanner in HID-POS mode. With `asleep`, as Honeywell's, it says nothing before feature report FE 01.

    `shifted`: identifier and data stand one byte further back. `deaf`: it knows no such report. Counter: `swallowed`,
    codes nobody had woken it for.
    """

    def __init__(
        self, path: Path, *, asleep: bool = False, shifted: bool = False, suffix: bytes = b"", deaf: bool = False
    ) -> None:
        vendor, product = (0x0C2E, 0x0B81) if asleep else (0x05E0, 0x1900)
        super().__init__(path, vendor=vendor, product=product, descriptor=SCANNER_DESCRIPTOR)
        self._asleep = asleep
        self._deaf = deaf
        self._shifted = shifted
        self._suffix = suffix
        self.swallowed = 0

    def take_feature(self, report: bytes) -> None:
        if self._deaf:
            raise OSError(errno.EPIPE, os.strerror(errno.EPIPE))
        super().take_feature(report)
        if report == b"\xfe\x01":
            self._asleep = False

    def wake_by_hand(self) -> None:
        """Have it send without being told to, as after reading a code of its manual."""
        self._asleep = False

    def scan(self, code: str, aim: str = "]E0") -> None:
        """Read a code, in as many reports as it takes."""
        if self._asleep:
            self.swallowed += 1
            return
        for report in scan_reports(code.encode() + self._suffix, aim.encode(), shifted=self._shifted):
            self.send(report)

    def scan_losing(self, code: str, aim: str, lost: int) -> None:
        """Read a code whose report number `lost`, from 0, never arrives."""
        for number, report in enumerate(scan_reports(code.encode(), aim.encode(), shifted=self._shifted)):
            if number != lost:
                self.send(report)


class SimulatedHidScale(SimulatedHid):
    """A scale that has one old report ready when it is opened, and sends the next when told to."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, vendor=0x0922, product=0x8003, descriptor=SCALE_DESCRIPTOR)
        self._figure = 0

    def plug_in(self) -> None:
        """Make the node, with a weight of an hour ago in it."""
        super().plug_in()
        self.send(weight_report(4, 2, 0, 777))

    def put(self, grams: int) -> None:
        """Have this much on the platter, at rest, and send it twice."""
        for _ in range(2):
            self.send(weight_report(4 if grams else 2, 2, 0, grams))

    def status(self, status: int) -> None:
        """Send a report with this status and a figure that is not to be trusted."""
        self.send(weight_report(status, 2, 0, 1250))


def scan_reports(data: bytes, aim: bytes, *, shifted: bool = False, symbology: int = 0x64) -> list[bytes]:
    """Put a code into HID-POS reports of 64 bytes, 56 data bytes each (55 if shifted: then one byte is taken)."""
    room = 55 if shifted else 56
    parts = [data[at : at + room] for at in range(0, len(data), room)] or [b""]
    reports = []
    for number, part in enumerate(parts):
        report = bytearray(64)
        start = 6 if shifted else 5
        report[0:2] = bytes([2, len(part)])
        report[start - 3 : start] = aim or b"\0\0\0"
        report[start : start + len(part)] = part
        report[61] = symbology
        report[63] = number + 1 < len(parts)
        reports.append(bytes(report))
    return reports


def weight_report(status: int, unit: int, exponent: int, figure: int, number: int = 3) -> bytes:
    """Give a scale's data report."""
    return struct.pack("<BBBbH", number, status, unit, exponent, figure)
