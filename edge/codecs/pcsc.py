"""Contactless cards as a PC/SC reader tells of them: what a card answered to reset, and to being asked for its number.

PC/SC part 3, revision 2.01.09, sections 3.1.3.2.3 (ATR) and 3.2.2.1.3 (GET DATA: FF CA 00 00 00 asks for the UID).
A record, framed by `edge.codecs.hid_reports.framed`, is one card put on the reader::

    length of the ATR (1)  ATR                                answer to GET DATA, empty if the card was gone by then
                           3B 8F 80 01  80 4F 0C  A0 00 00 03 06  SS  NN NN  00 00 00 00  TCK
                                                  PC/SC's own      |   name of the card: 00 03 Ultralight and NTAG,
                                                  number           |                     00 14 ICODE SLI
                                                                   standard (part 3 supplement, table 2)
    04 11 22 33 44 55 66 90 00     UID of an NTAG, and "all is well"

A card that is a computer (ISO/IEC 14443-4) has an ATR of its own historical bytes instead: 3B 8n 80 01 .. TCK.
"""

from __future__ import annotations

from collections import deque

from edge.codecs.hid_reports import ReportStream
from edge.codecs.readings import SAMPLE_BYTES, CardTap, Reading, Refused

UID_BYTES = range(4, 11)
"""4, 7 and 10 are ISO/IEC 14443-3's, 8 is ISO 15693's and FeliCa's."""

_CONTACTLESS = b"\x80\x01"
_STORAGE = bytes.fromhex("80 4F 0C A0 00 00 03 06")
_ISO_15693 = "ISO 15693"
_STANDARDS = {
    **dict.fromkeys((0x01, 0x02, 0x03), "ISO 14443A"),
    **dict.fromkeys((0x05, 0x06, 0x07), "ISO 14443B"),
    **dict.fromkeys((0x09, 0x0A, 0x0B, 0x0C), _ISO_15693),
    0x11: "FeliCa",
}
_MANUFACTURER_15693 = 0xE0
"""First byte of every ISO 15693 UID (ISO/IEC 15693-3, section 4.1), last for readers that send it backwards."""
_WELL = b"\x90\x00"
_STATUS_BYTES = 2


class PcscCodec:
    """Records to taps. Refuses by name:

    - "malformed": a record whose ATR is longer than it
    - "unread": the card was taken away before it was read, or another program held it
    - "no-uid": the reader or the card has no number to give, as with a card that has contacts
    - "bad-uid": a number shorter or longer than any card has
    """

    def __init__(self) -> None:
        self._stream = ReportStream()
        self._readings: deque[Reading] = deque()

    def feed(self, data: bytes) -> None:
        for record in self._stream.feed(data):
            self._readings.append(_tap(record))

    def gap(self) -> None:
        """Forget half a record: the rest of it does not come."""
        held = self._stream.reset()
        if held:
            self._readings.append(Refused("malformed", "half a record", held[:SAMPLE_BYTES]))

    def next_reading(self) -> Reading | None:
        return self._readings.popleft() if self._readings else None

    def to_send(self) -> bytes:
        return b""


def standard_of(atr: bytes) -> str:
    """Say what a card is by its ATR; "" if that does not tell."""
    if len(atr) < 4 or atr[0] != 0x3B or atr[1] & 0xF0 != 0x80 or atr[2:4] != _CONTACTLESS:
        return ""
    history = atr[4 : 4 + (atr[1] & 0x0F)]
    if not history.startswith(_STORAGE):
        return "ISO 14443-4"
    return _STANDARDS.get(history[len(_STORAGE)], "") if len(history) > len(_STORAGE) else ""


def _tap(record: bytes) -> Reading:
    def refused(name: str, detail: str) -> Refused:
        return Refused(name, detail, record[:SAMPLE_BYTES])

    if not record or len(record) < 1 + record[0]:
        return refused("malformed", "no ATR and answer")
    atr, answer = record[1 : 1 + record[0]], record[1 + record[0] :]
    if not answer:
        return refused("unread", "the card was gone before it was read: hold it a little longer")
    uid, status = answer[:-_STATUS_BYTES], answer[-_STATUS_BYTES:]
    if status != _WELL:
        return refused("no-uid", f"asked for its number, it answered {answer[:8].hex(' ')}")
    if len(uid) not in UID_BYTES:
        return refused("bad-uid", f"a number of {len(uid)} bytes")
    standard = standard_of(atr)
    if standard == _ISO_15693 and uid[0] != _MANUFACTURER_15693 == uid[-1]:
        uid = uid[::-1]
    return CardTap(uid, standard, atr)


def from_options() -> PcscCodec:
    """Make the codec: a capture of cards has no options."""
    return PcscCodec()
