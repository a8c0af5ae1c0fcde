"""CAS PD-II scales as ECR type 2, host side.

CAS PD-II manual, pages 18 and 19, and reports of scales in use; 9600 baud 7E1. The host sends W; the scale sends a
figure, another one whenever the weight changes, and stops at a CR::

    W   ->  [STX] ddddd CR      five digits without a point; some versions end with ETX
    CR  ->                      no more
    1.250 kg = 02 30 31 32 35 30 0D

Neither unit nor point is in the frame, nor whether the scale is at rest. So unit and number of `places` are settings,
and a figure is STABLE only if the one before it was the same; else it is in MOTION. What the scale sends when it is
overloaded or below zero is not known: everything that is not digits is refused.
"""

from __future__ import annotations

import re

from edge.codecs.grams import Unit, whole_grams
from edge.codecs.readings import Weight, WeightState
from edge.codecs.scale_frames import FramedScaleCodec

MAX_FRAME_BYTES = 16
"""A figure has 7; 16 leaves room to see what is wrong with a longer one."""

_CR, _ETX = b"\r", b"\x03"
_DIGITS = re.compile(rb"\x02?([0-9]{5})")


class CasPd2Codec(FramedScaleCodec):
    """Frames to weights. Refuses by name, beside what any `FramedScaleCodec` refuses:

    - "unknown": anything but five digits
    - "finer-than-gram": see `edge.codecs.grams`
    """

    def __init__(self, unit: Unit = Unit.KG, places: int = 3) -> None:
        """Raises `ValueError` unless 0 <= places <= 5."""
        if not 0 <= places <= 5:
            raise ValueError(f"{places} places of five digits")
        super().__init__(b"", _CR, MAX_FRAME_BYTES, other_ends=_ETX)
        self._unit = unit
        self._places = places
        self._before: int | None = None

    def gap(self) -> None:
        """Give up the frame that was coming, and the figure before it: too old to be compared with."""
        super().gap()
        self._before = None

    def _question(self) -> bytes:
        return b"W"

    def _read(self, body: bytes, raw: bytes) -> None:
        self._outgoing = _CR
        found = _DIGITS.fullmatch(body.removesuffix(_ETX))
        if found is None:
            self._refuse("unknown", "not five digits", raw)
            return
        digits = int(found[1])
        grams = whole_grams(digits, self._places, self._unit)
        if grams is None:
            self._refuse("finer-than-gram", f"{digits} at {self._places} places of a {self._unit.value}", raw)
            return
        at_rest, self._before = digits == self._before, digits
        if at_rest:
            self._give(Weight(grams, WeightState.STABLE if grams else WeightState.ZERO, net=False, raw=raw))
        else:
            self._give(Weight(None, WeightState.MOTION, net=False, raw=raw))

    def _refuse(self, name: str, detail: str, raw: bytes) -> None:
        self._before = None
        super()._refuse(name, detail, raw)


def from_options(unit: str, places: int = 3) -> CasPd2Codec:
    """Make the codec as a capture's `[options]` say. Raises `ValueError` for a unit or places there are not."""
    return CasPd2Codec(Unit(unit), places)
