"""What a HID device says it is: the usages of its top-level collections. Pure."""

from __future__ import annotations

BARCODE_SCANNER = (0x8C, 0x02)
"""Bar Code Scanner page, Bar Code Scanner (USB-IF, HID Point of Sale Usage Tables 1.02, section 3)."""
SCALE_PAGE = 0x8D
"""Weighing Devices page (same document, section 4)."""
KEYBOARD = (0x01, 0x06)
"""Generic Desktop page, Keyboard (USB-IF, HID Usage Tables)."""

MAX_DESCRIPTOR_BYTES = 4096
"""HID_MAX_DESCRIPTOR_SIZE of Linux (linux/hid.h)."""

_TAG_AND_TYPE = 0xFC
_LONG_ITEM = 0xFE


def top_level_usages(descriptor: bytes) -> tuple[tuple[int, int], ...]:
    """Give (usage page, usage) for each top-level collection, in order; what is torn off or odd is passed over.

    A descriptor is a row of short items: a byte `tag(4) type(2) size(2)` and 0, 1, 2 or 4 bytes of data, little-endian
    (USB-IF, Device Class Definition for HID 1.11, section 6.2.2.2).
    """
    found: list[tuple[int, int]] = []
    page, usage, depth, at = 0, 0, 0, 0
    descriptor = descriptor[:MAX_DESCRIPTOR_BYTES]
    while at < len(descriptor):
        head = descriptor[at]
        if head == _LONG_ITEM:
            at += 3 + (descriptor[at + 1] if at + 1 < len(descriptor) else 0)
            continue
        size = (0, 1, 2, 4)[head & 0x03]
        value = int.from_bytes(descriptor[at + 1 : at + 1 + size], "little")
        at += 1 + size
        match head & _TAG_AND_TYPE:
            case 0x04:  # Usage Page
                page = value
            case 0x08 if depth == 0:  # Usage
                # Four bytes carry the page as well (section 6.2.2.8).
                usage = value if size == 4 else page << 16 | value
            case 0xA0:  # Collection
                if depth == 0 and usage:
                    found.append((usage >> 16, usage & 0xFFFF))
                usage = 0
                depth += 1
            case 0xC0:  # End Collection
                depth = max(0, depth - 1)
            case _:
                pass
    return tuple(found)
