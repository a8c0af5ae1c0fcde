"""Barcode scanners that send a code and a suffix over a serial line.

::

    [prefix] [AIM ]xy] code suffix          suffix: CR, LF, CR LF or Tab
    ]E0 4 0 0 6 3 8 1 3 3 3 9 3 1 CR        with an AIM prefix

The line says nothing about time, so a pause inside a code does not split it. With `ack` the scanner waits for ACK (06)
or NAK (15) after each code (Honeywell Xenon XP 1950 user guide, page 38, "ACK/NAK"; off from the factory). After a NAK
it sends the code again and waits again, so NAK is a question: a line that noise had spoilt comes right. What comes
again as it was, a code that was refused, is not given twice, and ACK ends it; otherwise it would come for ever.
"""

from __future__ import annotations

from collections import deque
from enum import Enum

from edge.codecs.aim import split_aim
from edge.codecs.readings import SAMPLE_BYTES, Reading, Refused, Scan
from edge.codecs.text import read_text

MAX_LINE_BYTES = 4096
"""More than any symbology holds (QR Code: 2953 bytes, ISO/IEC 18004 table 7)."""

MAX_UNANSWERED = 256
"""Answers owed at once; a scanner in ACK mode waits for each, so more means nobody answers."""

ACK = b"\x06"
NAK = b"\x15"

_LINE_ENDS = b"\r\n\t"


class Suffix(Enum):
    """What the scanner was set to send after a code."""

    CR = b"\r"
    LF = b"\n"
    CRLF = b"\r\n"
    TAB = b"\t"


class SerialScannerCodec:
    """Lines to scans. Refuses by name:

    - "too-long": over `MAX_LINE_BYTES` without a suffix; skips to the next suffix
    - "not-text": bytes that `encoding` does not know
    - "control-character": any but GS inside a code
    - "missing-prefix": `prefix` is set and the line lacks it
    - "empty-code": a prefix and nothing after it
    - "wrong-suffix": the line has stopped at another line end than the one set (known only at a gap)

    A neighbour's half of a line end is forgiven: LF after a CR suffix, CR before an LF suffix. Empty lines
    say nothing.
    """

    def __init__(
        self,
        suffix: Suffix = Suffix.CR,
        *,
        prefix: bytes = b"",
        aim: bool = True,
        encoding: str = "utf-8",
        ack: bool = False,
    ) -> None:
        self._suffix = suffix
        self._prefix = prefix
        self._aim = aim
        self._encoding = encoding
        self._ack = ack
        self._line = bytearray()
        """The line so far, at most `MAX_LINE_BYTES` of it."""
        self._length = 0
        """Bytes of the line so far, kept or not."""
        self._half_end = b""
        """CR that may turn out to be the first half of CR LF."""
        self._readings: deque[Reading] = deque()
        self._answers: deque[bytes | None] = deque(maxlen=MAX_UNANSWERED)
        self._newest = b""
        """The line that came last."""
        self._asked_again = b""
        """The line that came last if it was answered NAK: the scanner sends it again."""

    def feed(self, data: bytes) -> None:
        data = self._half_end + data
        self._half_end = b""
        end = self._suffix.value
        if self._suffix is Suffix.CRLF and data.endswith(b"\r"):
            self._half_end = b"\r"
            data = data[:-1]
        at = 0
        while (found := data.find(end, at)) >= 0:
            self._take(data[at:found])
            self._end_of_line()
            at = found + len(end)
        self._take(data[at:])

    def gap(self) -> None:
        """Keep what has come of a code, unless it stands at a line end that is not ours.

        A single CR may still be followed by its LF; only the second one proves that no LF is coming. A line that was
        asked for again has not come at once, so the same code later is a person who scans it again.
        """
        self._asked_again = b""
        line = bytes(self._line) + self._half_end
        if self._length > MAX_LINE_BYTES or line[-1:] not in (b"\r", b"\n", b"\t"):
            return
        if line[-1:] == b"\r" and line.count(b"\r") == 1 and self._suffix in (Suffix.CRLF, Suffix.LF):
            return
        self._clear()
        if line.strip(_LINE_ENDS):
            detail = f"stopped at {line[-1:]!r}, waiting for {self._suffix.value!r}"
            self._readings.append(Refused("wrong-suffix", detail, line[:SAMPLE_BYTES]))
            if self._ack:
                self._answers.append(ACK)  # it would come again with the same end

    def next_reading(self) -> Reading | None:
        return self._readings.popleft() if self._readings else None

    def acknowledge(self, accepted: bool) -> None:
        """Answer the oldest `Scan` not yet answered. Without `ack`, or with none open, does nothing."""
        for place, answer in enumerate(self._answers):
            if answer is None:
                self._answers[place] = ACK if accepted else NAK
                if not accepted and place == len(self._answers) - 1:
                    self._asked_again = self._newest
                return

    def to_send(self) -> bytes:
        """ACK or NAK for each line, in the order of the lines; what was refused here is answered by itself."""
        due = bytearray()
        while self._answers and (answer := self._answers[0]) is not None:
            due += answer
            self._answers.popleft()
        return bytes(due)

    def _take(self, part: bytes) -> None:
        self._line += part[: MAX_LINE_BYTES - len(self._line)]
        self._length += len(part)

    def _clear(self) -> None:
        self._line.clear()
        self._length = 0
        self._half_end = b""

    def _end_of_line(self) -> None:
        raw, length = bytes(self._line), self._length
        self._line.clear()
        self._length = 0
        if self._suffix is Suffix.CR:
            raw = raw.removeprefix(b"\n")
        elif self._suffix is Suffix.LF:
            raw = raw.removesuffix(b"\r")
        if not raw or self._comes_again(raw):
            return
        if length > MAX_LINE_BYTES:
            self._refuse("too-long", f"{length} bytes, at most {MAX_LINE_BYTES}", raw)
        else:
            self._read(raw)

    def _comes_again(self, raw: bytes) -> bool:
        """Whether this line was asked for again and came as it was; ends it then."""
        asked_again, self._asked_again, self._newest = self._asked_again, b"", raw
        if raw != asked_again:
            return False
        self._answers.append(ACK)
        return True

    def _read(self, raw: bytes) -> None:
        if not raw.startswith(self._prefix):
            self._refuse("missing-prefix", f"does not start with {self._prefix!r}", raw)
            return
        text = read_text(raw[len(self._prefix) :], self._encoding)
        if isinstance(text, Refused):
            self._refuse(text.name, text.detail, raw)
            return
        aim, code = split_aim(text) if self._aim else (None, text)
        if not code:
            self._refuse("empty-code", "a prefix and nothing after it", raw)
            return
        self._readings.append(Scan(code, raw, aim))
        if self._ack:
            self._answers.append(None)

    def _refuse(self, name: str, detail: str, raw: bytes) -> None:
        self._readings.append(Refused(name, detail, raw[:SAMPLE_BYTES]))
        if self._ack:
            self._answers.append(NAK)
            self._asked_again = self._newest


def from_options(suffix: str, prefix: str = "", aim: bool = True, ack: bool = False) -> SerialScannerCodec:
    """Make the codec as a capture's `[options]` say. Raises `ValueError` for a suffix there is not."""
    if suffix.upper() not in Suffix.__members__:
        raise ValueError(f"no suffix {suffix!r}")
    return SerialScannerCodec(Suffix[suffix.upper()], prefix=prefix.encode(), aim=aim, ack=ack)
