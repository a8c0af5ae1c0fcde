"""A station's log as a file that a person carries: JSON lines, each entry's stored line exactly as it is.

    header    {"is":"shelfwire-station-log","v":1,"store":…,"station":…,"stream":…,"lineage":[…],
               "kept":…,"first":…,"head":…,"entries":2,"written_us":…}
    entry     {"epoch":"1.9f…","seq":101,"line":["d",…]}      the bytes after "line": are the stored line
              {"epoch":"1.9f…","seq":102,"b64":"…"}           a stored line that is no JSON, in base64
    trailer   {"is":"end","entries":2,"digest":"<chain after the last>","sha256":"<of all bytes before this line>"}

`kept` is the position before the oldest entry the station holds, `first` before the first in the file, `head` after the
last. Three proofs: the chain (`protocol.chain`) says that the entries are those of the log, the trailer that nothing
is missing at the end, its sum that nothing else was changed either. Members that are not known are ignored.

The header has a file of its own (`station_file_header`).
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as BadBase64
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import NoReturn

import msgspec

from protocol.chain import Chapter, extend
from protocol.errors import BadInput, ContractBroken
from protocol.events import decode_station_entry
from protocol.frames import MAX_LINE_BYTES
from protocol.identity import Epoch
from protocol.station_file_header import FileHeader, decode_header, encode_header

MAX_RECORD_BYTES = 1024 * 1024
"""The longest line of such a file: a header that tells of `MAX_LINEAGE` epochs is the longest there is."""
MARK_ENTRIES = 2048
MARK_BYTES = 1024 * 1024
"""A reader notes the chain after so many entries, or so many bytes of them, whichever comes first."""


class _Entry(msgspec.Struct, frozen=True):
    epoch: str
    seq: int
    line: msgspec.Raw = msgspec.Raw()
    b64: str | None = None


class _End(msgspec.Struct, frozen=True, tag_field="is", tag="end"):
    entries: int
    digest: str
    sha256: str


_BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_encode = msgspec.json.Encoder().encode
_decode_entry = msgspec.json.Decoder(_Entry).decode
_decode_end = msgspec.json.Decoder(_End).decode
_END_BEGINS = b'{"is":"end"'


@dataclass(frozen=True, slots=True)
class FileEntry:
    """An entry: the depth after it, the epoch and seq it goes by in its log, and its stored line."""

    depth: int
    epoch: Epoch
    seq: int
    line: bytes


class StationFileWriter:
    """Makes a file's records, each to be followed by a line feed."""

    def __init__(self, header: FileHeader) -> None:
        self._header = header
        self._entries = 0
        self._digest = header.view.first.digest
        self._sum = sha256()

    @property
    def digest(self) -> bytes:
        """The chain after what was written so far."""
        return self._digest

    def header(self) -> bytes:
        """Make the first record."""
        return self._summed(encode_header(self._header))

    def entry(self, epoch: Epoch, seq: int, line: bytes, means: Mapping[str, object] | None = None) -> bytes:
        """Make the record of the next entry; `means` is for a person who looks into the file."""
        self._entries += 1
        self._digest = extend(self._digest, (line,))
        record = _record(epoch, seq, line)
        if means is not None:
            record = record[:-1] + b',"means":' + _encode(means) + b"}"
        return self._summed(record)

    def end(self) -> bytes:
        """Make the last record. Raises `ContractBroken` if the entries are not those that the header announced."""
        if self._entries != self._header.entries or self._digest != self._header.view.head.digest:
            raise ContractBroken(f"{self._entries} entries were written, and the header tells of others")
        return _encode(_End(self._entries, self._digest.hex(), self._sum.hexdigest()))

    def _summed(self, record: bytes) -> bytes:
        self._sum.update(record)
        self._sum.update(b"\n")
        return record


