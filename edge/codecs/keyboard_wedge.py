"""Barcode scanners that type: key events of one input device, decoded without any desktop.

A record is `struct input_event` as 64-bit kernels write it (linux/input.h), little-endian::

    0                8                16     18     20           24
    | seconds i64    | microsec i64   | type | code | value i32  |
      ignored          ignored          u16    u16    1 down, 0 up, 2 repeat

One codec for one device: the state of Shift or of half a code never crosses over to another scanner.

What the manuals leave to the host is settled here:

- Characters follow the layout the *scanner* was set to. Caps Lock acts on letters only (as KT_LETTER does in
  the Linux console). Num Lock is ignored, the keypad types digits. A held key is typed once.
- A code ends with Enter, keypad Enter, Tab, Ctrl+M, Ctrl+J or Ctrl+I, Alt+013, 010 or 009, or an idle gap.
- GS arrives in one of three ways: as Ctrl+]; as Alt with 0 2 9 (or 2 9) on the keypad; or as the function key or the
  printable sign that the scanner was told to send in its place, which is a setting here too. Ctrl+] is the key
  *position* of the US bracket in all layouts, since that is where Windows has it for all of them, and also Ctrl with
  whatever types "]" in the layout (AltGr+9 in de, AltGr+) in fr). Only at the start of a code does Ctrl+AltGr mean
  the plain "]" of an AIM prefix: Windows makes AltGr out of Ctrl and Alt.
- Ctrl+left Alt is AltGr where the layout has it.
- Dead keys wait for the next key and combine as on Windows; before a space, or at the end, they stand alone.
- After SYN_DROPPED (kernel Documentation/input/event-codes.rst) events are ignored to the next SYN_REPORT,
  modifiers are taken as released, and everything to the next end of a code is dropped with the half before
  it: the rest of a torn EAN-13 can be a valid EAN-8.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Mapping

from edge.codecs.aim import split_aim
from edge.codecs.layouts import KEYPAD_DIGITS, LAYOUTS, Layout, Level, compose
from edge.codecs.readings import SAMPLE_BYTES, Reading, Refused, Scan

RECORD = struct.Struct("<qqHHi")
MAX_CODE_CHARACTERS = 4096

EV_SYN, EV_KEY = 0, 1
SYN_REPORT, SYN_DROPPED = 0, 3

KEY_TAB, KEY_ENTER, KEY_KPENTER, KEY_LINEFEED = 15, 28, 96, 101
KEY_LEFTCTRL, KEY_RIGHTCTRL = 29, 97
KEY_LEFTSHIFT, KEY_RIGHTSHIFT = 42, 54
KEY_LEFTALT, KEY_RIGHTALT = 56, 100
KEY_CAPSLOCK, KEY_NUMLOCK, KEY_SCROLLLOCK = 58, 69, 70
KEY_LEFTMETA, KEY_RIGHTMETA = 125, 126
KEY_RIGHTBRACE = 27
FUNCTION_KEYS: Mapping[str, int] = {f"f{n}": (58 + n if n <= 10 else 76 + n) for n in range(1, 13)}
"""F1 to F10 are 59 to 68, F11 and F12 are 87 and 88."""

_CTRL = frozenset({KEY_LEFTCTRL, KEY_RIGHTCTRL})
_SHIFT = frozenset({KEY_LEFTSHIFT, KEY_RIGHTSHIFT})
_ALT = frozenset({KEY_LEFTALT, KEY_RIGHTALT})
_MODIFIERS = _CTRL | _SHIFT | _ALT
_END_KEYS = frozenset({KEY_ENTER, KEY_KPENTER, KEY_TAB, KEY_LINEFEED})
_SILENT_KEYS = frozenset({KEY_NUMLOCK, KEY_SCROLLLOCK, KEY_LEFTMETA, KEY_RIGHTMETA})
_ENDS = frozenset("\r\n\t")
_GS = "\x1d"
_SHORTEST_GTIN = 8


class KeyboardWedgeCodec:
    """Key events to scans. Refuses by name:

    - "resynchronised": the kernel dropped events
    - "too-long": more than `MAX_CODE_CHARACTERS`; skips to the end of the code
    - "control-character": one other than GS was typed
    - "unknown-key": a key or chord that types nothing in this layout (a foot pedal, a media key)
    - "wrong-layout": only signs of the digit row, so the scanner is set to another layout
    - "empty-code": a prefix and nothing after it
    - "unfinished": idle gap before the end, with `idle_ends` off

    `caps_lock` is what the scanner believes Caps Lock to be when nobody touches it. `gs` is what it types for GS: "f1"
    to "f12", one printable sign, which then stands for nothing else, or "" if Ctrl+] or Alt+029.
    """

    def __init__(
        self, layout: Layout, *, aim: bool = True, idle_ends: bool = True, caps_lock: bool = False, gs: str = ""
    ) -> None:
        self._layout = layout
        self._aim = aim
        self._idle_ends = idle_ends
        self._gs_key = FUNCTION_KEYS.get(gs)
        self._gs_sign = "" if gs in FUNCTION_KEYS else gs
        self._caps_at_rest = caps_lock
        self._caps = caps_lock
        self._cut = b""
        self._held: set[int] = set()
        self._alt_digits = ""
        self._accent = ""
        self._typed: list[str] = []
        self._fault: tuple[str, str] | None = None
        self._dropped = False
        self._skipping = False
        self._readings: deque[Reading] = deque()

    def feed(self, data: bytes) -> None:
        data = self._cut + data
        whole = len(data) - len(data) % RECORD.size
        self._cut = data[whole:]
        for _, _, kind, code, value in RECORD.iter_unpack(data[:whole]):
            self._event(kind, code, value)

    def gap(self) -> None:
        """End the code that is waiting, as if Enter had come."""
        self._flush_accent()
        if self._typed and not self._idle_ends and not self._skipping and self._fault is None:
            self._fault = ("unfinished", "typing stopped without Enter or Tab")
        self._end()

    def next_reading(self) -> Reading | None:
        return self._readings.popleft() if self._readings else None

    def to_send(self) -> bytes:
        return b""

    def _event(self, kind: int, code: int, value: int) -> None:
        if kind == EV_SYN and code == SYN_DROPPED:
            self._resynchronise()
        elif self._dropped:
            self._dropped = (kind, code) != (EV_SYN, SYN_REPORT)
        elif kind == EV_KEY and value == 1:
            self._pressed(code)
        elif kind == EV_KEY and value == 0:
            self._released(code)

    def _resynchronise(self) -> None:
        if not self._dropped:
            self._refuse("resynchronised", f"events lost after {len(self._typed)} characters")
        self._clear()
        self._held.clear()
        self._caps = self._caps_at_rest
        self._dropped = self._skipping = True

    def _pressed(self, key: int) -> None:
        if key in _MODIFIERS:
            self._held.add(key)
        elif key == KEY_CAPSLOCK:
            self._caps = not self._caps
        elif key in _END_KEYS:
            self._end()
        elif key not in _SILENT_KEYS:
            self._character_key(key)

    def _released(self, key: int) -> None:
        self._held.discard(key)
        if key in _ALT and self._alt_digits:
            digits, self._alt_digits = self._alt_digits, ""
            self._alt_code(digits)

    def _character_key(self, key: int) -> None:
        if key == self._gs_key:
            self._add(_GS)
            return
        control = bool(self._held & _CTRL)
        left_alt = KEY_LEFTALT in self._held
        altgr = self._layout.has_altgr and (KEY_RIGHTALT in self._held or (control and left_alt))
        if self._held & _ALT and not altgr:
            if key not in KEYPAD_DIGITS:
                self._wrong("unknown-key", f"Alt with key {key}")
            elif len(self._alt_digits) < 5:
                self._alt_digits += KEYPAD_DIGITS[key]
            return
        level = self._level(key, altgr)
        typed = self._layout.typed.get((key, level), "")
        if control and not left_alt and not (altgr and typed == "]" and not self._typed):
            self._control(key, typed)
        elif not typed:
            self._wrong("unknown-key", f"key {key} types nothing in layout {self._layout.name}")
        elif (key, level) in self._layout.dead:
            self._flush_accent()
            self._accent = typed
        else:
            self._add(typed)

    def _level(self, key: int, altgr: bool) -> Level:
        if altgr:
            shift = self._held & _SHIFT and (key, Level.SHIFT_ALTGR) in self._layout.typed
            return Level.SHIFT_ALTGR if shift else Level.ALTGR
        shift = bool(self._held & _SHIFT) != (self._caps and self._layout.is_letter(key))
        return Level.SHIFT if shift else Level.PLAIN

    def _control(self, key: int, typed: str) -> None:
        """Ctrl with a key types what the character minus 64 is in ASCII (ECMA-48's C0 set)."""
        capital = typed.upper()
        if key == KEY_RIGHTBRACE:
            self._control_character(_GS)
        elif len(capital) == 1 and "@" <= capital <= "_":
            self._control_character(chr(ord(capital) - 0x40))
        else:
            self._wrong("unknown-key", f"Ctrl with key {key}")

    def _alt_code(self, digits: str) -> None:
        """Alt with keypad digits: code page 1252 after a leading 0, code page 437 without (Windows)."""
        number = int(digits)
        if number > 255:
            self._wrong("unknown-key", f"Alt with {digits} on the keypad")
        elif number < 0x20 or number == 0x7F:
            self._control_character(chr(number))
        else:
            page = "cp1252" if digits.startswith("0") else "cp437"
            typed = bytes([number]).decode(page, errors="ignore")
            if typed:
                self._add(typed)
            else:
                self._wrong("unknown-key", f"Alt with {digits} on the keypad")

    def _control_character(self, character: str) -> None:
        if character in _ENDS:
            self._end()
        elif character == _GS:
            self._add(character)
        else:
            self._wrong("control-character", f"U+{ord(character):04X} inside a code")

    def _add(self, character: str) -> None:
        if self._accent:
            accent, self._accent = self._accent, ""
            character = compose(accent, character)
        if character == self._gs_sign and (self._typed or character != "]"):
            character = _GS
        if len(self._typed) < MAX_CODE_CHARACTERS:
            self._typed.append(character)
        else:
            self._wrong("too-long", f"more than {MAX_CODE_CHARACTERS} characters")

    def _flush_accent(self) -> None:
        if self._accent:
            self._add(" ")

    def _wrong(self, name: str, detail: str) -> None:
        if self._fault is None:
            self._fault = (name, detail)

    def _end(self) -> None:
        self._flush_accent()
        if self._skipping:
            self._skipping = False
        elif self._fault is not None:
            self._refuse(*self._fault)
        elif self._typed:
            self._read("".join(self._typed))
        self._clear()

    def _read(self, text: str) -> None:
        last = text[-_SHORTEST_GTIN:]
        aim, code = split_aim(text) if self._aim else (None, text)
        if len(last) == _SHORTEST_GTIN and self._layout.digit_row_signs.issuperset(last):
            self._refuse("wrong-layout", f"no digits but {last!r}: is the scanner set to another country?")
        elif not code:
            self._refuse("empty-code", "a prefix and nothing after it")
        else:
            self._readings.append(Scan(code, text.encode(), aim))

    def _refuse(self, name: str, detail: str) -> None:
        typed = "".join(self._typed[:SAMPLE_BYTES]).encode()
        self._readings.append(Refused(name, detail, typed[:SAMPLE_BYTES]))

    def _clear(self) -> None:
        self._typed.clear()
        self._accent = ""
        self._alt_digits = ""
        self._fault = None


def from_options(
    layout: str, aim: bool = True, idle_ends: bool = True, caps_lock: bool = False, gs: str = ""
) -> KeyboardWedgeCodec:
    """Make the codec as a capture's `[options]` say. Raises `ValueError` for a layout there is not."""
    for name, one in LAYOUTS.items():
        if name == layout:
            return KeyboardWedgeCodec(one, aim=aim, idle_ends=idle_ends, caps_lock=caps_lock, gs=gs)
    raise ValueError(f"no layout {layout!r}")
