"""Scales that speak Checkout-Dialog 06, till side.

Mettler Toledo DIVA service manual (PSC Magellan 8500), pages 52 to 56; Dibal DPOS 400, pages 45 to 58. 9600 baud 7O1.
The till always begins; each reply of the scale is answered with EOT, alone or before the next record::

    till   EOT STX 01 ESC pppppp ESC ETX        the price of a kilogram, without which it does not weigh
    scale  ACK                                  or NAK
    till   EOT ENQ                              the weight?
    scale  STX 02 ESC x ESC wwwww ESC pppppp ESC tttttt ETX      or NAK; x 3: kg, so wwwww are grams
    till   EOT
    till   EOT STX 08 ETX                       after NAK: why?
    scale  STX 09 ESC ss ETX                    see `_REASONS`
    scale  STX 11 ESC 2 zz ETX                  in place of ACK: a challenge

When it was switched on, after an error and after 50 weighings the scale asks for checksums of the till's verified
software, encoded with the number zz and a polynomial that its maker gives to certified tills only. Shelfwire is no such
till and does not pretend to be: while the scale asks there is no weight, and `note` says why.
"""

from __future__ import annotations

import re
from enum import Enum, auto

from edge.codecs.readings import Weight, WeightState
from edge.codecs.scale_frames import FramedScaleCodec

MAX_FRAME_BYTES = 48
"""The longest known, record 02, is 26."""

_STX, _ETX, _EOT, _ENQ, _ACK, _NAK, _ESC = b"\x02", b"\x03", b"\x04", b"\x05", b"\x06", b"\x15", b"\x1b"
_WEIGHING = re.compile(rb"02\x1b(.)\x1b([0-9]{5})\x1b([0-9]{5,6})\x1b([0-9]{6})", re.DOTALL)
_REASON = re.compile(rb"09\x1b([0-9]{2})")
_CHECKSUMS = re.compile(rb"11\x1b([012])(.*)", re.DOTALL)
_KILOGRAMS = b"3"

CHALLENGED = "the scale asks for the secret of a certified till, and gives no weight without it"

_REASONS = {
    b"00": (WeightState.FAULT, "the scale says no and names no error"),
    b"01": (WeightState.FAULT, "the scale reports a general error"),
    b"02": (WeightState.FAULT, "the scale reports a parity error: check `frame`"),
    b"10": (WeightState.FAULT, "the scale does not know the record"),
    b"11": (WeightState.FAULT, "the scale does not take the price: set another `price`"),
    b"12": (WeightState.FAULT, "the scale does not take the tare"),
    b"13": (WeightState.FAULT, "the scale does not take the text"),
    b"20": (WeightState.MOTION, ""),
    b"21": (WeightState.UNCHANGED, ""),
    b"22": (WeightState.MOTION, ""),
    b"30": (WeightState.UNDER, ""),
    b"31": (WeightState.UNDER, ""),
    b"32": (WeightState.OVER, ""),
}
"""20 in motion, 21 not moved since the last weighing, 22 not finished, 30 less than the least weight, 31 below zero, 32
overloaded."""


class _Stage(Enum):
    IDLE = auto()
    PRICED = auto()
    ENQUIRED = auto()
    EXPLAINING = auto()


