"""Datalogic (PSC) Magellan scanner and scale on one cable: lines of both, told apart by their first characters.

Datalogic KA-01089 "RS-232 Single Cable", 9600 baud 7O1. The host asks for the weight and orders tones; codes come
unasked, between a question and its answer too::

    S14 CR  ->  S14 4 wwwww CR    at rest: 5 digits in grams (kg scales) or 4 in hundredths of a pound, no point
                S14 n CR          no weight: 0 not ready, 1 in motion, 2 over capacity, 3 stable zero, 5 under zero
    S11 CR  ->  S11 wwwww CR      the same figure, sent only once at rest and above zero
    S334 CR                       one good tone; not answered
                S08 label code CR a code was read
    1.250 kg = 53 31 34 34 30 31 32 35 30 0D

With `bcc` every line has a check byte before its CR, the exclusive or of the bytes before it; that can be a CR itself.

    label  code                                        identifier
    A      12 digits, or 14 or 17 with an add-on       ]E0 UPC-A, ]E3
    E      6 to 8 digits, or with an add-on            ]E0 UPC-E
    F      13 digits, or 15 or 18 with an add-on       ]E0 EAN-13, ]E3
    FF     8 digits                                    ]E4 EAN-8
    B1 B2 B3                                           ]A0 Code 39, ]I0 ITF, ]C0 Code 128
    R4 RL RX R                                         ]e0 GS1 DataBar
    ]xy                                                as sent, where the scanner is set to send AIM identifiers

The labels are the factory's for the USA (Datalogic PowerScan 96 reference, table 18; IT CORE for S08 in the field).
"""

from __future__ import annotations

import re
from collections import deque
from functools import reduce
from operator import xor

from edge.codecs.aim import split_aim
from edge.codecs.grams import Unit, whole_grams
from edge.codecs.readings import SAMPLE_BYTES, Reading, Refused, Scan, Weight, WeightState
from edge.codecs.text import read_text

CR = b"\r"
MAX_LINE_BYTES = 4096
"""More than any symbology holds (QR Code: 2953 bytes, ISO/IEC 18004 table 7)."""

MAX_BEEPS = 16
"""Tones ordered at once; a person hears no more."""

SCALE_TROUBLES = frozenset({"unit-mismatch", "unknown-weight"})
"""What is refused under these names was an answer of the scale and no code."""

_ASK = b"S14"
_BEEP = b"S334"
_CODE, _STATUS, _FIGURE = b"S08", b"S14", b"S11"
_ANSWERS = frozenset({b"S00", b"S10"})
"""What commands are answered with; says nothing."""

_FIGURE_DIGITS = {Unit.KG: 5, Unit.LB: 4}
_PLACES = {Unit.KG: 3, Unit.LB: 2}
_STATES = {
    b"0": WeightState.FAULT,
    b"1": WeightState.MOTION,
    b"2": WeightState.OVER,
    b"5": WeightState.UNDER,
}
_UPC_EAN = re.compile(r"(FF|[AEF])([0-9]{6,18})")
_OTHER = re.compile(r"(B[123]|R[4LX]?)(.*)", re.DOTALL)
_ADD_ONS = {"A": {14, 17}, "E": {8 + 2, 8 + 5}, "F": {15, 18}, "FF": set[int]()}
_IDENTIFIERS = {"FF": "]E4", "B1": "]A0", "B2": "]I0", "B3": "]C0", "R": "]e0", "R4": "]e0", "RL": "]e0", "RX": "]e0"}


