"""Chainway UHF modules and readers (CM710, UR4, HYM and others), host side, 115200 baud 8N1.

Chainway UHF serial protocol V2.1.2; length is the whole frame's, the check the XOR from length to payload::

    A5 5A or C8 8C | length u16 | command | payload | check | 0D 0A

    ->  A5 5A 00 08 8C 84 0D 0A                    stop; answered by 8D
    ->  A5 5A 00 08 02 0A 0D 0A                    which firmware are you; answered by 03
    ->  A5 5A 00 0C 70 00 00 00 00 7C 0D 0A        EPC only, until power-off; answered by 71
    ->  A5 5A 00 08 4E 46 0D 0A                    which antennas are connected; answered by 4F, a bit each
    ->  A5 5A 00 0A 82 00 00 88 0D 0A              read until stopped
    <-  A5 5A 00 19 83 | PC, EPC, [TID 12] | RSSI s16, tenths of dBm | antenna | check 0D 0A

An answer has the number of its request + 1. Between two tags the reader is silent; while it reads it answers nothing
but stop. It has no clock.
"""

from __future__ import annotations

from edge.codecs.readings import SAMPLE_BYTES, AntennaState, TagRead
from edge.codecs.serial_reader import SerialReaderCodec, Step, epc_bytes

MAX_FRAME_BYTES = 2048
_HEADERS = (b"\xa5\x5a", b"\xc8\x8c")
_TAG, _SINGLE, _STOPPED, _ANTENNAS = 0x83, 0x81, 0x8D, 0x4F
_TID_BYTES = 12


class ChainwayCodec(SerialReaderCodec):
    """Tag frames to reads. Refuses as `SerialReaderCodec` does.

    `first_antenna` is the number that the reader gives its first one: modules say 1, the UR4 is said to say 0.
    """

    def __init__(self, *, first_antenna: int = 1) -> None:
        self._first_antenna = first_antenna
        super().__init__(
            b"\xa5\xc8",
            (
                Step(_frame(0x8C), _STOPPED),
                Step(_frame(0x02), 0x03, must=True),
                Step(_frame(0x70, bytes(4)), 0x71),
                Step(_frame(0x4E), _ANTENNAS),
                Step(_frame(0x82, bytes(2)), None),
            ),
            _frame(0x8C),
        )

    def _length(self, held: bytearray) -> int | None:
        if bytes(held[:2]) not in (_HEADERS if len(held) > 1 else (b"\xa5", b"\xc8")):
            return 0
        if len(held) < 4:
            return None
        length = int.from_bytes(held[2:4], "big")
        return length if 8 <= length <= MAX_FRAME_BYTES else 0

    def _fault(self, frame: bytes) -> str:
        if frame[-2:] != b"\r\n":
            return f"ends in {frame[-2:].hex(' ')} instead of 0d 0a"
        check = _check(frame[2:-3])
        return "" if check == frame[-3] else f"check {frame[-3]:02X} instead of {check:02X}"

    def _take(self, frame: bytes) -> None:
        command, payload = frame[4], frame[5:-3]
        if command == _TAG or (command == _SINGLE and payload):
            self._tag(payload, frame)
            return
        if command == _ANTENNAS and len(payload) == 2:
            mask = int.from_bytes(payload, "big")
            for bit in range(mask.bit_length()):
                self._give(AntennaState(bit + 1, bool(mask >> bit & 1), None))
        self._answered(command)

    def _tag(self, payload: bytes, frame: bytes) -> None:
        end = 2 + epc_bytes(int.from_bytes(payload[:2], "big"))
        left = len(payload) - end
        if end == 2 or left < 3:
            self._refuse("malformed", f"a tag's PC announces {end - 2} bytes of EPC, which are not there", frame)
            return
        tid = payload[end : end + _TID_BYTES] if left >= _TID_BYTES + 3 else None
        rssi = int.from_bytes(payload[-3:-1], "big", signed=True)
        antenna = payload[-1] + 1 - self._first_antenna
        if antenna < 1:
            self._refuse("malformed", f"antenna {payload[-1]}: does this reader count from 0?", frame)
            return
        # A module that does not measure sends 0, which no tag can have.
        rssi_cdbm = 10 * rssi if rssi else None
        self._give(TagRead(payload[2:end], antenna, rssi_cdbm, None, tid=tid, raw=frame[:SAMPLE_BYTES]))


def _check(body: bytes) -> int:
    """XOR all bytes; a long body is folded in halves first, so that noise that looks like one costs little."""
    while len(body) > 32:
        half = len(body) // 2
        folded = int.from_bytes(body[:half], "big") ^ int.from_bytes(body[half : 2 * half], "big")
        body = folded.to_bytes(half, "big") + body[2 * half :]
    check = 0
    for byte in body:
        check ^= byte
    return check


def _frame(command: int, payload: bytes = b"") -> bytes:
    body = (8 + len(payload)).to_bytes(2, "big") + bytes([command]) + payload
    return _HEADERS[0] + body + bytes([_check(body)]) + b"\r\n"


def from_options(first_antenna: int = 1) -> ChainwayCodec:
    """Make the codec as a capture's `[options]` say."""
    return ChainwayCodec(first_antenna=first_antenna)
