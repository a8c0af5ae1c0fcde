"""Zebra (Symbol) scanners in Simple Serial Interface: packets with a checksum, answered once the scan is safe.

`ssi_packets.py` draws the packet and names the manuals. The status bits other than resend and more are used by models
as they like and are ignored. A scanner that gets no answer in its time (2 s from the factory) sends the packet twice
more with the resend bit set. Nothing numbers the packets, so the rules are:

- A resend that equals the packet before it is answered as that was and not given twice. If that one is still being
  decided, the answer comes when it is. If a packet was damaged or cut short since, the resend stands for that one and
  is given.
- A new packet means that the scanner has given up on the one before: an answer to that is no longer sent, it would
  be taken for the answer to this one.

Where the scanner wants one answer for a long code, "packet" in these rules means all packets of the code; a packet of
it that leaves no trace at all on the line cannot be missed then. A packet has no start sign. Behind noise the next
one is found by its checksum, at the latest at a gap.
"""

from __future__ import annotations

from collections import deque

from edge.codecs.aim import split_aim
from edge.codecs.readings import SAMPLE_BYTES, Reading, Refused, Scan
from edge.codecs.ssi_packets import (
    AIM_OF_TYPE,
    CMD_ACK,
    CMD_NAK,
    DECODE_DATA,
    EVENT,
    LETTER_OF_TYPE,
    MORE_BIT,
    NAK_BAD_CONTEXT,
    NAK_DENIED,
    NAK_RESEND,
    NO_CODES,
    RESEND_BIT,
    SCANNER,
    next_start,
    packet,
)
from edge.codecs.text import read_text

MAX_CODE_BYTES = 4096
"""More than any symbology holds (QR Code: 2953 bytes, ISO/IEC 18004 table 7)."""

MAX_UNDECIDED = 256
"""Scans and answers that are remembered; the scanner waits for each answer, so more means nobody answers."""

TRANSMISSIONS = 3
"""How often a scanner sends a packet that is not answered."""


