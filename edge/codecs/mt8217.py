"""Scales that speak Mettler Toledo 8217, host side.

Mettler Toledo DIVA service manual (PSC Magellan 8500), pages 44 and 45, 9600 baud 7E1. The host sends one
letter; the scale answers with one frame::

    W  ->  STX WW.WWW [N] CR      kilograms; N: net of a tare
           STX 0WW.WW [N] CR      pounds
           STX ?  status  CR      no weight: in motion, below zero or over capacity
           STX WWWWW [N]  CR      grams, from scales set so; nothing in the frame tells
    1.250 kg = 02 30 31 2E 32 35 30 0D

    status  7      6  5    4          3                  2       1      0
            parity 1  net  centre of  outside zero-      under   over   in
                           zero       capture range      zero    range  motion

Seen in the field and taken: spaces before the figure, N after it. Some scales send a weight once and after
that only the status without any bit ("?@") until it changes.
"""

from __future__ import annotations

import re
from collections import deque
from enum import Enum

from edge.codecs.readings import SAMPLE_BYTES, Reading, Refused, Weight, WeightState

STX, CR = b"\x02", b"\r"
MAX_FRAME_BYTES = 16
"""STX to CR; the longest known is 9, and 16 leaves room for padding."""

_FIGURE = re.compile(rb" *([0-9]{1,6})(?:\.([0-9]{1,6}))?(N?) *")
_MILLIGRAMS_PER_100_LB = 45_359_237
"""1 lb = 0.45359237 kg exactly (International Yard and Pound agreement, 1959)."""

_MOTION, _OVER, _UNDER, _OUTSIDE_ZERO, _CENTRE, _NET, _ALWAYS = 1, 2, 4, 8, 16, 32, 64


class Unit(Enum):
    """What the scale was set to weigh in; the frame does not say."""

    KG = "kg"
    LB = "lb"
    G = "g"


