"""A scanner's fingers: turns text into the input events a wedge scanner of one layout sends."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from edge.codecs.layouts import Layout, Level

SYN, KEY, MSC = 0, 1, 4
REPORT, DROPPED = 0, 3
MSC_SCAN = 4
ENTER, TAB, KEYPAD_ENTER = 28, 15, 96
LEFT_CTRL, LEFT_SHIFT, LEFT_ALT, RIGHT_ALT, CAPS_LOCK, NUM_LOCK = 29, 42, 56, 100, 58, 69
KEYPAD = {"7": 71, "8": 72, "9": 73, "4": 75, "5": 76, "6": 77, "1": 79, "2": 80, "3": 81, "0": 82}

KEYPAD_KEYS = {55, 74, 78, 83, 98, 117, *KEYPAD.values()}


def record(kind: int, code: int, value: int) -> bytes:
    """One `struct input_event`, at a time that nobody should look at."""
    return struct.pack("<qqHHi", 1_700_000_000, 123_456, kind, code, value)


REPORTED = record(SYN, REPORT, 0)
LOST = record(SYN, DROPPED, 0) + record(KEY, 30, 1) + REPORTED


def change(key: int, value: int) -> bytes:
    """A key going down (1), up (0) or repeating (2), as the kernel's HID driver reports it."""
    return record(MSC, MSC_SCAN, 0x70000 + key) + record(KEY, key, value) + REPORTED


def press(key: int, *held: int) -> bytes:
    """A key struck while others are held down."""
    down = b"".join(change(other, 1) for other in held)
    up = b"".join(change(other, 0) for other in reversed(held))
    return down + change(key, 1) + change(key, 0) + up


def alt_code(digits: str) -> bytes:
    """Alt held down while digits are typed on the keypad."""
    typed = b"".join(press(KEYPAD[digit]) for digit in digits)
    return change(LEFT_ALT, 1) + typed + change(LEFT_ALT, 0)


def typing(layout: Layout, text: str) -> bytes:
    """All of `text`, without an end. Raises `KeyError` for what the layout has no key for."""
    where = {c: place for place, c in reversed(list(layout.typed.items())) if place[0] not in KEYPAD_KEYS}
    held: dict[Level, Iterable[int]] = {Level.PLAIN: (), Level.SHIFT: (LEFT_SHIFT,), Level.ALTGR: (RIGHT_ALT,)}
    held[Level.SHIFT_ALTGR] = (LEFT_SHIFT, RIGHT_ALT)
    strokes = b""
    for character in text:
        key, level = where[character]
        strokes += press(key, *held[level])
        if (key, level) in layout.dead:
            strokes += press(57)
    return strokes
