"""What people decided about entries that are held back: which item they are of, or that they are to have no effect.

A decision names its entry, which may come after it: whoever reads a line asks here first. So it shows nowhere which of
the two came first, and a link that the catalogue gets later changes nothing of what a person has said.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Final, get_args

from sqlalchemy import delete, select

from hub.ledger.dated import Number
from hub.store import meta, tables
from hub.store.epochs import EpochRow, EpochRows
from hub.store.sql import Sql
from hub.store.statements import given, putting, replacing
from protocol.decisions import Dismissed, HeldWord, JournalEntry, decode_journal_entry
from protocol.events import StationEntry
from protocol.identity import EntryId, Epoch
from protocol.variable_measure import CodeRules

READER: Final = "read-by"
"""The name in `meta` of what last read the lines: a release, the entries it knows, the rules for codes."""
_PUT: Final = replacing(tables.held_word)
_ALL: Final = select(tables.held_word.c.line, tables.epoch.c.name, tables.held_word.c.seq).join(
    tables.epoch, tables.epoch.c.id == tables.held_word.c.epoch
)
_RETRY: Final = putting(tables.retry).on_conflict_do_nothing()
_DUE: Final = select(tables.retry.c.epoch, tables.retry.c.seq).order_by(tables.retry.c.epoch, tables.retry.c.seq)
_DONE: Final = delete(tables.retry).where(
    tables.retry.c.epoch == given("epoch", tables.retry.c.epoch),
    tables.retry.c.seq == given("seq", tables.retry.c.seq),
)
_HELD: Final = select(tables.quarantine.c.epoch, tables.quarantine.c.seq).where(
    tables.quarantine.c.released_us.is_(None), tables.quarantine.c.seq > 0
)


class HeldWords:
    """Answers whoever reads lines. Belongs to the writer's thread; `forget` after a transaction that did not happen."""

    def __init__(self) -> None:
        self._words: dict[EntryId, tuple[Number, HeldWord]] | None = None

    def forget(self) -> None:
        """Read everything from the file again when next asked."""
        self._words = None

    def of(self, sql: Sql, entry: EntryId) -> HeldWord | None:
        """Give the last word on an entry."""
        words = self._load(sql) if self._words is None else self._words
        known = words.get(entry) if words else None
        return None if known is None else known[1]

    def is_dismissed(self, sql: Sql, entry: EntryId) -> bool:
        """Say whether an entry is to have no effect, and to be shown to nobody any more."""
        return isinstance(self.of(sql, entry), Dismissed)

    def named(self, sql: Sql) -> set[str]:
        """Give the ids, as text, of the entries that were spoken of."""
        return {str(entry) for entry in (self._load(sql) if self._words is None else self._words)}

    def take(self, sql: Sql, teller: EpochRow, seq: int, line: bytes, word: HeldWord, epochs: EpochRows) -> None:
        """Take an entry of the journal; its target is read again if it has come. Raises `BadInput` for a bad id."""
        entry = EntryId.parse(word.target)
        sql.executemany(_PUT, [(word.target, teller.id, seq, line)])
        words = self._load(sql) if self._words is None else self._words
        self._keep(words, (teller.epoch.generation, seq), word)
        row = epochs.of_entry(sql, entry)
        if row is not None:
            sql.executemany(_RETRY, [(row.id, entry.seq)])

    def _load(self, sql: Sql) -> dict[EntryId, tuple[Number, HeldWord]]:
        self._words = {}
        for line, name, seq in sql.execute(_ALL):
            word = decode_journal_entry(line)
            if isinstance(word, HeldWord):
                self._keep(self._words, (Epoch.parse(name).generation, seq), word)
        return self._words

    @staticmethod
    def _keep(words: dict[EntryId, tuple[Number, HeldWord]], number: Number, word: HeldWord) -> None:
        entry = EntryId.parse(word.target)
        known = words.get(entry)
        if known is None or known[0] <= number:
            words[entry] = number, word


def due(sql: Sql, most: int) -> list[tuple[int, int]]:
    """Take epoch row and seq of some entries that are to be read again though the books may not know them."""
    found: list[tuple[int, int]] = [(row[0], row[1]) for row in sql.execute(_DUE).fetchmany(most)]
    sql.executemany(_DONE, found, ("epoch", "seq"))
    return found


def retry_if_read_otherwise(sql: Sql, rules: CodeRules) -> None:
    """Have all that is held back read again if another release, or other rules for codes, read the lines so far."""
    kinds = sorted(str(kind.__struct_config__.tag) for kind in get_args(StationEntry | JournalEntry))
    reader = f"{version('shelfwire')} {' '.join(kinds)} {rules!r}"
    if meta.read(sql, READER) == reader:
        return
    sql.executemany(_RETRY, sql.execute(_HELD).fetchall())
    meta.write(sql, READER, reader)