class MagellanCodec:
    """Lines to scans and weights. Refuses by name:

    - "garbage": bytes that are no line of this protocol; "too-long": a line over `MAX_LINE_BYTES`
    - "parity": a byte with bit 7 set: the line is not 7 bits, odd parity, or its parity was wrong
    - "check-byte": a line whose BCC is wrong or, with `bcc`, missing
    - "cut-short": an answer of the scale that a code broke into; the code is given
    - "unknown-label": a code under a label that is not listed above, so that nobody can tell where it begins
    - "unit-mismatch", "unknown-weight": an answer of the scale with as many digits as `unit` never has, or with none
    - "control-character", "empty-code": as in `SerialScannerCodec`

    `unit` is kg or lb. Pounds are rounded to the nearest gram, half up.
    """

    def __init__(self, unit: Unit = Unit.KG, *, bcc: bool = False) -> None:
        """Raises `ValueError` for another unit than kg or lb."""
        if unit not in _FIGURE_DIGITS:
            raise ValueError(f"a Magellan weighs in kg or lb, not in {unit.value}")
        self._unit = unit
        self._bcc = bcc
        self._line = bytearray()
        self._length = 0
        """Bytes of the line so far, kept or not."""
        self._asking = False
        self._beeps = 0
        self._readings: deque[Reading] = deque()

    def ask(self) -> None:
        """Want the weight: `to_send` will give the question."""
        self._asking = True

    def acknowledge(self, accepted: bool) -> None:
        """Sound the good tone for a scan that was accepted; a refused one stays silent."""
        if accepted:
            self._beeps = min(self._beeps + 1, MAX_BEEPS)

    def to_send(self) -> bytes:
        """Give tones and question, each as a line."""
        due = self._framed(_BEEP) * self._beeps + (self._framed(_ASK) if self._asking else b"")
        self._beeps, self._asking = 0, False
        return due

    def feed(self, data: bytes) -> None:
        at = 0
        while (found := data.find(CR, at)) >= 0:
            self._keep(data[at:found])
            if self._bcc and self._length <= MAX_LINE_BYTES and _check_byte(self._line) == CR[0]:
                self._keep(CR)
            else:
                self._end_of_line()
            at = found + 1
        self._keep(data[at:])

    def gap(self) -> None:
        """Know nothing new: a pause inside a line does not end it."""

    def next_reading(self) -> Reading | None:
        return self._readings.popleft() if self._readings else None

    def _keep(self, part: bytes) -> None:
        self._line += part[: MAX_LINE_BYTES - len(self._line)]
        self._length += len(part)

    def _end_of_line(self) -> None:
        raw, length = bytes(self._line), self._length
        self._line.clear()
        self._length = 0
        if length > MAX_LINE_BYTES:
            self._refuse("too-long", f"{length} bytes, at most {MAX_LINE_BYTES}", raw)
            return
        raw = raw.lstrip(b"\n")
        if raw:
            self._line_of(raw)

    def _line_of(self, raw: bytes) -> None:
        broken_at = raw.find(_CODE, 1)
        if broken_at > 0 and raw.startswith((_STATUS, _FIGURE)):
            # A figure has digits only: the code that broke into it is whole.
            self._refuse("cut-short", "a code broke into an answer of the scale", raw[:broken_at])
            raw = raw[broken_at:]
        if any(byte & 0x80 for byte in raw):
            self._refuse("parity", "bit 7 is set: the line must be 7 bits, odd parity", raw)
            return
        body = raw
        if self._bcc:
            body = raw[:-1]
            if _check_byte(raw) != 0 or not body:
                self._refuse("check-byte", "the check byte before CR is wrong; does the scanner send one?", raw)
                return
        head, rest = body[:3], body[3:]
        if head == _CODE:
            self._code(rest, raw)
        elif head == _STATUS:
            self._status(rest, raw)
        elif head == _FIGURE:
            self._figure(rest, raw)
        elif head not in _ANSWERS:
            self._refuse("garbage", "no line of the single-cable protocol", raw)

    def _code(self, rest: bytes, raw: bytes) -> None:
        text = read_text(rest, "ascii")
        if isinstance(text, Refused):
            self._refuse(text.name, text.detail, raw)
            return
        aim, code = split_aim(text)
        if aim is None:
            aim, code = _by_label(text)
        if aim is None:
            self._refuse("unknown-label", f"no label known in {text[:8]!r}", raw)
        elif not code:
            self._refuse("empty-code", "a label and nothing after it", raw)
        else:
            self._readings.append(Scan(code, raw, aim))

    def _status(self, rest: bytes, raw: bytes) -> None:
        kind, figure = rest[:1], rest[1:]
        if kind == b"4":
            self._figure(figure, raw)
        elif kind == b"3":
            self._readings.append(Weight(0, WeightState.ZERO, net=False, raw=raw))
        elif kind in _STATES:
            self._readings.append(Weight(None, _STATES[kind], net=False, raw=raw))
        else:
            self._refuse("unknown-weight", f"no status {kind!r}", raw)

    def _figure(self, figure: bytes, raw: bytes) -> None:
        if not figure.isdigit():
            self._refuse("unknown-weight", f"no figure in {figure[:8]!r}", raw)
            return
        if len(figure) != _FIGURE_DIGITS[self._unit]:
            self._refuse("unit-mismatch", f"{len(figure)} digits from a scale set to {self._unit.value}", raw)
            return
        grams = whole_grams(int(figure), _PLACES[self._unit], self._unit)
        if grams is None:
            raise AssertionError("three places of a kilogram are whole grams")
        self._readings.append(Weight(grams, WeightState.STABLE if grams else WeightState.ZERO, net=False, raw=raw))

    def _framed(self, command: bytes) -> bytes:
        return command + (bytes([_check_byte(command)]) if self._bcc else b"") + CR

    def _refuse(self, name: str, detail: str, raw: bytes) -> None:
        self._readings.append(Refused(name, detail, raw[:SAMPLE_BYTES]))


def _by_label(text: str) -> tuple[str | None, str]:
    """Split label and code, and give the identifier the label amounts to; None for a label not known."""
    goods = _UPC_EAN.fullmatch(text)
    if goods is not None:
        label, code = goods[1], goods[2]
        return "]E3" if len(code) in _ADD_ONS[label] else _IDENTIFIERS.get(label, "]E0"), code
    other = _OTHER.fullmatch(text)
    if other is not None:
        return _IDENTIFIERS[other[1]], other[2]
    return None, text


def _check_byte(data: bytes | bytearray) -> int:
    return reduce(xor, data, 0)


def from_options(unit: str = "kg", bcc: bool = False) -> MagellanCodec:
    """Make the codec as a capture's `[options]` say. Raises `ValueError` for a unit there is not."""
    return MagellanCodec(Unit(unit), bcc=bcc)
