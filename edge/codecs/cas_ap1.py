"""Scales that speak CAS AP-1, host side; CAS calls it ECR type 6 as well, Ohaus "CAS".

CAS AP-1 protocol description; PD-II manual, page 23 (TYPE-6); Ohaus Aviator 7000 service manual, page 36. 9600 baud
8N1. An exchange of two questions::

    ENQ  ->  ACK           it has data; NAK: not now, ask again
    DC1  ->  SOH STX sta sign wwwwww uu BCC ETX EOT          15 bytes
    1.250 kg at rest = 01 02 53 20 30 31 2E 32 35 30 6B 67 67 03 04

    sta   S at rest, U not          sign  space, - below zero, F over capacity (the figure is then all F)
    BCC   exclusive or of the 10 bytes from sta to uu

Scales of other makers have faults here: a blank figure while in motion, and an overload sent as 00.000 (Dibal DPOS 400,
page 41, of a protocol of this kind), which nothing in the frame tells from an empty platter.
"""

from __future__ import annotations

from enum import Enum, auto
from functools import reduce
from operator import xor

from edge.codecs.grams import unit_called
from edge.codecs.readings import Weight, WeightState
from edge.codecs.scale_frames import FramedScaleCodec

FRAME_BYTES = 15
_SOH, _STX, _ETX, _EOT, _ENQ, _ACK, _DC1, _NAK = b"\x01", b"\x02", b"\x03", b"\x04", b"\x05", b"\x06", b"\x11", b"\x15"


NO_DATA = "the scale says that it has no data, and not why"


class _Stage(Enum):
    IDLE = auto()
    ENQUIRED = auto()
    REQUESTED = auto()


class CasAp1Codec(FramedScaleCodec):
    """Frames to weights. Refuses by name, beside what any `FramedScaleCodec` refuses:

    - "checksum": a BCC that is not that of the bytes; "unknown": anything else that is not as drawn
    - "unexpected": a frame before the scale said that it has data, so an answer to an earlier question
    - "unknown-unit", "no-figure", "finer-than-gram"

    A scale that has no data is FAULT: it does not say why.
    """

    def __init__(self) -> None:
        super().__init__(_SOH, _EOT, FRAME_BYTES, signals=_ACK + _NAK)
        self._stage = _Stage.IDLE

    def gap(self) -> None:
        super().gap()
        self._stage = _Stage.IDLE

    def _question(self) -> bytes:
        self._stage = _Stage.ENQUIRED
        return _ENQ

    def _signal(self, byte: bytes) -> None:
        if self._stage is _Stage.IDLE:
            return
        if byte == _NAK:
            self._stage = _Stage.IDLE
            self._give(Weight(None, WeightState.FAULT, net=False, raw=byte), NO_DATA)
        elif self._stage is _Stage.ENQUIRED:
            self._stage = _Stage.REQUESTED
            self._outgoing = _DC1

    def _whole(self, frame: bytearray) -> bool:
        return len(frame) == FRAME_BYTES

    def _read(self, body: bytes, raw: bytes) -> None:
        stage, self._stage = self._stage, _Stage.IDLE
        data, bcc = raw[2:12], raw[12]
        if stage is _Stage.ENQUIRED:
            self._refuse("unexpected", "data before the scale said that it has any", raw)
        elif (raw[1:2], raw[13:14], raw[14:15]) != (_STX, _ETX, _EOT):
            self._refuse("unknown", "no frame of AP-1", raw)
        elif reduce(xor, data) != bcc:
            self._refuse("checksum", f"BCC {bcc:02X}, of the bytes {reduce(xor, data):02X}", raw)
        else:
            self._data(data, raw)

    def _data(self, data: bytes, raw: bytes) -> None:
        status, sign, figure, name = data[0:1], data[1:2], data[2:8], data[8:10]
        unit = unit_called(name)
        if status not in b"SU" or sign not in b" -F":
            self._refuse("unknown", f"{data[:2]!r} is no status", raw)
        elif sign == b"F" or not figure.strip(b"F"):
            self._give(Weight(None, WeightState.OVER, net=False, raw=raw))
        elif status == b"U":
            self._give(Weight(None, WeightState.MOTION, net=False, raw=raw))
        elif sign == b"-":
            self._give(Weight(None, WeightState.UNDER, net=False, raw=raw))
        elif unit is None:
            self._refuse("unknown-unit", f"{name!r} is none of kg, lb, oz and g", raw)
        else:
            self._figure(figure, unit, False, raw)


def from_options() -> CasAp1Codec:
    """Make the codec as a capture's `[options]` say: there are none."""
    return CasAp1Codec()
