"""Barcode scanners in USB HID-POS mode: whole codes with their symbology, in numbered reports.

HID Point of Sale Usage Tables 1.02 (usage page 0x8C, usage 2, "Bar Code Scanner"); the layout is that of Access-IS,
ATR110 product manual, appendix "HID reports", and of Honeywell's and Symbol's scanners::

    0   1       2  3  4   5 .. 60              61         62        63
    02  length  AIM ]xy   up to 56 data bytes  maker's    reserved  bit 0: the code goes on
                                               symbology            in the next report
    ]E0 4006381333931 = 02 0D 5D 45 30 34 30 30 36 33 38 31 33 33 33 39 33 31 00 .. 64 00 00

Some scanners put the identifier and the data one byte further back. A code's reports all carry its identifier, but no
number: one that is lost in the middle leaves no trace here but a wrong check digit, one lost at the end shows.
"""

from __future__ import annotations

import re
from collections import deque

from edge.codecs.hid_reports import ReportStream
from edge.codecs.readings import SAMPLE_BYTES, Reading, Refused, Scan
from edge.codecs.text import read_text

USAGE = (0x8C, 0x02)
"""Usage page and usage of a scanner's top-level collection."""
REPORT = 0x02
REPORT_BYTES = 64
DATA_BYTES = 56
MAX_CODE_BYTES = 4096
"""More than any symbology holds (QR Code: 2953 bytes, ISO/IEC 18004 table 7)."""

_AIM = re.compile(rb"\][A-Za-z][0-9A-Za-z]")
_NO_AIM = (b"\0\0\0", b"   ")
_SUFFIX = b"\r\n\t"
_MORE = 0x01


class HidPosCodec:
    """Framed reports (`edge.codecs.hid_reports`) to scans. Refuses by name:

    - "malformed": a report of another length, data longer than it can be, or neither an identifier nor room for one
    - "cut-short": a code whose next report was another code's, or did not come before the silence
    - "too-long": a code over `MAX_CODE_BYTES`; skips to the end of that code
    - "not-text": bytes that `encoding` does not know
    - "control-character": any but GS inside a code
    - "empty-code": a code without data

    Reports of another number than 2 are not about codes and say nothing. A line end that the scanner was set to send
    after each code is taken off.
    """

    def __init__(self, *, encoding: str = "utf-8") -> None:
        self._encoding = encoding
        self._stream = ReportStream()
        self._aim: bytes | None = None
        self._code = bytearray()
        self._skipping = False
        self._readings: deque[Reading] = deque()

    def feed(self, data: bytes) -> None:
        for report in self._stream.feed(data):
            self._take(report)

    def gap(self) -> None:
        """Give up the code that was coming: the rest of it follows within milliseconds or not at all."""
        held = self._stream.reset()
        self._give_up("the scanner fell silent inside a code")
        if held:
            self._refuse("malformed", "half a report", held)

    def next_reading(self) -> Reading | None:
        return self._readings.popleft() if self._readings else None

    def to_send(self) -> bytes:
        return b""

    def _take(self, report: bytes) -> None:
        if report[:1] != bytes([REPORT]):
            return
        parts = _parts(report)
        if parts is None:
            self._give_up("a report that cannot be read came inside a code")
            self._refuse("malformed", "no HID-POS scan report", report)
            return
        aim, data, more = parts
        if self._aim is not None and aim != self._aim:
            self._give_up("another code began inside this one")
        self._aim = aim
        if not self._skipping:
            self._code += data
        if len(self._code) > MAX_CODE_BYTES:
            self._refuse("too-long", f"over {MAX_CODE_BYTES} bytes", aim + self._code)
            self._code.clear()
            self._skipping = True
        if not more:
            if not self._skipping:
                self._read(aim, bytes(self._code))
            self._begin()

    def _read(self, aim: bytes, code: bytes) -> None:
        code = code.rstrip(_SUFFIX)
        raw = aim + code
        text = read_text(code, self._encoding)
        if isinstance(text, Refused):
            self._refuse(text.name, text.detail, raw)
        elif not text:
            self._refuse("empty-code", "a report without a code", raw)
        else:
            self._readings.append(Scan(text, raw, aim.decode("ascii") or None))

    def _give_up(self, why: str) -> None:
        if self._aim is not None and not self._skipping:
            self._refuse("cut-short", why, self._aim + self._code)
        self._begin()

    def _begin(self) -> None:
        self._aim = None
        self._code.clear()
        self._skipping = False

    def _refuse(self, name: str, detail: str, raw: bytes) -> None:
        self._readings.append(Refused(name, detail, raw[:SAMPLE_BYTES]))


def _parts(report: bytes) -> tuple[bytes, bytes, bool] | None:
    """Give identifier (b"" if there is none), data, and whether the code goes on; None if it is no such report."""
    if len(report) != REPORT_BYTES or report[1] > DATA_BYTES:
        return None
    if _AIM.fullmatch(report, 2, 5):
        start = 5
    elif _AIM.fullmatch(report, 3, 6):
        start = 6
    elif report[2:5] in _NO_AIM:
        return b"", report[5 : 5 + report[1]], bool(report[63] & _MORE)
    else:
        return None
    return report[start - 3 : start], report[start : start + report[1]], bool(report[63] & _MORE)


def from_options(encoding: str = "utf-8") -> HidPosCodec:
    """Make the codec as a capture's `[options]` say. Raises `LookupError` for an encoding there is not."""
    "".encode(encoding)
    return HidPosCodec(encoding=encoding)
