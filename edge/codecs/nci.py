"""Scales that speak NCI (Weigh-Tronix), host side: SCP-01, SCP-02 and SCP-12.

SCP-01, the standard one and 3825: Weigh-Tronix 8408-14788-01. SCP-02, "ECR": the same in the DIVA service manual (PSC
Magellan 8500), pages 34 to 36. SCP-12, also 3835: Brecknell AWT35-100089, page 26. 9600 baud 7E1. The host sends W CR;
the scale answers one of::

    SCP-01   LF xxxx.xxuu CR LF hh CR ETX        uu: kg lb oz g; "xxlb xx.xoz" is pounds and ounces
    SCP-02   LF xx.xxxUU CR LF S hh CR ETX       only at rest and not below zero
    SCP-12   LF pxxx.xxUU CR hh ETX              p: space or minus
    any      LF hh CR ETX                        a status alone; SCP-02: LF S hh CR ETX
    any      LF ? CR ETX                         the scale does not know the question
    1.250 kg, SCP-01 = 0A 20 20 20 31 2E 32 35 30 6B 67 0D 0A 30 30 0D 03

    hh, two to four bytes   b6         b5 b4   b3                  b2           b1              b0
    first                   0          1  1    EEPROM error        RAM error    at zero         in motion
    second                  followed   1  1    calibration error   ROM error    over capacity   under capacity
    third                   followed   1  1    initial zero error  net          range           range
    fourth                  followed   1  1    not looked at (Ohaus Aviator 7000 service manual, page 49)

A scale over or under capacity, or without a zero, fills the figure with ^, _ or - (Brecknell LPS-400, page 19).
Brecknell's tables for SCP-12 draw the first byte the other way round (1: at rest, no error); what people met in the
field does not. A scale that did would be read as faulty for ever: never as at rest when it moves.
"""

from __future__ import annotations

import re
from enum import Enum

from edge.codecs.grams import Unit, figure_in, unit_called, whole_grams
from edge.codecs.readings import Weight, WeightState
from edge.codecs.scale_frames import NO_ZERO, FramedScaleCodec

MAX_FRAME_BYTES = 40
"""The longest known, pounds and ounces with four status bytes, is 29."""

_MOTION, _AT_ZERO = 1, 2
_UNDER, _OVER = 1, 2
_NET = 4
_ERRORS: tuple[dict[int, str], ...] = ({4: "RAM", 8: "EEPROM"}, {4: "ROM", 8: "calibration"}, {8: "initial zero"})
"""The bits of the first three status bytes that mean so."""
_FOLLOWED, _ALWAYS = 0x40, 0x30

_MEASURED = re.compile(rb"(.*?) *([A-Za-z]*) *", re.DOTALL)
_POUNDS_OUNCES = re.compile(rb" *(-?) *([0-9]{1,4}) *[lL][bB] *([0-9]{1,3}(?:\.[0-9]{1,3})?) *[oO][zZ] *")
_FILLED = {b"^": WeightState.OVER, b"_": WeightState.UNDER, b"-": WeightState.FAULT}


class NciDialect(Enum):
    """Which of the NCI protocols."""

    SCP01 = "scp01"
    SCP02 = "scp02"
    SCP12 = "scp12"


_ANSWERS = {
    NciDialect.SCP01: re.compile(rb"(?:(?P<text>[^\r\n]+)\r\n?)?(?P<status>[^\r\n]{2,4})\r"),
    NciDialect.SCP02: re.compile(rb"(?:(?P<text>[^\r\n]+)\r\n)?S(?P<status>[^\r\n]{2,4})\r"),
    NciDialect.SCP12: re.compile(rb"(?P<text>[^\r\n]+)\r(?P<status>[^\r\n]{2,4})|(?P<alone>[^\r\n]{2,4})\r"),
}


