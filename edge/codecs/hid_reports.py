"""HID reports as one stream of bytes that may be cut anywhere, and what a report descriptor says a device is.

A hidraw node gives one report at each read (kernel Documentation/hid/hidraw.rst), so where a report ends is known there
and nowhere else. The driver puts the length before each report, and the codec needs no cut to be right::

    length (2, big-endian)  report (length bytes, with its report number first if the device numbers them)
"""

from __future__ import annotations

from collections.abc import Iterator

MAX_REPORT_BYTES = 1024
"""An interrupt endpoint's largest packet (USB 2.0, table 5-7, high speed); scanners and scales send 64 at most."""

_LENGTH_BYTES = 2
_MAIN, _GLOBAL, _LOCAL = 0, 1, 2
_COLLECTION, _END_COLLECTION = 0xA, 0xC
_LONG_ITEM = 0xFE


def framed(report: bytes) -> bytes:
    """Put the length before a report of up to 65,535 bytes."""
    return len(report).to_bytes(_LENGTH_BYTES, "big") + report


class ReportStream:
    """Takes framed reports however they are cut. One over `MAX_REPORT_BYTES` is given cut to that length."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._skip = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take bytes, and give each report that is complete now."""
        at = 0
        while at < len(data):
            if self._skip:
                skipped = min(self._skip, len(data) - at)
                self._skip -= skipped
                at += skipped
                continue
            wanted = self._wanted() - len(self._held)
            self._held += data[at : at + wanted]
            at += wanted
            if len(self._held) >= _LENGTH_BYTES and len(self._held) == self._wanted():
                self._skip = self._length() - (len(self._held) - _LENGTH_BYTES)
                report = bytes(self._held[_LENGTH_BYTES:])
                self._held.clear()
                yield report

    def reset(self) -> bytes:
        """Begin anew with the next byte; gives what was held of a report."""
        held = bytes(self._held[_LENGTH_BYTES:])
        self._held.clear()
        self._skip = 0
        return held

    def _length(self) -> int:
        return int.from_bytes(self._held[:_LENGTH_BYTES], "big")

    def _wanted(self) -> int:
        if len(self._held) < _LENGTH_BYTES:
            return _LENGTH_BYTES
        return _LENGTH_BYTES + min(self._length(), MAX_REPORT_BYTES)


def usages(descriptor: bytes) -> tuple[tuple[int, int], ...]:
    """Give usage page and usage of each top-level collection of a report descriptor, e.g. (0x8C, 0x02).

    Device Class Definition for HID 1.11, section 6.2.2: an item is a prefix (tag, type, size) and 0, 1, 2 or 4 bytes.
    A descriptor that ends inside an item says what it said until there.
    """
    found: list[tuple[int, int]] = []
    page = usage = depth = at = 0
    while at < len(descriptor):
        prefix = descriptor[at]
        if prefix == _LONG_ITEM:
            at += 3 + (descriptor[at + 1] if at + 1 < len(descriptor) else 0)
            continue
        size = (0, 1, 2, 4)[prefix & 3]
        kind, tag = prefix >> 2 & 3, prefix >> 4
        value = int.from_bytes(descriptor[at + 1 : at + 1 + size], "little")
        at += 1 + size
        if kind == _GLOBAL and tag == 0:
            page = value
        elif kind == _LOCAL and tag == 0:
            usage = value
        elif kind == _MAIN:
            if tag == _COLLECTION:
                if depth == 0:
                    # A usage of four bytes carries its own page.
                    found.append((usage >> 16 or page, usage & 0xFFFF))
                depth += 1
            elif tag == _END_COLLECTION:
                depth = max(0, depth - 1)
            usage = 0
    return tuple(found)