class Mt8217Codec:
    """Frames to weights. Refuses by name:

    - "garbage": bytes outside a frame; "cut-short": a frame that a new STX or a silence broke off
    - "too-long": a frame over `MAX_FRAME_BYTES`; skips to the next STX
    - "parity": a byte with bit 7 set, so the line is not set to 7 bits and even parity
    - "unknown": a frame that is neither figure nor status
    - "unit-mismatch": a figure with a point from a scale in grams, or without one in kg or lb
    - "finer-than-gram": more than three places of a kilogram

    Pounds are rounded to the nearest gram, half up; kilograms and grams are exact. A figure of 0 is ZERO.
    With `all_clear_repeats` the status without any bit stands for the figure before, and that weight is
    marked `confirmed`; otherwise it is UNCHANGED, without grams.
    """

    def __init__(self, unit: Unit = Unit.KG, *, all_clear_repeats: bool = False) -> None:
        self._unit = unit
        self._all_clear_repeats = all_clear_repeats
        self._noise = bytearray()
        self._frame: bytearray | None = None
        self._last: Weight | None = None
        self._asking = False
        self._readings: deque[Reading] = deque()

    def ask(self) -> None:
        """Want the weight: `to_send` will give `W`."""
        self._asking = True

    def to_send(self) -> bytes:
        asking, self._asking = self._asking, False
        return b"W" if asking else b""

    def feed(self, data: bytes) -> None:
        at = 0
        while at < len(data):
            at = self._outside(data, at) if self._frame is None else self._inside(data, at, self._frame)

    def gap(self) -> None:
        """Give up the frame that was coming, and the figure before it: too old to stand for anything."""
        self._end_noise()
        if self._frame is not None:
            self._refuse("cut-short", "the scale fell silent inside a frame", STX + self._frame)
            self._frame = None
        self._last = None

    def next_reading(self) -> Reading | None:
        return self._readings.popleft() if self._readings else None

    def _outside(self, data: bytes, at: int) -> int:
        start = data.find(STX, at)
        end = len(data) if start < 0 else start
        self._noise += data[at : min(end, at + SAMPLE_BYTES - len(self._noise))]
        if start < 0:
            return end
        self._end_noise()
        self._frame = bytearray()
        return start + 1

    def _inside(self, data: bytes, at: int, frame: bytearray) -> int:
        """Take one byte of a frame."""
        byte = data[at : at + 1]
        if byte == STX:
            self._refuse("cut-short", "a new frame began inside this one", STX + frame)
            frame.clear()
        elif byte == CR:
            self._frame = None
            self._read(bytes(frame), STX + frame + CR)
        elif len(frame) + 3 > MAX_FRAME_BYTES:
            self._frame = None
            self._refuse("too-long", f"no CR within {MAX_FRAME_BYTES} bytes", STX + frame)
        else:
            frame += byte
        return at + 1

    def _end_noise(self) -> None:
        if self._noise.strip(b"\r\n\0"):
            self._refuse("garbage", "bytes outside a frame", bytes(self._noise))
        self._noise.clear()

    def _read(self, body: bytes, raw: bytes) -> None:
        if any(byte & 0x80 for byte in body):
            self._refuse("parity", "bit 7 is set: the line must be 7 bits, even parity", raw)
            return
        status = body.lstrip(b" ")
        if len(status) == 2 and status[:1] == b"?" and status[1] & _ALWAYS:
            self._give(self._status(status[1], raw))
        elif (figure := _FIGURE.fullmatch(body)) is not None:
            self._figure(figure, raw)
        else:
            self._refuse("unknown", "neither figure nor status", raw)

    def _status(self, bits: int, raw: bytes) -> Weight:
        net = bool(bits & _NET)
        if bits & _OVER:
            return Weight(None, WeightState.OVER, net, raw)
        if bits & _UNDER:
            return Weight(None, WeightState.UNDER, net, raw)
        if bits & _MOTION:
            return Weight(None, WeightState.MOTION, net, raw)
        if bits & _OUTSIDE_ZERO:
            return Weight(None, WeightState.FAULT, net, raw)
        if bits & _CENTRE:
            # An empty platter with a tare set weighs less than nothing.
            return Weight(None, WeightState.UNDER, net, raw) if net else Weight(0, WeightState.ZERO, net, raw)
        if self._all_clear_repeats and self._last is not None:
            return Weight(self._last.grams, self._last.state, self._last.net, raw, confirmed=True)
        return Weight(None, WeightState.UNCHANGED, net, raw)

    def _figure(self, figure: re.Match[bytes], raw: bytes) -> None:
        whole, places, net = figure[1], figure[2], figure[3] == b"N"
        if (places is None) != (self._unit is Unit.G):
            point = "no point" if places is None else "a point"
            self._refuse("unit-mismatch", f"{point} in a figure from a scale set to {self._unit.value}", raw)
            return
        places = places or b""
        if self._unit is Unit.KG and len(places) > 3:
            self._refuse("finer-than-gram", f"{len(places)} places of a kilogram", raw)
            return
        digits, scale = int(whole + places), 10 ** len(places)
        if self._unit is Unit.KG:
            grams = digits * (1000 // scale)
        elif self._unit is Unit.LB:
            divisor = scale * 100_000
            grams = (2 * digits * _MILLIGRAMS_PER_100_LB + divisor) // (2 * divisor)
        else:
            grams = digits
        self._give(Weight(grams, WeightState.STABLE if grams else WeightState.ZERO, net, raw))

    def _give(self, weight: Weight) -> None:
        self._last = weight if weight.grams is not None else None
        self._readings.append(weight)

    def _refuse(self, name: str, detail: str, raw: bytes) -> None:
        self._last = None
        self._readings.append(Refused(name, detail, raw[:SAMPLE_BYTES]))


def from_options(unit: str, all_clear_repeats: bool = False) -> Mt8217Codec:
    """Make the codec as a capture's `[options]` say. Raises `ValueError` for a unit there is not."""
    return Mt8217Codec(Unit(unit), all_clear_repeats=all_clear_repeats)