class NciCodec(FramedScaleCodec):
    """Frames to weights. Refuses by name, beside what any `FramedScaleCodec` refuses:

    - "unknown": a frame of no shape that the dialect has; "unknown-command": the scale did not know the question
    - "bad-status": status bytes without their fixed bits, or more or fewer than they themselves say
    - "unknown-unit": a unit that is none of kg, lb, oz and g; "no-figure": anything else where the figure should be
    - "finer-than-gram": see `edge.codecs.grams`

    An error of the scale is FAULT, whatever else it says. A status alone that gives no reason is UNDER in SCP-02, where
    it means a weight below zero, and FAULT elsewhere.
    """

    def __init__(self, dialect: NciDialect = NciDialect.SCP01) -> None:
        super().__init__(b"\n", b"\x03", MAX_FRAME_BYTES)
        self._dialect = dialect

    def _question(self) -> bytes:
        return b"W\r"

    def _begins_anew(self, frame: bytearray) -> bool:
        return not frame.endswith(b"\r")

    def _read(self, body: bytes, raw: bytes) -> None:
        if body == b"?\r":
            self._refuse("unknown-command", "the scale does not know the question", raw)
            return
        answer = _ANSWERS[self._dialect].fullmatch(body)
        if answer is None:
            self._refuse("unknown", f"no answer of {self._dialect.value}", raw)
            return
        parts = answer.groupdict()
        status = parts["status"] or parts.get("alone") or b""
        if not _is_status(status):
            self._refuse("bad-status", f"{status!r} is no status", raw)
            return
        net = len(status) > 2 and bool(status[2] & _NET)
        state = _trouble(status)
        if state is not None:
            self._give(Weight(None, state, net, raw), _errors(status))
        elif parts["text"] is None:
            self._give(self._alone(bool(status[0] & _AT_ZERO), net, raw))
        else:
            self._text(parts["text"], net, raw)

    def _alone(self, at_zero: bool, net: bool, raw: bytes) -> Weight:
        if at_zero and not net:
            return Weight(0, WeightState.ZERO, net, raw)
        below = self._dialect is NciDialect.SCP02 or at_zero
        return Weight(None, WeightState.UNDER if below else WeightState.FAULT, net, raw)

    def _text(self, text: bytes, net: bool, raw: bytes) -> None:
        if (both := _POUNDS_OUNCES.fullmatch(text)) is not None:
            self._pounds_and_ounces(both, net, raw)
            return
        measured = _MEASURED.fullmatch(text)
        figure, name = (measured[1], measured[2]) if measured else (text, b"")
        unit, sign = unit_called(name), figure.strip(b" ")
        if (state := _FILLED.get(sign[:1])) is not None and len(sign) > 1 and not sign.strip(sign[:1]):
            self._give(Weight(None, state, net, raw), NO_ZERO if state is WeightState.FAULT else "")
        elif unit is None:
            self._refuse("unknown-unit", f"{name!r} is none of kg, lb, oz and g", raw)
        else:
            self._figure(figure, unit, net, raw)

    def _pounds_and_ounces(self, both: re.Match[bytes], net: bool, raw: bytes) -> None:
        ounces = figure_in(both[3])
        assert ounces is not None, "the pattern lets only figures through"
        digits, places = ounces
        grams = whole_grams(int(both[2]) * 16 * 10**places + digits, places, Unit.OZ)
        if both[1]:
            self._give(Weight(None, WeightState.UNDER, net, raw))
        else:
            self._give(Weight(grams, WeightState.STABLE if grams else WeightState.ZERO, net, raw))


def _is_status(status: bytes) -> bool:
    if any(byte & _ALWAYS != _ALWAYS for byte in status) or status[0] & _FOLLOWED:
        return False
    followed = [bool(byte & _FOLLOWED) for byte in status[1:]]
    return followed == [True] * (len(status) - 2) + [False]


def _errors(status: bytes) -> str:
    """Name the errors in a status, "" if there are none."""
    named = [name for byte, bits in zip(status, _ERRORS, strict=False) for bit, name in bits.items() if byte & bit]
    return f"the scale reports an error: {', '.join(named)}" if named else ""


def _trouble(status: bytes) -> WeightState | None:
    first, second = status[0], status[1]
    if _errors(status):
        return WeightState.FAULT
    if second & _OVER:
        return WeightState.OVER
    if second & _UNDER:
        return WeightState.UNDER
    if first & _MOTION:
        return WeightState.MOTION
    return None


def from_options(dialect: str) -> NciCodec:
    """Make the codec as a capture's `[options]` say. Raises `ValueError` for a dialect there is not."""
    return NciCodec(NciDialect(dialect))