class Dialog06Codec(FramedScaleCodec):
    """Records to weights. `price` is sent for a kilogram, in the scale's minor units, and shown by it.

    With `unchanged_repeats` status 21 stands for the weight before it, which is then marked `confirmed`; otherwise it
    is UNCHANGED, without grams. Refuses by name, beside what any `FramedScaleCodec` refuses:

    - "unknown": a record of no known shape; "unexpected": one at the wrong time, so of an earlier exchange
    - "unknown-unit": pounds, whose layout the manual does not give
    - "price-mismatch": a weighing at another price than was sent, so another till's
    """

    def __init__(self, price: int = 1, *, unchanged_repeats: bool = False) -> None:
        """Raises `ValueError` unless 1 <= price <= 999999."""
        if not 1 <= price <= 999_999:
            raise ValueError(f"a price of {price}")
        super().__init__(_STX, _ETX, MAX_FRAME_BYTES, signals=_ACK + _NAK)
        self._price = price
        self._unchanged_repeats = unchanged_repeats
        self._stage = _Stage.IDLE
        self._last: Weight | None = None

    def gap(self) -> None:
        """Give up the record and the dialogue that were under way, and the weight before: too old to be confirmed."""
        super().gap()
        self._stage = _Stage.IDLE
        self._last = None

    def _question(self) -> bytes:
        self._stage = _Stage.PRICED
        return _EOT + _STX + b"01" + _ESC + b"%06d" % self._price + _ESC + _ETX

    def _signal(self, byte: bytes) -> None:
        if byte == _ACK and self._stage is _Stage.PRICED:
            self._stage, self._outgoing = _Stage.ENQUIRED, _EOT + _ENQ
        elif byte == _NAK and self._stage in (_Stage.PRICED, _Stage.ENQUIRED):
            self._stage, self._outgoing = _Stage.EXPLAINING, _EOT + _STX + b"08" + _ETX
        elif byte == _NAK and self._stage is _Stage.EXPLAINING:
            self._stage, self._outgoing = _Stage.IDLE, _EOT
            self._give(Weight(None, WeightState.FAULT, net=False, raw=byte), "the scale says no and does not say why")

    def _read(self, body: bytes, raw: bytes) -> None:
        stage, self._stage, self._outgoing = self._stage, _Stage.IDLE, _EOT
        if (weighing := _WEIGHING.fullmatch(body)) is not None and stage in (_Stage.IDLE, _Stage.ENQUIRED):
            self._weighed(weighing, raw)
        elif (reason := _REASON.fullmatch(body)) is not None and stage in (_Stage.IDLE, _Stage.EXPLAINING):
            self._explained(reason[1], raw)
        elif (checksums := _CHECKSUMS.fullmatch(body)) is not None and checksums[1] == b"2":
            self._give(Weight(None, WeightState.FAULT, net=False, raw=raw), CHALLENGED)
        elif weighing or reason or checksums:
            self._refuse("unexpected", "a record that answers nothing asked now", raw)
        else:
            self._refuse("unknown", "no record of Dialog 06", raw)

    def _weighed(self, weighing: re.Match[bytes], raw: bytes) -> None:
        unit, figure, price = weighing[1], weighing[2], weighing[3]
        if unit != _KILOGRAMS:
            self._refuse("unknown-unit", f"unit {unit!r}, not 3 for kilograms", raw)
        elif int(price) != self._price:
            self._refuse("price-mismatch", f"weighed at {int(price)}, not at {self._price}", raw)
        else:
            grams = int(figure)
            self._give(Weight(grams, WeightState.STABLE if grams else WeightState.ZERO, net=False, raw=raw))

    def _explained(self, reason: bytes, raw: bytes) -> None:
        state, note = _REASONS.get(reason, (WeightState.FAULT, f"the scale reports error {reason.decode()}"))
        if state is WeightState.UNCHANGED and self._unchanged_repeats and self._last is not None:
            self._give(Weight(self._last.grams, self._last.state, self._last.net, raw, confirmed=True))
        else:
            self._give(Weight(None, state, net=False, raw=raw), note)

    def _give(self, weight: Weight, note: str = "") -> None:
        self._last = weight if weight.grams is not None else None
        super()._give(weight, note)

    def _refuse(self, name: str, detail: str, raw: bytes) -> None:
        self._last = None
        super()._refuse(name, detail, raw)


def from_options(price: int = 1, unchanged_repeats: bool = False) -> Dialog06Codec:
    """Make the codec as a capture's `[options]` say. Raises `ValueError` for a price that the record cannot hold."""
    return Dialog06Codec(price, unchanged_repeats=unchanged_repeats)
