"""Movements that no log holds, as the books have them: filed under ids that follow from what makes them.

One that turns out not to have been stays in books of no item, since head office was told of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from hub.errors import ContractBroken
from hub.ledger.entries import Delta, Entry, Scope
from hub.store import count_log
from hub.store.books import StoredBooks
from hub.store.epochs import EpochRow, EpochRows
from hub.store.filing import Filing
from hub.store.reading import ASIDE, NO_ITEM, Read
from hub.store.sql import Sql
from protocol.identity import EntryId, PlaceId

WITHDRAWN: Final = Scope(NO_ITEM, PlaceId(f"{ASIDE}withdrawn"))
"""Where movements are kept that were none after all."""


def is_withdrawn(entry: Entry) -> bool:
    """Whether an entry of the books is a movement that was none after all."""
    return isinstance(entry, Delta) and entry.scope == WITHDRAWN


class Unlogged:
    """Works in the writer's transactions."""

    def __init__(self, epochs: EpochRows, books: StoredBooks) -> None:
        self._epochs = epochs
        self._books = books

    def filed(self, sql: Sql, identity: EntryId, meant: Delta | None) -> Iterable[Filing]:
        """Give the filing of a movement if it says something else than is kept; None: there is none (any more).

        `StoredBooks.begin` comes before.
        """
        old = self._books.kept(identity)
        if old is None:
            if meant is not None:
                yield Filing(self._epoch(sql, identity), identity.seq, Read(meant, None), b"", None)
            return
        held = old.read.entry
        if not isinstance(held, Delta):
            raise ContractBroken(f"{identity} is a movement that no log holds and something else")
        entry = replace(held, scope=WITHDRAWN) if meant is None else replace(meant, fit=held.fit)
        if entry != held:
            read = Read(replace(entry, fit=held.fit + 1), None)
            yield Filing(self._epoch(sql, identity), identity.seq, read, b"", old)

    def _epoch(self, sql: Sql, identity: EntryId) -> EpochRow:
        known = self._epochs.of_entry(sql, identity)
        return self._epochs.by_id(sql, count_log.epoch_of_session(sql, identity.epoch)) if known is None else known
