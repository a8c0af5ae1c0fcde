"""UHF readers with an R200 or a YRM100 (M100/QM100) inside, host side, 115200 baud 8N1.

M100 firmware command manual and R200 user protocol, both V2.3.3; the same frames between other first and last bytes::

    first | type | command | length u16 | parameters | check | last       first and last: BB 7E, AA DD or AA 8E
            00 command, 01 answer, 02 notice                              check: low byte of the sum, type to parameters

    ->  BB 00 28 00 00 28 7E                  stop
    ->  BB 00 03 00 01 00 04 7E               which hardware are you
    ->  BB 00 27 00 03 22 FF FF 4A 7E         read, 65535 rounds
    <-  BB 02 22 00 11 C9 34 00 30751FEB705C5904E3D50D70 3A76 EF 7E     RSSI s8 dBm, PC, EPC, tag's CRC
    <-  BB 01 FF 00 01 15 16 7E               an error; 15: a round without a tag

The reader has one antenna and no clock. When its rounds are over it falls silent, and is started again.
"""

from __future__ import annotations

from enum import Enum

from edge.codecs.readings import SAMPLE_BYTES, TagRead
from edge.codecs.serial_reader import SerialReaderCodec, Step, epc_bytes

MAX_PARAMETER_BYTES = 256
_ANSWER, _NOTICE = 1, 2
_HARDWARE, _POLL, _MULTI_POLL, _STOP, _ERROR = 0x03, 0x22, 0x27, 0x28, 0xFF
_NO_TAG = 0x15
_ERRORS = {
    0x09: "cannot read the tag's memory",
    0x15: "no tag",
    0x16: "wrong access password",
    0x17: "unknown command",
    0x20: "no free channel",
    0x0E: "parameter out of range",
}
"""Appendix of the manual, as far as reading can meet them."""


class Variant(Enum):
    """First and last byte of a frame."""

    BB_7E = b"\xbb\x7e"
    AA_DD = b"\xaa\xdd"
    AA_8E = b"\xaa\x8e"


class R200Codec(SerialReaderCodec):
    """Notices to reads. Refuses as `SerialReaderCodec` does."""

    def __init__(self, variant: Variant = Variant.BB_7E) -> None:
        self._first, self._last = variant.value
        super().__init__(
            bytes([self._first]),
            (
                Step(self._frame(_STOP), _STOP),
                Step(self._frame(_HARDWARE, b"\x00"), _HARDWARE, must=True),
                Step(self._frame(_MULTI_POLL, b"\x22\xff\xff"), None),
            ),
            self._frame(_STOP),
        )

    def _frame(self, command: int, parameters: bytes = b"") -> bytes:
        body = bytes([0, command]) + len(parameters).to_bytes(2, "big") + parameters
        return bytes([self._first, *body, sum(body) & 0xFF, self._last])

    def _length(self, held: bytearray) -> int | None:
        if held[0] != self._first or (len(held) > 1 and held[1] not in (_ANSWER, _NOTICE)):
            return 0
        if len(held) < 5:
            return None
        parameters = int.from_bytes(held[3:5], "big")
        return 0 if parameters > MAX_PARAMETER_BYTES else 7 + parameters

    def _fault(self, frame: bytes) -> str:
        check = sum(frame[1:-2]) & 0xFF
        if frame[-1] != self._last:
            return f"ends in {frame[-1]:02X} instead of {self._last:02X}"
        return "" if check == frame[-2] else f"check {frame[-2]:02X} instead of {check:02X}"

    def _take(self, frame: bytes) -> None:
        kind, command, parameters = frame[1], frame[2], frame[5:-2]
        if kind == _NOTICE and command in (_POLL, _MULTI_POLL):
            self._tag(parameters, frame)
        elif kind == _ANSWER and command == _ERROR:
            self._error(parameters, frame)
        elif kind == _ANSWER:
            self._answered(command)

    def _tag(self, parameters: bytes, frame: bytes) -> None:
        length = epc_bytes(int.from_bytes(parameters[1:3], "big"))
        if not length or len(parameters) < 5 + length:
            self._refuse("malformed", f"a tag's PC announces {length} bytes of EPC, which are not there", frame)
            return
        rssi_dbm = int.from_bytes(parameters[:1], "big", signed=True)
        self._give(TagRead(parameters[3 : 3 + length], 1, 100 * rssi_dbm, None, raw=frame[:SAMPLE_BYTES]))

    def _error(self, parameters: bytes, frame: bytes) -> None:
        code = parameters[0] if parameters else 0
        if code != _NO_TAG:
            self._refuse("reader-error", f"{_ERRORS.get(code, 'an error')} ({code:02X})", frame)


def from_options(variant: str = "BB-7E") -> R200Codec:
    """Make the codec as a capture's `[options]` say. Raises `ValueError` for a variant there is not."""
    name = variant.replace("-", "_")
    if name not in Variant.__members__:
        raise ValueError(f"no variant {variant!r}")
    return R200Codec(Variant[name])