class SsiCodec:
    """Packets to scans. Refuses by name:

    - "garbage": bytes that are no packet, such as codes sent unpacketed
    - "checksum": a damaged code, and no good resend of it came
    - "unexpected": a packet that nobody asked for, such as an image
    - "cut-short": a packet whose rest did not come, or a long code when another begins instead of its rest
    - "too-long": a code over `MAX_CODE_BYTES`
    - "parameter", "several-codes": DECODE_DATA that is no code (types 33 and 99)
    - "not-text", "control-character", "empty-code": as in `SerialScannerCodec`

    Without `ack` nothing is ever sent. `each_packet`: the scanner wants an answer to each packet of a long code
    (multipacket option 1, the factory's), not only at its end (options 2 and 3). A prefix is taken for an AIM
    identifier only where it fits the code type. A line end after the code is a suffix and is taken off.
    """

    def __init__(
        self, *, ack: bool = True, each_packet: bool = True, aim: bool = True, encoding: str = "utf-8"
    ) -> None:
        self._ack = ack
        self._each_packet = each_packet
        self._aim = aim
        self._encoding = encoding
        self._held = bytearray()
        self._noise = bytearray()
        self._found = False
        self._debris = False
        """The noise is left of a damaged packet."""
        self._damaged: bytes | None = None
        """A sample of the packet whose good resend is waited for."""
        self._damaged_times = 0
        self._missed = False
        """A packet was damaged or cut short since the one taken last, so a resend may stand for that."""
        self._code = bytearray()
        self._in_code = False
        self._all_resent = False
        self._stale = False
        """A gap came while the rest of a long code was waited for."""
        self._torn = False
        """A packet of the code that is coming was damaged, and the scanner will be told at its end."""
        self._number = 0
        """Of the code taken last."""
        self._last: tuple[bytes, bool] | None = None
        """What is answered as a whole and was taken last, a packet or a code, and whether more was to follow."""
        self._last_answer: bytes | None = None
        """What was said to that; None while it is being decided."""
        self._undecided: deque[int] = deque(maxlen=MAX_UNDECIDED)
        self._to_send: deque[bytes] = deque(maxlen=MAX_UNDECIDED)
        self._readings: deque[Reading] = deque()

    def feed(self, data: bytes) -> None:
        self._held += data
        while self._take_from_held(complete_only=False):
            pass

    def gap(self) -> None:
        """Give up an unfinished packet; a whole one behind noise that looked like a longer one is found now."""
        rest, self._found = bytes(self._held), False
        while self._take_from_held(complete_only=True):
            pass
        if rest[1:3] == bytes([DECODE_DATA, SCANNER]) and not self._found:
            self._refuse("cut-short", "the rest of a packet did not come", rest)
            self._debris = self._missed = True
        self._end_noise()
        if self._damaged is not None:
            self._give_up_damaged()
        self._stale = self._in_code

    def next_reading(self) -> Reading | None:
        return self._readings.popleft() if self._readings else None

    def acknowledge(self, accepted: bool) -> None:
        """Answer the oldest `Scan` not yet answered. Without `ack`, or with none open, does nothing."""
        if self._undecided and self._undecided.popleft() == self._number and self._last_answer is None:
            self._answer(packet(CMD_ACK) if accepted else packet(CMD_NAK, bytes([NAK_DENIED])))

    def to_send(self) -> bytes:
        due = b"".join(self._to_send)
        self._to_send.clear()
        return due

    def _take_from_held(self, *, complete_only: bool) -> bool:
        """Take noise or a packet; False when there is nothing, or more must come first."""
        held = self._held
        if start := next_start(held):
            self._skip(start)
            return True
        if not held:
            return False
        size = held[0] + 2
        if len(held) < size:
            if complete_only:
                self._skip(1)
            return complete_only
        if sum(held[: size - 2]) + (held[size - 2] << 8) + held[size - 1] & 0xFFFF:
            if held[1] == DECODE_DATA:
                self._take_damaged(bytes(held[:size]))
            self._skip(1)
            return True
        found = bytes(held[:size])
        del held[:size]
        self._end_noise()
        self._found = True
        self._take(found)
        return True

    def _skip(self, length: int) -> None:
        self._noise += self._held[: min(length, SAMPLE_BYTES - len(self._noise))]
        del self._held[:length]

    def _end_noise(self) -> None:
        # What is left of a damaged packet was told of as that, and NUL wakes a sleeping device ("WAKEUP").
        if not self._debris and self._noise.strip(b"\0"):
            self._refuse("garbage", "no packet; does the scanner send packeted data?", bytes(self._noise))
        self._noise.clear()
        self._debris = False

    def _take_damaged(self, found: bytes) -> None:
        self._end_noise()
        self._debris = self._missed = True
        self._damaged = found[:SAMPLE_BYTES]
        self._damaged_times += 1
        last = not found[3] & MORE_BIT
        if not self._ack or self._damaged_times == TRANSMISSIONS:
            self._give_up_damaged()
            self._clear_code()
            # A scanner that is not answered goes on with the rest of the code, one that is has given it up.
            self._torn = not self._ack and not last
        elif self._each_packet or last:
            if not self._each_packet:
                self._clear_code()
            self._say(packet(CMD_NAK, bytes([NAK_RESEND])))
        else:
            self._torn = True

    def _give_up_damaged(self) -> None:
        if self._damaged is not None:
            self._refuse("checksum", "the sum of a packet is wrong and it did not come again", self._damaged)
        self._damaged, self._damaged_times = None, 0

    def _take(self, found: bytes) -> None:
        opcode, status, data = found[1], found[3], found[4:-2]
        if opcode in (CMD_ACK, CMD_NAK):
            return
        if opcode == DECODE_DATA:
            self._damaged, self._damaged_times = None, 0
            self._take_part(data, resent=bool(status & RESEND_BIT), more=bool(status & MORE_BIT))
        elif opcode == EVENT:
            self._say(packet(CMD_ACK))
        else:
            self._refuse("unexpected", f"opcode {opcode:02X} is neither a code nor an event", found)
            self._say(packet(CMD_NAK, bytes([NAK_BAD_CONTEXT])))

    def _take_part(self, data: bytes, *, resent: bool, more: bool) -> None:
        if self._each_packet and resent and (data, more) == self._last and not self._missed:
            self._stale = False
            self._say(self._last_answer)
            return
        if self._stale and not resent:
            # The next packet of a code follows its answer at once: this is another code.
            self._refuse("cut-short", "the rest of a long code did not come", bytes(self._code))
            self._clear_code()
        self._stale = False
        self._all_resent = resent and (self._all_resent or not self._in_code)
        self._in_code = True
        self._code += data[: MAX_CODE_BYTES + 2 - len(self._code)]
        if self._each_packet:
            self._last, self._last_answer, self._missed = (data, more), None, False
            if more:
                self._answer(packet(CMD_ACK))
        if not more:
            self._end_code()

    def _end_code(self) -> None:
        code, torn, missed = bytes(self._code), self._torn, self._missed
        repeat = not self._each_packet and self._all_resent and (code, False) == self._last and not missed
        self._clear_code()
        if torn:
            # It will be sent again from its first packet on, unless nobody is told: then this was all of it.
            if self._ack:
                self._damaged = code[:SAMPLE_BYTES]
                self._say(packet(CMD_NAK, bytes([NAK_RESEND])))
            return
        self._missed = False
        if repeat:
            self._say(self._last_answer)
            return
        self._number += 1
        if not self._each_packet:
            self._last, self._last_answer = (code, False), None
        if self._read(code):
            self._undecided.append(self._number)
        else:
            self._answer(packet(CMD_NAK, bytes([NAK_DENIED])))

    def _read(self, found: bytes) -> bool:
        """Give the scan; False if it was refused."""
        kind, raw = (found[0] if found else 0), found[1:]
        if kind in NO_CODES:
            return self._refuse(NO_CODES[kind], f"code type {kind:02X} is no code of goods", raw)
        if len(raw) > MAX_CODE_BYTES:
            return self._refuse("too-long", f"over {MAX_CODE_BYTES} bytes", raw)
        # A line end is the suffix that the scanner was set to send after every code.
        text = read_text(raw.rstrip(b"\r\n\t"), self._encoding)
        if isinstance(text, Refused):
            self._readings.append(text)
            return False
        aim, code = self._split(kind, text)
        if not code:
            return self._refuse("empty-code", "no code in the packet", raw)
        self._readings.append(Scan(code, raw, aim))
        return True

    def _split(self, kind: int, text: str) -> tuple[str | None, str]:
        known = AIM_OF_TYPE.get(kind)
        sent, code = split_aim(text) if self._aim else (None, text)
        letter = LETTER_OF_TYPE.get(kind, known[1] if known else "")
        if sent is not None and (not letter or sent[1] == letter):
            return sent, code
        return known, text

    def _answer(self, answer: bytes) -> None:
        """Answer the packet taken last, and each resend of it."""
        self._last_answer = answer
        self._say(answer)

    def _say(self, answer: bytes | None) -> None:
        if self._ack and answer:
            self._to_send.append(answer)

    def _clear_code(self) -> None:
        self._code.clear()
        self._in_code = self._torn = self._stale = False

    def _refuse(self, name: str, detail: str, raw: bytes) -> bool:
        self._readings.append(Refused(name, detail, raw[:SAMPLE_BYTES]))
        return False


def from_options(ack: bool = True, multipacket: str = "each", aim: bool = True, encoding: str = "utf-8") -> SsiCodec:
    """Make the codec as a capture's `[options]` say. Raises `ValueError` for a value there is not."""
    if multipacket not in ("each", "end") or encoding not in ("utf-8", "latin-1"):
        raise ValueError(f"no multipacket option {multipacket!r} or no encoding {encoding!r}")
    return SsiCodec(ack=ack, each_packet=multipacket == "each", aim=aim, encoding=encoding)
