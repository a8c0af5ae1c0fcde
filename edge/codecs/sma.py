"""Scales that speak SMA, the protocol of the Scale Manufacturers Association, host side.

SMA SCP-0499, sections 4.1 and 5.1 to 5.3 (as reprinted in Fairbanks FB2550, appendix III, and Sartorius PR 5211, page
51). The standard leaves the line to the scale; 9600 baud 8N1 is usual. The host sends LF W CR; the scale answers::

    LF s r n m f xxxxxx.xxx uuu CR       the figure has 10 characters, the unit 3, padded with spaces
    LF ? CR                              it does not know the question
    LF ! CR                              the question reached it garbled
    1.250 kg = 0A 20 31 47 20 20 20 20 20 20 20 31 2E 32 35 30 6B 67 20 0D

    s  Z at zero, O over and U under capacity, E zero error, I initial zero error, T tare error, e not shown
    r  range, from 1        n  G gross, N net, g and n the same with more places, T a tare
    m  M in motion          f  free for the maker
"""

from __future__ import annotations

from edge.codecs.grams import unit_called
from edge.codecs.readings import Weight, WeightState
from edge.codecs.scale_frames import FramedScaleCodec

BODY_BYTES = 18
MAX_FRAME_BYTES = BODY_BYTES + 2

_NOTES = {
    b"E": "the scale cannot set its zero",
    b"I": "the scale found no zero when it was switched on",
    b"T": "the scale cannot take the tare",
    b"e": "the scale shows no weight",
}
_STATES = {
    b"O": WeightState.OVER,
    b"U": WeightState.UNDER,
    b"E": WeightState.FAULT,
    b"I": WeightState.FAULT,
    b"T": WeightState.FAULT,
    b"e": WeightState.FAULT,
    b"Z": None,
    b" ": None,
}


class SmaCodec(FramedScaleCodec):
    """Frames to weights. Refuses by name, beside what any `FramedScaleCodec` refuses:

    - "wrong-length": a frame that has not its 18 characters; "unknown": a letter that the standard has not
    - "unknown-command" and "line-error": what the scale says of the question
    - "tare": the weight of a tare, which nobody asked for
    - "unknown-unit", "no-figure"; "finer-than-gram", unless figures finer than a gram are to be `rounded`
    """

    def __init__(self, *, rounded: bool = False) -> None:
        super().__init__(b"\n", b"\r", MAX_FRAME_BYTES)
        self._rounded = rounded

    def _question(self) -> bytes:
        return b"\nW\r"

    def _read(self, body: bytes, raw: bytes) -> None:
        if body == b"?":
            self._refuse("unknown-command", "the scale does not know the question", raw)
        elif body == b"!":
            self._refuse("line-error", "the question reached the scale garbled", raw)
        elif len(body) != BODY_BYTES:
            self._refuse("wrong-length", f"{len(body)} characters, not {BODY_BYTES}", raw)
        else:
            self._measured(body, raw)

    def _measured(self, body: bytes, raw: bytes) -> None:
        status, kind, motion = body[0:1], body[2:3], body[3:4]
        if status not in _STATES or kind not in b"GNTgn" or motion not in b"M ":
            self._refuse("unknown", f"{body[:5]!r} is no status", raw)
            return
        if kind == b"T":
            self._refuse("tare", "this is the weight of a tare", raw)
            return
        net = kind in b"Nn"
        state = _STATES[status] or (WeightState.MOTION if motion == b"M" else None)
        unit = unit_called(body[15:18])
        if state is not None:
            self._give(Weight(None, state, net, raw), _NOTES.get(status, ""))
        elif unit is None:
            self._refuse("unknown-unit", f"{body[15:18]!r} is none of kg, lb, oz and g", raw)
        else:
            self._figure(body[5:15], unit, net, raw, rounded=self._rounded)


def from_options(rounded: bool = False) -> SmaCodec:
    """Make the codec as a capture's `[options]` say."""
    return SmaCodec(rounded=rounded)
