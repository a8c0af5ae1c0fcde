"""A barcode scanner that types: key events on a FIFO, as an input device gives them, with the faults of real ones."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

from edge.codecs.layouts import Layout, Level
from shelfwire.simulators.fifo import SimulatedFifo

_EVENT = struct.Struct("<qqHHi")
_SYN, _KEY, _MSC = 0, 1, 4
_REPORT, _DROPPED = 0, 3
_MSC_SCAN = 4
_ENTER, _SPACE, _RIGHT_BRACKET = 28, 57, 27
_LEFT_CTRL, _LEFT_SHIFT, _LEFT_ALT, _RIGHT_ALT, _CAPS_LOCK = 29, 42, 56, 100, 58
_KEYPAD = {"7": 71, "8": 72, "9": 73, "4": 75, "5": 76, "6": 77, "1": 79, "2": 80, "3": 81, "0": 82}
_KEYPAD_KEYS = {55, 74, 78, 83, 98, 117, *_KEYPAD.values()}
"""Scanners type on the main keys unless they are told otherwise."""
_HELD = {
    Level.PLAIN: (),
    Level.SHIFT: (_LEFT_SHIFT,),
    Level.ALTGR: (_RIGHT_ALT,),
    Level.SHIFT_ALTGR: (_LEFT_SHIFT, _RIGHT_ALT),
}
_GS = "\x1d"


class GroupSeparator(Enum):
    """How the scanner types GS."""

    CTRL_BRACKET = "ctrl"
    ALT_029 = "alt"
    F8 = "f8"


class SimulatedKeyboardScanner(SimulatedFifo):
    """Types codes in the layout it is set to, `key_s` a key, with an `end` key after each or none (None).

    `caps_lock`: it believes that Caps Lock is on and types the letters the other way round.
    """

    def __init__(
        self,
        path: Path,
        layout: Layout,
        *,
        gs: GroupSeparator = GroupSeparator.CTRL_BRACKET,
        end: int | None = _ENTER,
        caps_lock: bool = False,
        key_s: float = 0.0,
    ) -> None:
        super().__init__(path)
        self._layout = layout
        self._gs = gs
        self._end = end
        self._caps_lock = caps_lock
        self._key_s = key_s
        self._where: dict[str, tuple[int, Level]] = {}
        for (key, level), character in layout.typed.items():
            if key not in _KEYPAD_KEYS:
                self._where.setdefault(character, (key, level))

    async def scan(self, code: str) -> None:
        """Read a code. Raises `KeyError` for a character that the layout has no key for."""
        for stroke in self._strokes(code):
            await self._send(stroke)
        if self._end is not None:
            await self._send(_press(self._end))

    # What goes wrong

    async def scan_with_events_lost(self, code: str, at: int) -> None:
        """Read a code of which the kernel drops some keys from the position `at` on (SYN_DROPPED)."""
        strokes = list(self._strokes(code))
        for stroke in strokes[:at]:
            await self._send(stroke)
        await self._send(_event(_SYN, _DROPPED, 0) + _change(30, 0))
        for stroke in strokes[at + 2 :]:
            await self._send(stroke)
        if self._end is not None:
            await self._send(_press(self._end))

    async def hold(self, key: int, repeats: int) -> None:
        """Hold a key for so long that it repeats, as the kernel makes it."""
        await self._send(_change(key, 1) + _change(key, 2) * repeats + _change(key, 0))

    async def press(self, key: int) -> None:
        """Press one key of any kind: Caps Lock, a pedal's F13, a media key."""
        await self._send(_press(key))

    # Keys

    def _strokes(self, code: str) -> Iterator[bytes]:
        for character in code:
            yield self._typed_gs() if character == _GS else self._typed(character)

    def _typed(self, character: str) -> bytes:
        key, level = self._where[character]
        if self._caps_lock and self._layout.is_letter(key) and level in (Level.PLAIN, Level.SHIFT):
            level = Level.SHIFT if level is Level.PLAIN else Level.PLAIN
        dead = (key, level) in self._layout.dead
        return _press(key, *_HELD[level]) + (_press(_SPACE) if dead else b"")

    def _typed_gs(self) -> bytes:
        match self._gs:
            case GroupSeparator.CTRL_BRACKET:
                return _press(_RIGHT_BRACKET, _LEFT_CTRL)
            case GroupSeparator.ALT_029:
                digits = b"".join(_press(_KEYPAD[digit]) for digit in "029")
                return _change(_LEFT_ALT, 1) + digits + _change(_LEFT_ALT, 0)
            case GroupSeparator.F8:
                return _press(66)

    async def _send(self, records: bytes) -> None:
        self.send(records)
        await asyncio.sleep(self._key_s)


def _event(kind: int, code: int, value: int) -> bytes:
    return _EVENT.pack(1_700_000_000, 123_456, kind, code, value)


def _change(key: int, value: int) -> bytes:
    """A key going down (1), up (0) or repeating (2), as the kernel's HID driver reports it."""
    return _event(_MSC, _MSC_SCAN, 0x70000 + key) + _event(_KEY, key, value) + _event(_SYN, _REPORT, 0)


def _press(key: int, *held: int) -> bytes:
    down = b"".join(_change(other, 1) for other in held)
    up = b"".join(_change(other, 0) for other in reversed(held))
    return down + _change(key, 1) + _change(key, 0) + up