class StationFileReader:
    """Checks a file record by record: `take` each in turn, without its line feed, then `finish`.

    Every error is `BadInput` with the line it was found in: "not-a-station-log", "future-version", "bad-header",
    "bad-record", "out-of-order", "chain-broken", "miscounted", "altered", "trailing-data"; `finish` adds "cut-off".
    Nothing that was taken is to be trusted before `finish` has returned.
    """

    def __init__(self, wanted: Collection[int] = ()) -> None:
        """`wanted`: depths at which the chain is to be noted, beside those that `marks` has anyway."""
        self.header: FileHeader | None = None
        self.marks: dict[int, bytes] = {}
        """The chain at the file's first depth and its last, at every epoch's end, every so many entries, and where
        it was wanted."""
        self.unreadable = 0
        """Entries whose lines this release cannot read; the log holds them all the same."""
        self.until_us: int | None = None
        """The station's wall clock at the last entry that tells it."""
        self.ended = False
        self._wanted = frozenset(wanted)
        self._line = 0
        self._sum = sha256()
        self._digest = b""
        self._depth = self._head_depth = 0
        self._chapters: list[tuple[int, Chapter]] = []
        """The chapters that are to come: the depth at which each begins, the next one last."""
        self._epoch, self._epoch_text, self._epoch_depth = Epoch(1, 0), "", 0
        self._mark_entries = self._mark_bytes = 0

    def take(self, record: bytes) -> FileEntry | None:
        """Take the next record; give its entry, None for header and trailer."""
        self._line += 1
        if self.ended:
            self._bad("trailing-data", "more follows after the trailer")
        if len(record) > MAX_RECORD_BYTES:
            self._bad("bad-record", f"{len(record)} bytes are longer than any record is")
        if self.header is None:
            self._begin(record)
            return None
        if record.startswith(_END_BEGINS):
            self._end(record)
            return None
        if self._depth == self._head_depth:
            self._bad("miscounted", f"the header tells of {self.header.entries} entries, and more follow")
        return self._entry(record)

    def finish(self) -> FileHeader:
        """Say that no record follows. Raises `BadInput` ("cut-off") unless the trailer came."""
        header = self.header
        if header is None:
            raise BadInput("not-a-station-log", "the file is empty")
        if not self.ended:
            got = self._depth - header.first_depth
            raise BadInput("cut-off", f"the file ends after {got} of {header.entries} entries, without its trailer")
        return header

    def _begin(self, record: bytes) -> None:
        try:
            header = decode_header(record)
        except BadInput as error:
            self._bad(error.name, error.detail)
        self.header = header
        view = header.view
        self._sum.update(record + b"\n")
        self._depth, self._head_depth, self._digest = header.first_depth, view.depth, view.first.digest
        self._chapters = [(c.depth, c) for c in reversed(view.lineage)]
        self._enter_chapters()
        self._mark()

    def _entry(self, record: bytes) -> FileEntry:
        try:
            wire: _Entry = _decode_entry(record)
        except _BROKEN as error:
            self._bad("bad-record", str(error))
        seq = self._depth + 1 - self._epoch_depth
        if wire.seq != seq or wire.epoch != self._epoch_text:
            self._bad("out-of-order", f"{wire.epoch[:40]}:{wire.seq} stands where {self._epoch_text}:{seq} belongs")
        line = bytes(wire.line) if wire.b64 is None else self._from_b64(wire.b64)
        if len(line) > MAX_LINE_BYTES or b"\n" in line or (not line and wire.b64 is None):
            self._bad("bad-record", f"a line of {len(line)} bytes")
        self._sum.update(record)
        self._sum.update(b"\n")
        self._digest = extend(self._digest, (line,))
        self._depth += 1
        entry = FileEntry(self._depth, self._epoch, seq, line)
        try:
            event = decode_station_entry(line)
            when = getattr(event, "when", None)
            self.until_us = self.until_us if when is None else when.wall_us
        except BadInput:
            self.unreadable += 1
        self._mark_entries += 1
        self._mark_bytes += len(line)
        if self._enter_chapters() or self._is_mark_due():
            self._mark()
        return entry

    def _end(self, record: bytes) -> None:
        header = self.header
        assert header is not None
        try:
            end: _End = _decode_end(record)
        except _BROKEN as error:
            self._bad("bad-record", f"trailer: {error}")
        if self._depth != self._head_depth or end.entries != header.entries:
            self._bad("miscounted", f"{self._depth - header.first_depth} entries of {header.entries} are there")
        if self._digest != header.view.head.digest or end.digest != self._digest.hex():
            self._bad("chain-broken", "the entries are not those that the station's log holds")
        if end.sha256 != self._sum.hexdigest():
            self._bad("altered", "the sum over the file is not what the trailer says")
        self.ended = True

    def _enter_chapters(self) -> bool:
        """Go into the epochs that begin at this depth; say whether any does. Raises as `take`."""
        entered = False
        while self._chapters and self._chapters[-1][0] <= self._depth:
            depth, chapter = self._chapters.pop()
            if depth == self._depth and chapter.origin().digest != self._digest:
                self._bad("chain-broken", f"{chapter.epoch} was not opened on what comes before it here")
            self._epoch, self._epoch_text, self._epoch_depth = chapter.epoch, str(chapter.epoch), depth
            entered = True
        return entered

    def _is_mark_due(self) -> bool:
        return (
            self._mark_entries >= MARK_ENTRIES
            or self._mark_bytes >= MARK_BYTES
            or self._depth == self._head_depth
            or self._depth in self._wanted
        )

    def _mark(self) -> None:
        self.marks[self._depth] = self._digest
        self._mark_entries = self._mark_bytes = 0

    def _from_b64(self, text: str) -> bytes:
        try:
            return b64decode(text, validate=True)
        except (BadBase64, ValueError) as error:
            self._bad("bad-record", f"base64: {error}")

    def _bad(self, name: str, detail: str) -> NoReturn:
        raise BadInput(name, f"line {self._line}: {detail[:300]}")


def _record(epoch: Epoch, seq: int, line: bytes) -> bytes:
    begin = b'{"epoch":"%s","seq":%d,' % (str(epoch).encode(), seq)
    record = begin + b'"line":' + line + b"}"
    try:
        line.decode()
        if bytes(_decode_entry(record).line) == line and line:
            return record
    except _BROKEN:
        pass  # stored bytes that are no JSON
    return begin + b'"b64":"' + b64encode(line) + b'"}'
