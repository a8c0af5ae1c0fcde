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

from edge.codecs.grams import Unit, whole_grams
from edge.codecs.readings import Weight, WeightState
from edge.codecs.scale_frames import NO_ZERO, FramedScaleCodec

__all__ = ["MAX_FRAME_BYTES", "Mt8217Codec", "Unit", "from_options"]

MAX_FRAME_BYTES = 16
"""STX to CR; the longest known is 9, and 16 leaves room for padding."""

_FIGURE = re.compile(rb" *([0-9]{1,6})(?:\.([0-9]{1,6}))?(N?) *")

_MOTION, _OVER, _UNDER, _OUTSIDE_ZERO, _CENTRE, _NET, _ALWAYS = 1, 2, 4, 8, 16, 32, 64


class Mt8217Codec(FramedScaleCodec):
    """Frames to weights. The frame does not say what `unit` the scale was set to. Refuses by name, beside what any
    `FramedScaleCodec` refuses:

    - "unknown": a frame that is neither figure nor status
    - "unit-mismatch": a figure with a point from a scale in grams, or without one in another unit
    - "finer-than-gram": more than three places of a kilogram

    Pounds are rounded to the nearest gram, half up; kilograms and grams are exact. A figure of 0 is ZERO.
    With `all_clear_repeats` the status without any bit stands for the figure before, and that weight is
    marked `confirmed`; otherwise it is UNCHANGED, without grams.
    """

    def __init__(self, unit: Unit = Unit.KG, *, all_clear_repeats: bool = False) -> None:
        super().__init__(b"\x02", b"\r", MAX_FRAME_BYTES)
        self._unit = unit
        self._all_clear_repeats = all_clear_repeats
        self._last: Weight | None = None

    def gap(self) -> None:
        """Give up the frame that was coming, and the figure before it: too old to stand for anything."""
        super().gap()
        self._last = None

    def _question(self) -> bytes:
        return b"W"

    def _read(self, body: bytes, raw: bytes) -> None:
        status = body.lstrip(b" ")
        if len(status) == 2 and status[:1] == b"?" and status[1] & _ALWAYS:
            weight = self._status(status[1], raw)
            self._give(weight, NO_ZERO if weight.state is WeightState.FAULT else "")
        elif (figure := _FIGURE.fullmatch(body)) is not None:
            self._weigh(figure, raw)
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

    def _weigh(self, figure: re.Match[bytes], raw: bytes) -> None:
        whole, places, net = figure[1], figure[2], figure[3] == b"N"
        if (places is None) != (self._unit is Unit.G):
            point = "no point" if places is None else "a point"
            self._refuse("unit-mismatch", f"{point} in a figure from a scale set to {self._unit.value}", raw)
            return
        places = places or b""
        grams = whole_grams(int(whole + places), len(places), self._unit)
        if grams is None or (self._unit is Unit.KG and len(places) > 3):
            self._refuse("finer-than-gram", f"{len(places)} places of a kilogram", raw)
            return
        self._give(Weight(grams, WeightState.STABLE if grams else WeightState.ZERO, net, raw))

    def _give(self, weight: Weight, note: str = "") -> None:
        self._last = weight if weight.grams is not None else None
        super()._give(weight, note)

    def _refuse(self, name: str, detail: str, raw: bytes) -> None:
        self._last = None
        super()._refuse(name, detail, raw)


def from_options(unit: str, all_clear_repeats: bool = False) -> Mt8217Codec:
    """Make the codec as a capture's `[options]` say. Raises `ValueError` for a unit there is not."""
    return Mt8217Codec(Unit(unit), all_clear_repeats=all_clear_repeats)
