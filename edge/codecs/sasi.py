"""Scales that speak SASI, host side: it looks like Mettler Toledo 8217 and is not.

Datalogic KA-01089 ("SASI scale", Magellan scanner scales on a cable of their own), 9600 baud 7E1. The host sends W; the
scale answers::

    STX WW.WWW CR       at rest
    STX ? c CR          no weight; c is a letter, not the bits of 8217
    1.250 kg = 02 30 31 2E 32 35 30 0D

    c                A           B              C               D
    SASI             in motion   out of range   below zero      outside zero
    8217 reads it    in motion   over           over, moving    below zero

A weight is the same bytes in both. Neither ever takes the other's status for a weight, but either names it wrongly;
whatever only 8217 has (net, three places before the point, its other status bits) is refused here.
"""

from __future__ import annotations

import re

from edge.codecs.grams import Unit
from edge.codecs.readings import Weight, WeightState
from edge.codecs.scale_frames import NO_ZERO, FramedScaleCodec

MAX_FRAME_BYTES = 16
"""A weight has 8; 16 leaves room to see what is wrong with a longer one."""

_FIGURE = re.compile(rb"[0-9]{2}\.[0-9]{3}")
_STATES = {
    b"?A": WeightState.MOTION,
    b"?B": WeightState.OVER,
    b"?C": WeightState.UNDER,
    b"?D": WeightState.FAULT,
}


class SasiCodec(FramedScaleCodec):
    """Frames to weights. Refuses as "unknown", beside what any `FramedScaleCodec` refuses, a frame of neither shape.

    The frame does not say what `unit` the scale was set to. Kilograms are exact, pounds rounded to the nearest gram.
    """

    def __init__(self, unit: Unit = Unit.KG) -> None:
        super().__init__(b"\x02", b"\r", MAX_FRAME_BYTES)
        self._unit = unit

    def _question(self) -> bytes:
        return b"W"

    def _read(self, body: bytes, raw: bytes) -> None:
        if (state := _STATES.get(body)) is not None:
            self._give(Weight(None, state, net=False, raw=raw), NO_ZERO if state is WeightState.FAULT else "")
        elif _FIGURE.fullmatch(body):
            self._figure(body, self._unit, False, raw)
        else:
            self._refuse("unknown", "neither figure nor status of SASI", raw)


def from_options(unit: str) -> SasiCodec:
    """Make the codec as a capture's `[options]` say. Raises `ValueError` for a unit there is not."""
    return SasiCodec(Unit(unit))
