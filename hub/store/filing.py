"""Puts lines that were read into the books: folds a batch, writes what changed, and tells the feed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from hub.errors import ContractBroken
from hub.ledger.entries import Cause, Count, Delta, Entry, Reversal
from hub.ledger.figures import CountFigure, Filed, Outcome
from hub.ledger.fold import fold
from hub.store import quarantine
from hub.store.books import StoredBooks
from hub.store.entry_rows import AWAITED, Kept, Row, to_plain_row, to_row
from hub.store.epochs import EpochRow, EpochRows
from hub.store.feed_then import note_whole
from hub.store.own_rows import OwnRows
from hub.store.reading import Read
from hub.store.short_way import ShortWay
from hub.store.sql import Sql
from hub.store.standings import Standings
from hub.store.telling import Teller
from hub.store.words import Words
from protocol.identity import EntryId, StoreId
from protocol.period_words import PeriodWord


class Filing(msgspec.Struct, frozen=True, gc=False):
    """A line read, for the books; `old` is what the books hold of it so far, None if it is new."""

    epoch: EpochRow
    seq: int
    read: Read
    line: bytes
    old: Kept | None


class Filer:
    """Files batches on the writer's connection. `forget` after a transaction that did not happen."""

    def __init__(self, store: StoreId, epochs: EpochRows, books: StoredBooks, feed: OwnRows, words: Words) -> None:
        self._epochs = epochs
        self._books = books
        self._feed = feed
        self._words = words
        self._teller = Teller(store)
        self._orphans: set[str] | None = None

    def forget(self) -> None:
        """Read everything from the file again when next asked."""
        self._orphans = None
        self._books.forget()

    @property
    def standings(self) -> Standings:
        """The figures of scopes that the books have in memory."""
        return self._books.standings

    def awaited(self, connection: Sql) -> set[str]:
        """Give the ids, as text, that reversals name and nobody knows yet."""
        if self._orphans is None:
            self._orphans = {target for (target,) in connection.execute(AWAITED).fetchall()}
        return self._orphans

    def file_short(self, connection: Sql, short: ShortWay, now_us: int) -> None:
        """Write what went the short way since `StoredBooks.begin`; comes before `file`, which may take it back."""
        self._teller.begin(self._feed.view(connection).head.epoch)
        new, lines = short.filed(self._teller)
        self._books.write_pages(new)
        self._words.periods.filed_short(connection, short.moved())
        self._feed.append(connection, lines, now_us)
        short.let_go()

    def file(self, connection: Sql, batch: Sequence[Filing], now_us: int) -> int:
        """Fold a batch into the books, telling how many of it are of unknown codes.

        `StoredBooks.begin` comes before whatever looked up its `old`, `StoredBooks.write_scopes` after the last batch.
        """
        if not batch:
            return 0
        self._books.suspect(self._suspects(connection, batch))
        outcome = fold([filing.read.entry for filing in batch], self._books)
        self._teller.begin(self._feed.view(connection).head.epoch)
        lines = self._write(connection, batch, outcome, now_us)
        self._feed.append(connection, lines, now_us)
        if self._words.periods.last_us(connection) is not None:
            self._words.periods.filed(connection, self._concerned(batch))
        return self._hold(connection, batch, now_us)

    def note_whole(self, connection: Sql) -> None:
        """All is folded: from here on the feed tells all of these books."""
        note_whole(connection, self._feed.view(connection).head)

    def tell_of_period(self, connection: Sql, entry: str, word: PeriodWord, now_us: int) -> None:
        """Tell head office of a period declared final, or of a correction."""
        self._teller.begin(self._feed.view(connection).head.epoch)
        self._feed.append(connection, [self._teller.period(entry, word)], now_us)

    def _concerned(self, batch: Sequence[Filing]) -> Iterator[Entry]:
        """Give what a batch says, what was said before, and what it takes back."""
        for filing in batch:
            entry = filing.read.entry
            yield entry
            if filing.old is not None:
                yield filing.old.read.entry
            target = self._books.kept(entry.reverses) if isinstance(entry, Reversal) else None
            if target is not None:
                yield target.read.entry

    def _suspects(self, connection: Sql, batch: Sequence[Filing]) -> list[EntryId]:
        """Give the ids that the books may know. By the cursor a new line's is not, unless a reversal ran ahead."""
        orphans = self.awaited(connection)
        suspects: list[EntryId] = []
        for filing in batch:
            entry = filing.read.entry
            if filing.old is not None or (orphans and f"{filing.epoch.prefix}{filing.seq}" in orphans):
                suspects.append(entry.id)
            if type(entry) is Reversal:
                suspects.append(entry.reverses)
        return suspects

    def _write(self, connection: Sql, batch: Sequence[Filing], outcome: Outcome, now_us: int) -> list[bytes]:
        """Write all that changed; give the feed's lines."""
        books, teller = self._books, self._teller
        figures = {figure.id: figure for figure in outcome.counts}
        plain: list[Row] = []
        others: list[Row] = []
        lines: list[bytes] = []
        by_id: dict[EntryId, Filing] | None = None
        upcoming = iter(batch)
        expected = next(upcoming, None)
        for filed in outcome.filed:
            entry = filed.entry
            if expected is not None and entry is expected.read.entry:
                filing: Filing | None = expected
                expected = next(upcoming, None)
            else:
                if by_id is None:
                    by_id = {filing.read.entry.id: filing for filing in batch}
                filing = by_id.get(entry.id)
            if filing is None:
                epoch, code, told = self._known(connection, entry.id)
            else:
                epoch, code = filing.epoch, filing.read.code
                told = 0 if filing.old is None else filing.old.told
            if type(entry) is Delta and told == 0 and filed.reversed_by is None and entry.fit == 0:
                lines.append(teller.movement(f"{epoch.prefix}{entry.id.seq}", 1, entry, code, False))
                plain.append(to_plain_row(entry, epoch.id, books.scope_row(entry.scope), code))
                continue
            line = self._line(connection, epoch, filed, filing, code, told + 1, figures, now_us)
            if line is not None:
                lines.append(line)
                told += 1
            placed = filed.placed
            scope = None if placed is None else books.scope_row(placed.scope)
            others.append(to_row(filed, epoch.id, scope, code, told))
        books.write_entries(plain, others)
        lines += self._restated(connection, list(figures.values()))
        books.write_counts(outcome.counts, outcome.dropped)
        books.change_scopes(outcome.scopes)
        return lines

    def _line(
        self,
        connection: Sql,
        epoch: EpochRow,
        filed: Filed,
        filing: Filing | None,
        code: str | None,
        told: int,
        figures: dict[EntryId, CountFigure],
        now_us: int,
    ) -> bytes | None:
        """Write the feed's line about an entry, its statement number `told`; None if there is nothing to tell."""
        entry = filed.entry
        text = f"{epoch.prefix}{entry.id.seq}"
        if isinstance(entry, Delta):
            return self._teller.movement(text, told, entry, code, filed.reversed_by is not None)
        if isinstance(entry, Count):
            figure = figures.pop(entry.id, None)
            # One that stands no longer is told as voided; one that never stood is not told.
            if figure is None and filed.reversed_by is None and (entry.stands or told == 1):
                return None
            return self._teller.count(text, told, entry, code, figure)
        self._judge_reversal(connection, epoch, filed, entry, filing, now_us)
        return None

    def _restated(self, connection: Sql, figures: Sequence[CountFigure]) -> list[bytes]:
        """Tell of counts whose figures changed though nothing was filed about them."""
        lines: list[bytes] = []
        self._books.known(identities := [figure.id for figure in figures])
        for figure in figures:
            kept = self._books.kept(figure.id)
            epoch = self._epochs.of_entry(connection, figure.id)
            if kept is None or epoch is None or not isinstance(kept.read.entry, Count):
                raise ContractBroken(f"{figure.id} has figures and is no count of the books")
            text = f"{epoch.prefix}{figure.id.seq}"
            lines.append(self._teller.count(text, kept.told + 1, kept.read.entry, kept.read.code, figure))
        self._books.tell_again(identities)
        return lines

    def _known(self, connection: Sql, identity: EntryId) -> tuple[EpochRow, str | None, int]:
        kept = self._books.kept(identity)
        epoch = self._epochs.of_entry(connection, identity)
        if kept is None or epoch is None:
            raise ContractBroken(f"{identity} was filed and is neither new nor known")
        return epoch, kept.read.code, kept.told

    def _judge_reversal(
        self,
        connection: Sql,
        epoch: EpochRow,
        filed: Filed,
        reversal: Reversal,
        filing: Filing | None,
        now_us: int,
    ) -> None:
        """Hold a reversal back or release it, and remember those that wait for what they reverse."""
        seq, target = reversal.id.seq, str(reversal.reverses)
        if self._orphans is not None:
            if filed.cause is Cause.REVERSES_UNKNOWN:
                self._orphans.add(target)
            else:
                self._orphans.discard(target)
        if filed.cause is None:
            quarantine.release(connection, epoch.id, seq, now_us)
        else:
            body = b"" if filing is None else filing.line
            self._hold_back(connection, epoch, seq, filed.cause.value, target, body, now_us)

    def _hold(self, connection: Sql, batch: Sequence[Filing], now_us: int) -> int:
        """Hold entries of unknown codes back, counting them, and release those whose code means something now."""
        unknown: list[Filing] = []
        for filing in batch:
            old = filing.old
            if not filing.read.known:
                unknown.append(filing)
            elif old is not None and not old.read.known:
                quarantine.release(connection, filing.epoch.id, filing.seq, now_us)
        for filing in unknown:
            code = filing.read.code or ""
            reason = quarantine.UNKNOWN_ITEM
            self._hold_back(connection, filing.epoch, filing.seq, reason, code, filing.line, now_us)
        return len(unknown)

    def _hold_back(
        self, connection: Sql, epoch: EpochRow, seq: int, reason: str, detail: str, body: bytes, now_us: int
    ) -> None:
        quarantine.hold(connection, epoch.id, seq, reason, detail, body, now_us)
        if self._words.held.is_dismissed(connection, epoch.entry(seq)):
            quarantine.release(connection, epoch.id, seq, now_us)
