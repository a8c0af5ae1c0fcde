"""What happens to entries of the feed and the journal when a new epoch carries them on.

A reader that holds another continuation of the old epoch (this hub was restored from a copy) keeps that; what this hub
has after the common part is told again in the new epoch, under new seqs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec.structs
from sqlalchemy import bindparam, func, select, update

from hub.ledger.entries import Reversal, Scope
from hub.store import meta, tables
from hub.store.books import StoredBooks
from hub.store.epochs import JOURNAL, EpochRows
from hub.store.filing import Filer, Filing
from hub.store.own_rows import Carried
from hub.store.progress import CURSOR, cursor
from hub.store.reading import NO_ITEM, Read
from hub.store.sql import Sql
from protocol.chain import Chapter
from protocol.decisions import Dismissed, Released, Void, decode_journal_entry
from protocol.errors import BadInput
from protocol.events import encode_entry
from protocol.feed import decode_feed_entry, encode_feed_entry, renumbered
from protocol.identity import HUB_STATION, EntryId, PlaceId

_NEWEST: Final = select(func.coalesce(func.max(tables.chunk.c.id), 0))
_AGAIN: Final = (
    update(tables.log)
    .where(tables.log.c.name == bindparam("log"))
    .values(committed=tables.log.c.committed + bindparam("entries"))
)


def carry_feed(connection: Sql, chapter: Chapter, carried: Sequence[Carried], now_us: int) -> Sequence[bytes]:
    """Number the statements anew, so that they win over those of the life that was lost."""
    return [_renumbered(line, chapter) for part in carried for line in part.lines]


@dataclass(frozen=True, slots=True)
class JournalCarry:
    """Takes the old ids of carried decisions out of the books; the fold comes to them again under the new ones."""

    epochs: EpochRows
    books: StoredBooks
    filer: Filer

    def __call__(self, connection: Sql, chapter: Chapter, carried: Sequence[Carried], now_us: int) -> Sequence[bytes]:
        """See `hub.store.own_rows.Carry`."""
        folded = cursor(connection)
        newest = connection.execute(_NEWEST).fetchone()[0]
        if newest < folded:
            # What was carried on was the newest of all, and its rows' numbers are given again.
            meta.write(connection, CURSOR, str(newest))
        self.books.begin(connection)
        places = [
            (part.epoch, seq, line, part.chunk <= folded)
            for part in carried
            for seq, line in enumerate(part.lines, part.first)
        ]
        withdrawn = [filing for place in places if place[3] and (filing := self._withdrawn(connection, *place[:3]))]
        self.filer.file(connection, withdrawn, now_us)
        self.books.write_scopes()
        # Entries that were folded once will be so again.
        connection.execute(_AGAIN, {"log": JOURNAL, "entries": sum(1 for *_, done in places if done)})
        new_ids = {
            str(self.epochs.by_id(connection, epoch).entry(seq)): EntryId(HUB_STATION, chapter.epoch, new_seq)
            for new_seq, (epoch, seq, _, _) in enumerate(places, 1)
        }
        return [_retargeted(line, new_ids) for _, _, line, _ in places]

    def _withdrawn(self, connection: Sql, epoch: int, seq: int, line: bytes) -> Filing | None:
        """Move an entry to books of no item. A reversal stays in force: under its new id it is a repeat."""
        old = self.books.kept_range(epoch, seq, seq).get(seq)
        if old is None or isinstance(old.read.entry, Reversal):
            return None
        entry = msgspec.structs.replace(
            old.read.entry, scope=Scope(NO_ITEM, PlaceId(JOURNAL)), fit=old.read.entry.fit + 1
        )
        return Filing(self.epochs.by_id(connection, epoch), seq, Read(entry, None), line, old)


def _renumbered(line: bytes, chapter: Chapter) -> bytes:
    try:
        return encode_feed_entry(renumbered(decode_feed_entry(line), chapter.epoch))
    except BadInput:
        # A later release wrote it, and then this one was put back.
        return line


def _retargeted(line: bytes, new_ids: dict[str, EntryId]) -> bytes:
    """Let a carried decision name what it is about by its new id."""
    try:
        entry = decode_journal_entry(line)
    except BadInput:
        return line
    if isinstance(entry, Void | Released | Dismissed) and entry.target in new_ids:
        return encode_entry(msgspec.structs.replace(entry, target=str(new_ids[entry.target])))
    return line
