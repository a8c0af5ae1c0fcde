"""The byte stream of an LLRP reader, cut into messages and tag reads.

A report is read as it comes, tag by tag, so that its length costs no memory (frames drawn in `llrp_wire`).
"""

from __future__ import annotations

from dataclasses import dataclass

from edge.codecs.llrp_tags import read_tag
from edge.codecs.llrp_wire import HEADER, TLV, VERSIONS, Message, Parameter
from edge.codecs.readings import SAMPLE_BYTES, Refused, TagRead

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""A longer one is no message: the stream is not LLRP, or has lost its place for good."""
MAX_HELD_BYTES = 8 * 1024
"""Of a message that is no report, and of one parameter of a report."""

_REPORT = int(Message.RO_ACCESS_REPORT)
_TAG = int(Parameter.TAG_REPORT_DATA)


@dataclass(frozen=True, slots=True)
class Control:
    """A whole message that is no report: its type, its id, and what follows the header."""

    kind: int
    ident: int
    body: bytes


class LlrpFrames:
    """Bytes to messages and reads. Once `broken`, nothing more is taken: there is no finding one's place again."""

    def __init__(self) -> None:
        self.broken = False
        self._held = b""
        self._left = 0
        """Bytes of the report at hand still to come."""
        self._skip = 0
        """Bytes to pass over first; not counted in `_left`."""

    def feed(self, data: bytes) -> list[TagRead | Refused | Control]:
        """Take bytes; give what they complete. Refuses "not-llrp", "too-long" and what `read_tag` does."""
        found: list[TagRead | Refused | Control] = []
        if self._held:
            data = self._held + data
        at, end = 0, len(data)
        while not self.broken and at < end:
            if self._skip:
                taken = min(self._skip, end - at)
                self._skip -= taken
            elif self._left:
                taken = self._in_report(data, at, end, found)
            else:
                taken = self._between(data, at, end, found)
            if not taken and not self._skip:
                break
            at += taken
        self._held = b"" if self.broken else data[at:]
        return found

    def _between(self, data: bytes, at: int, end: int, found: list[TagRead | Refused | Control]) -> int:
        """Take a report's header or a whole other message; gives how many bytes, 0 if they have not all come."""
        if end - at < HEADER.size:
            return 0
        length: int
        word, length, ident = HEADER.unpack_from(data, at)
        if word >> 10 not in VERSIONS or not HEADER.size <= length <= MAX_MESSAGE_BYTES:
            detail = f"a header of version {word >> 10} and {length} bytes"
            found.append(Refused("not-llrp", detail, data[at : at + HEADER.size]))
            self.broken = True
            return 0
        kind = word & 0x3FF
        if kind == _REPORT:
            self._left = length - HEADER.size
            return HEADER.size
        if length > MAX_HELD_BYTES:
            found.append(Refused("too-long", f"message {kind} of {length} bytes", data[at : at + HEADER.size]))
            self._skip = length
            return 0
        if end - at < length:
            return 0
        found.append(Control(kind, ident, data[at + HEADER.size : at + length]))
        return length

    def _in_report(self, data: bytes, at: int, end: int, found: list[TagRead | Refused | Control]) -> int:
        """Take one parameter of a report; gives its length, 0 if it has not all come or is passed over."""
        left = self._left
        if end - at < min(left, TLV.size):
            return 0
        length: int
        kind, length = TLV.unpack_from(data, at) if left >= TLV.size else (0, 0)
        if kind == _TAG and TLV.size <= length <= min(left, MAX_HELD_BYTES):
            if end - at < length:
                return 0
            found.append(read_tag(data, at, at + length))
            self._left = left - length
            return length
        sane = TLV.size <= length <= left
        if not sane or kind == _TAG:
            sample = min(left, SAMPLE_BYTES)
            if end - at < sample:
                return 0
            name, what = ("too-long", f"of {length} bytes") if sane else ("malformed", "makes no sense")
            found.append(Refused(name, f"parameter {kind} of a report {what}", data[at : at + sample]))
        self._skip = length if sane else left
        self._left = left - self._skip
        return 0
