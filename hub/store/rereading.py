"""Reads entries of the books again from their lines: those whose time or whose item is known better now."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace
from sqlalchemy import bindparam, delete, select

from hub.errors import ContractBroken
from hub.ledger.entries import Count
from hub.ledger.timefit import Timed, TimeSource
from hub.store import chunks, tables
from hub.store.beside import Beside
from hub.store.books import StoredBooks
from hub.store.chunks import Chunk
from hub.store.entry_rows import DELTA
from hub.store.epochs import EpochRow, EpochRows
from hub.store.filing import Filing
from hub.store.lines import Event, Lines, ReadOf
from hub.store.reading import Read
from hub.store.sql import Sql
from hub.store.statements import changing
from hub.store.tag_reading import SAYS_OF_TAGS
from hub.store.tagging import Tags
from protocol.errors import BadInput
from protocol.events import ShelfCounted, Sweep, TagChange
from protocol.identity import ItemId

_entry, _reread, _relink, _redocument = tables.entry, tables.reread, tables.relink, tables.redocument
_TO_REREAD: Final = select(_reread.c.epoch, _reread.c.seq, _reread.c.until).order_by(_reread.c.epoch)
_REREAD_TO: Final = changing(_reread, "seq")
_REREAD: Final = delete(_reread).where(_reread.c.epoch == bindparam("epoch"))
_TO_RELINK: Final = select(_relink.c.code, _relink.c.item, _relink.c.from_us)
_RELINKED: Final = delete(_relink).where(_relink.c.code == bindparam("code"), _relink.c.item == bindparam("item"))
_TO_REDOCUMENT: Final = select(_redocument.c.document)
_REDOCUMENTED: Final = delete(_redocument).where(_redocument.c.document == bindparam("document"))
_OF_DOCUMENT: Final = select(_entry.c.epoch, _entry.c.seq).where(
    _entry.c.document == bindparam("document"), _entry.c.kind == DELTA
)


class Rereader:
    """Works through `reread` and `relink`, some entries at a time."""

    def __init__(self, epochs: EpochRows, books: StoredBooks, lines: Lines, beside: Beside, tags: Tags) -> None:
        self._epochs = epochs
        self._books = books
        self._lines = lines
        self._beside = beside
        self._tags = tags

    def times(self, connection: Sql, folded: int, room: int) -> tuple[list[Filing], int]:
        """Read entries whose clock is known better, up to chunk row `folded`; give them and the room left."""
        again: list[Filing] = []
        for row, first, until in connection.execute(_TO_REREAD).fetchall():
            if room <= 0:
                break
            epoch = self._epochs.by_id(connection, row)
            before = self._lines.before(connection, epoch, first)
            # The last entry of the epoch may be among those that change.
            self._lines.clocks.set_head(row, None)
            seq = first
            while True:
                chunk = chunks.holding(connection, row, seq) or chunks.after(connection, row, seq)
                if chunk is None or chunk.id > folded:
                    connection.execute(_REREAD, {"epoch": row})
                    break
                if room <= 0:
                    connection.executemany(_REREAD_TO, [(seq, row)])
                    break
                start = max(seq, chunk.first)
                room -= chunk.end - start
                reached = self._chunk(connection, epoch, chunk, start, until, before, again)
                if reached is None:
                    connection.execute(_REREAD, {"epoch": row})
                    break
                before, seq = reached, chunk.end
        return again, room

    def documents(self, connection: Sql, room: int) -> list[Filing]:
        """Read entries whose document means something else now, whole documents at a time."""
        again: list[Filing] = []
        read_of = self._lines.reader(connection)
        for (document,) in connection.execute(_TO_REDOCUMENT).fetchall():
            if room <= 0:
                break
            connection.execute(_REDOCUMENTED, {"document": document})
            for row, seq in connection.execute(_OF_DOCUMENT, {"document": document}).fetchall():
                room -= 1
                again += self.one(connection, read_of, row, seq, chunks.holding(connection, row, seq))
        return again

    def items(self, connection: Sql, room: int) -> list[Filing]:
        """Read entries whose code may mean another item now, whole codes at a time."""
        again: list[Filing] = []
        read_of = self._lines.reader(connection)
        for code, item, from_us in connection.execute(_TO_RELINK).fetchall():
            if room <= 0:
                break
            connection.execute(_RELINKED, {"code": code, "item": item})
            chunk: Chunk | None = None
            for row, seq in self._books.places_of_code(ItemId(item), code, from_us):
                room -= 1
                if chunk is None or chunk.epoch != row or not chunk.first <= seq < chunk.end:
                    chunk = chunks.holding(connection, row, seq)
                again += self.one(connection, read_of, row, seq, chunk)
        return again

    def one(self, connection: Sql, read_of: ReadOf, row: int, seq: int, chunk: Chunk | None) -> list[Filing]:
        """Read an entry of the books again at the time it has; give it if it says something else now."""
        epoch = self._epochs.by_id(connection, row)
        if chunk is None:
            raise ContractBroken(f"{epoch.prefix}{seq} is in the books and its line is not stored")
        old = self._books.kept_range(row, seq, seq)[seq]
        entry, line = old.read.entry, chunk.lines[seq - chunk.first]
        timed = Timed(entry.t_us, entry.err_us, TimeSource.ANCHORS)
        read = _read_again(read_of, epoch, seq, self._lines.decode(epoch, line), timed, old.read)
        return [] if read is None or read == old.read else [Filing(epoch, seq, read.refitted(), line, old)]

    def _chunk(
        self,
        connection: Sql,
        epoch: EpochRow,
        chunk: Chunk,
        first: int,
        until: int,
        before: Timed,
        again: list[Filing],
    ) -> Timed | None:
        """Read a chunk again from seq `first`; give the time at its end, None once nothing can change any more.

        Entries after `until` were folded knowing what is known now, except how high those before them stand.
        """
        self._read_tags_again(connection, epoch, chunk, first)
        kept = self._books.kept_range(epoch.id, first, chunk.end - 1)
        read_of = self._lines.reader(connection)
        for seq in sorted(kept.keys() | self._beside.seqs(connection, epoch.id, first, chunk.end - 1)):
            line = chunk.lines[seq - chunk.first]
            event = self._lines.decode(epoch, line)
            if seq not in kept:
                if isinstance(event, ShelfCounted | Sweep):
                    self._beside.take(connection, epoch, seq, event, before)
                continue
            old = kept[seq]
            entry = old.read.entry
            timed = self._lines.timed(connection, epoch, seq, event, before)
            if timed is None:
                raise ContractBroken(f"{epoch.prefix}{seq} is in the books and has no time")
            before = timed
            read = _read_again(read_of, epoch, seq, event, timed, old.read)
            if read is not None and read != old.read:
                again.append(Filing(epoch, seq, read.refitted(), line, old))
            if seq > until and (timed.t_us, timed.err_us) == (entry.t_us, entry.err_us):
                return None
        return before

    def _read_tags_again(self, connection: Sql, epoch: EpochRow, chunk: Chunk, first: int) -> None:
        events: list[tuple[int, TagChange | Sweep]] = []
        for seq in range(first, chunk.end):
            line = chunk.lines[seq - chunk.first]
            if chunk.flag is None and line.startswith(SAYS_OF_TAGS):
                try:
                    event = self._lines.decode(epoch, line)
                except BadInput:
                    continue
                if isinstance(event, TagChange | Sweep):
                    events.append((seq, event))
        self._tags.read_again(connection, epoch, events)


def _read_again(read_of: ReadOf, epoch: EpochRow, seq: int, event: Event, timed: Timed, old: Read) -> Read | None:
    """Read an entry of the books again.

    A code that was booked under other rules than today's, which refuse it, stays what it was: a release or a setting
    must neither take it out of the books nor stop them. `rebuild` tells.
    """
    try:
        read = read_of(epoch, seq, event, timed, old.entry.fit)
    except BadInput:
        return old.moved_to(timed)
    if read is not None and read.known and isinstance(read.entry, Count) and isinstance(old.entry, Count):
        # Whether it stands is for its session to say, and no news of its line.
        return Read(replace(read.entry, stands=old.entry.stands), read.code)
    return read
