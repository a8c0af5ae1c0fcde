"""Balances and scales that speak MT-SICS, host side.

Mettler Toledo, MT-SICS interface commands, reference manuals 11780711 and 11781363, section 2.1.2.1 (answers with a
weight) and 2.1.3 (errors); commands S and SI. 9600 baud 8N1 is usual. The host sends SI CR LF, for the weight at once,
at rest or not; the scale answers one line::

    S S wwwwwwwwww uuu CR LF        at rest; the figure is 10 characters wide, right aligned: S S     100.00 g
    S D wwwwwwwwww uuu CR LF        in motion
    S I                             cannot now: it is taring, or busy with another command
    S +   S -                       over, under its range
    S S   Error 10b                 something in it is broken
    ES  ET  EL                      it knows no such command, could not read it, cannot do it
    I4 A "1234567890"               by itself, when switched on

The weight is the net weight; the line does not say whether a tare was taken off.
"""

from __future__ import annotations

import re

from edge.codecs.grams import unit_called
from edge.codecs.readings import Weight, WeightState
from edge.codecs.scale_frames import FramedScaleCodec

MAX_LINE_BYTES = 48
"""A weight's line has 20; a serial number's may have more."""

_ANSWER = re.compile(rb"S ([SDI+-])(?: +(.*?))? *")
_MEASURED = re.compile(rb"([-+ 0-9.]+?) ([^ ]+)")
_BROKEN = re.compile(rb"Error [0-9A-Za-z]+")
_STATES = {
    b"D": WeightState.MOTION,
    b"I": WeightState.FAULT,
    b"+": WeightState.OVER,
    b"-": WeightState.UNDER,
}
BUSY = "the scale cannot weigh now: it is taring, or busy otherwise"
_ERRORS = {
    b"ES": ("unknown-command", "the scale knows no such command"),
    b"EL": ("unknown-command", "the scale cannot do that"),
    b"ET": ("line-error", "the question reached the scale garbled"),
}


class MtSicsCodec(FramedScaleCodec):
    """Lines to weights. Refuses by name, beside what any `FramedScaleCodec` refuses:

    - "unknown": a line that is no answer to SI; "unknown-command" and "line-error": what the scale says of the question
    - "restarted": the scale was switched on just now
    - "unknown-unit", "no-figure"; "finer-than-gram", unless figures finer than a gram are to be `rounded`

    A scale that cannot answer now ("S I") is FAULT: it does not say that the load has moved.
    """

    def __init__(self, *, rounded: bool = False) -> None:
        super().__init__(b"", b"\r\n", MAX_LINE_BYTES)
        self._rounded = rounded

    def _question(self) -> bytes:
        return b"SI\r\n"

    def _read(self, body: bytes, raw: bytes) -> None:
        answer = _ANSWER.fullmatch(body)
        if body in _ERRORS:
            self._refuse(*_ERRORS[body], raw)
        elif body.startswith(b"I4 A"):
            self._refuse("restarted", "the scale was switched on", raw)
        elif answer is None:
            self._refuse("unknown", "no answer to SI", raw)
        elif (state := _STATES.get(answer[1])) is not None:
            self._give(Weight(None, state, net=False, raw=raw), BUSY if state is WeightState.FAULT else "")
        else:
            self._measured(answer[2] or b"", raw)

    def _measured(self, text: bytes, raw: bytes) -> None:
        if _BROKEN.fullmatch(text):
            self._give(Weight(None, WeightState.FAULT, net=False, raw=raw), f"the scale reports {text.decode()}")
            return
        measured = _MEASURED.fullmatch(text)
        if measured is None:
            self._refuse("no-figure", f"{text!r} is no figure with a unit", raw)
            return
        unit = unit_called(measured[2])
        if unit is None:
            self._refuse("unknown-unit", f"{measured[2]!r} is none of kg, lb, oz and g", raw)
            return
        self._figure(measured[1], unit, False, raw, rounded=self._rounded)


def from_options(rounded: bool = False) -> MtSicsCodec:
    """Make the codec as a capture's `[options]` say."""
    return MtSicsCodec(rounded=rounded)
