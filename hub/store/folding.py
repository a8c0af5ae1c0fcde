"""The fold's pass over committed chunks: lines read, clocks fitted, codes resolved, books and feed written.

One cursor runs over the chunks of all logs in the order of their arrival, which keeps each log's own order. Beside
what is new, a pass reads entries again whose time or item is known better now.

    chunk ─ decode ─┬─ anchors, marks, catalogue rows
                    └─ stock events ─ time ─ item ─> hub.ledger.fold ─┬─> entry, scope, count rows
                                                                     └─> feed

Beyond 300 lines because it is one pass: what may be done before what else is read in its order, here alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple

from sqlalchemy import select

from hub.ledger.timefit import Timed
from hub.store import chunks, held_words, own_fields, progress, quarantine, tables
from hub.store.announcing import Announcing
from hub.store.basket_ends import BasketEnds
from hub.store.baskets import Baskets
from hub.store.beside import Beside
from hub.store.books import StoredBooks
from hub.store.chunks import Chunk
from hub.store.counting import CountSessions
from hub.store.epochs import JOURNAL, EpochRow, EpochRows
from hub.store.filing import Filer, Filing
from hub.store.handing_on import HandingOn
from hub.store.hq_logs import NOT_LINES, HqLogs
from hub.store.lines import Lines, ReadOf
from hub.store.live_rows import LiveRows
from hub.store.misread import READ_AGAIN
from hub.store.own_rows import OwnRows
from hub.store.quarantine import Bad
from hub.store.reader_logs import HQ_CATALOGUE, HQ_DOCUMENTS, LogCommit, NewEntries
from hub.store.rereading import Rereader
from hub.store.short_way import ShortWay
from hub.store.sql import Sql
from hub.store.stated import Stated
from hub.store.statements import given
from hub.store.sweeping import Sweeping
from hub.store.tagging import Tags
from hub.store.transfers import Transfers
from hub.store.unlogged import Unlogged
from hub.store.views import FoldProgress
from hub.store.words import WORDS_BEGIN, Word, Words
from protocol.dated_words import SourceDeclared
from protocol.errors import BadInput
from protocol.events import Anchor, Delta, ShelfCounted, encode_entry
from protocol.period_words import PeriodWord

ANCHOR_BEGINS = b'["a"'
SOURCE_BEGINS = b'["O"'
BATCH = 4_000
"""Entries folded at a time: of more, what was made for the first has left the processor's cache when it is written."""
MOST_UNWRITTEN = 25_000
"""Scopes changed by a transaction: to write so many takes a quarter of a second, and no other can come in between."""
SWEEPS = 20
"""Passes of sessions counted by their sweeps in one transaction: each takes a fraction of a second."""
_CAUSE: Final = select(tables.entry.c.cause).where(
    tables.entry.c.epoch == given("epoch", tables.entry.c.epoch), tables.entry.c.seq == given("seq", tables.entry.c.seq)
)


class _Unusual(NamedTuple):
    """What did not go the short way, what cannot go into the books, by log: entries
    passed, entries booked; and what was said of closed periods."""

    filings: list[Filing]
    bad: list[Bad]
    passed: Counter[int]
    moved: Counter[int]
    periods: list[tuple[str, PeriodWord]]


class Fold:
    """Folds on the writer's connection. What it remembers between transactions is dropped by `forget`."""

    def __init__(
        self,
        epochs: EpochRows,
        lines: Lines,
        live: LiveRows,
        books: StoredBooks,
        filer: Filer,
        transfers: Transfers,
        words: Words,
        journal: OwnRows,
        counting: CountSessions,
        tags: Tags,
        sweeping: Sweeping,
        stated: Stated,
        announcing: Announcing,
        unlogged: Unlogged,
    ) -> None:
        self._epochs = epochs
        self._lines = lines
        self._books = books
        self._filer = filer
        self._transfers = transfers
        self._words = words
        self._journal = journal
        self._counting = counting
        self._tags = tags
        self._sweeping = sweeping
        self._stated = stated
        self._announcing = announcing
        self._hq_logs = HqLogs(live, transfers, stated)
        self._baskets = Baskets(epochs, lines.clocks)
        self._basket_ends = BasketEnds(self._baskets, lines, unlogged)
        self._beside = Beside(lines.clocks, {ShelfCounted: counting.shelf_counted})
        self._handing_on = HandingOn(lines, transfers, words, stated, counting, self._beside, tags, self._baskets)
        self._rereader = Rereader(epochs, books, lines, self._beside, tags)
        self._short = ShortWay(lines, books.standings, tags.names_unit)

    def committed(self, connection: Sql) -> None:
        """A transaction is durable, and so is what is remembered of it."""

    def undone(self) -> None:
        """A transaction did not happen: read everything from the file again when next asked."""
        self._epochs.forget()
        self._lines.forget()
        self._filer.forget()
        self._transfers.forget()
        self._stated.forget()
        self._counting.forget()
        self._tags.forget()
        self._baskets.forget()

    def look_ahead(self, connection: Sql, new: Sequence[NewEntries]) -> None:
        """Take anchors and words on places among what was just committed, before their turn: so few are read twice."""
        clocks = self._lines.clocks
        for part in new:
            epoch = self._epochs.by_id(connection, part.epoch)
            for seq, line in enumerate(part.lines, part.first):
                if line.startswith((ANCHOR_BEGINS, *WORDS_BEGIN)):
                    try:
                        event = self._lines.decode(epoch, line)
                    except BadInput:
                        # The fold comes to it and holds it back.
                        continue
                    if isinstance(event, Anchor):
                        clocks.take(connection, epoch, seq, event)
                    elif isinstance(event, Word):
                        self._words.take(connection, epoch, seq, line, event)
        clocks.settle(connection)
        self._words.misread.note(connection)

    def take_snapshot(self, connection: Sql, whole: LogCommit, now_us: int) -> None:
        """Take the whole of head office's catalogue; rows that came before it and wait for the fold are passed by."""
        self._hq_logs.snapshot(connection, whole, now_us)

    def some(self, connection: Sql, max_entries: int, awaited: Callable[[], bool], now_us: int) -> FoldProgress:
        """Do one pass: new chunks of about `max_entries`, then as much again of what wants rereading.

        It goes a small batch after the other, and ends with the one under way when another transaction is `awaited`.
        """
        at = progress.cursor(connection)
        entries = moved = held = 0
        while entries < max_entries:
            fresh = chunks.to_fold(connection, at, min(BATCH, max_entries - entries))
            if not fresh:
                break
            self._books.begin(connection)
            rest, booked = self._read(connection, fresh, now_us)
            held += len(rest.bad) + self._file(connection, rest.filings, now_us)
            self._settle(connection, now_us)
            moved += booked
            entries += sum(len(chunk.lines) for chunk in fresh)
            at = fresh[-1].id
            if awaited() or self._books.unwritten > MOST_UNWRITTEN:
                break
        if entries:
            progress.move_cursor(connection, at)
        self._note_misread(connection)
        if progress.left(connection).again:
            self._again(connection, at, max_entries, awaited, now_us)
            self._tags.take_due(connection, max_entries)
        self._settle(connection, now_us)
        self._books.write_scopes()
        left = progress.left(connection)
        if left.sweeps and not left.before_sweeps:
            self._count_sweeps(connection, now_us)
            left = progress.left(connection)
        if not left.lag:
            self._end_baskets(connection, now_us)
            self._transfers.write_off(connection, self._journal, now_us)
            self._correct(connection, now_us)
            self._stated.judge_counted(connection)
            written = own_fields.due(connection, now_us)
            self._journal.append(connection, [encode_entry(each) for each in written], now_us)
            left = progress.left(connection)
            if not left.lag:
                # The feed, to which this may append, is no log that is folded.
                self._announcing.tell(connection, now_us)
                self._filer.note_whole(connection)
        return FoldProgress(entries, moved, held, left.lag)

    def _note_misread(self, connection: Sql) -> None:
        if self._words.misread:
            # What an area's books hold is found by the rows of its scopes.
            self._books.begin(connection)
            self._books.write_scopes()
            self._words.misread.note(connection)

    def _again(self, connection: Sql, folded: int, room: int, awaited: Callable[[], bool], now_us: int) -> None:
        """Read entries again: those whose clock is known better or whose place is of another area, then those whose
        code means something else."""
        self._retry(connection, folded, room, now_us)
        while room > 0:
            batch = min(BATCH, room)
            self._books.begin(connection)
            again, left = self._rereader.times(connection, folded, batch)
            self._file(connection, again, now_us)
            room -= batch - left
            if left > 0 or awaited():
                break
        self._books.begin(connection)
        # What was scanned by a code is found by the rows of its scopes.
        self._books.write_scopes()
        self._file(connection, self._rereader.items(connection, room), now_us)
        self._books.begin(connection)
        self._file(connection, self._rereader.documents(connection, room), now_us)
        if self._counting.again(connection, room) < room:
            self._books.begin(connection)
            self._file(connection, (), now_us)

    def _correct(self, connection: Sql, now_us: int) -> None:
        """Post what came to be known of closed periods."""
        self._books.begin(connection)
        lines = self._words.periods.corrections(connection, self._books, now_us)
        self._journal.append(connection, [encode_entry(line) for line in lines], now_us)
        self._books.write_scopes()

    def _retry(self, connection: Sql, folded: int, room: int, now_us: int) -> None:
        """Read entries again that people spoke of, or that another release held back: they may be news to the books."""
        due = held_words.due(connection, room)
        if not due:
            return
        self._books.begin(connection)
        rest = _Unusual([], [], Counter(), Counter(), [])
        read_of = self._lines.reader(connection)
        for row, seq in due:
            chunk = chunks.holding(connection, row, seq)
            epoch = self._epochs.by_id(connection, row)
            if chunk is None or chunk.id > folded or chunk.flag is not None or epoch.log_name in NOT_LINES:
                continue
            line = chunk.lines[seq - chunk.first]
            dismissed = self._words.held.is_dismissed(connection, epoch.entry(seq))
            if dismissed:
                quarantine.release(connection, row, seq, now_us)
            kept = self._books.kept_range(row, seq, seq).get(seq)
            if kept is not None:
                again = self._rereader.one(connection, read_of, row, seq, chunk)
                rest.filings.extend(again)
                cause = connection.execute(_CAUSE, {"epoch": row, "seq": seq}).fetchone()
                without_effect = not kept.read.known or (cause is not None and cause[0] is not None)
                if without_effect and not again and not dismissed:
                    quarantine.hold_again(connection, row, seq)
                continue
            refused = len(rest.bad)
            before = self._lines.before(connection, epoch, seq)
            self._leave(rest, read_of, connection, epoch, seq, line, before)
            self._lines.clocks.set_head(row, None)
            if len(rest.bad) > refused:
                if not dismissed:
                    quarantine.hold_again(connection, row, seq)
            else:
                quarantine.release(connection, row, seq, now_us)
                # Those after it may have to stand higher now.
                connection.executemany(READ_AGAIN, [(row, seq, seq)])
        progress.folded(connection, dict.fromkeys(rest.moved, 0), rest.moved)
        self._file(connection, rest.filings, now_us)

    def _file(self, connection: Sql, filings: Sequence[Filing], now_us: int) -> int:
        """File entries and what they mean to count sessions; tell how many are of unknown codes."""
        self._transfers.filed(connection, (filing.read.entry for filing in filings))
        held = 0
        batch = self._counting.filings(connection, filings)
        # Of scopes first heard of, complete counts speak however old they are.
        while batch or (batch := self._counting.unseen(connection)):
            held += self._filer.file(connection, batch, now_us)
            self._books.begin(connection)
            batch = []
        self._tags.filed(connection, [filing.read.entry for filing in filings])
        return held

    def _settle(self, connection: Sql, now_us: int) -> None:
        """Write what was told beside the movements, of sources, baskets and tags, and file what tags moved."""
        self._lines.sources.write(connection)
        self._baskets.write(connection)
        self._books.begin(connection)
        moved = self._tags.settle(connection)
        if moved:
            self._file(connection, moved, now_us)

    def _end_baskets(self, connection: Sql, now_us: int) -> None:
        """File what people said became of baskets, once all that is known of them is folded."""
        self._books.begin(connection)
        ended = self._basket_ends.settle(connection)
        if ended:
            self._file(connection, ended, now_us)
            self._books.write_scopes()

    def _count_sweeps(self, connection: Sql, now_us: int) -> None:
        """Count by tags, once all that is known of them is folded."""
        if self._sweeping.settle(connection, SWEEPS):
            self._books.begin(connection)
            self._file(connection, (), now_us)
            self._books.write_scopes()

    def _read(self, connection: Sql, fresh: Sequence[Chunk], now_us: int) -> tuple[_Unusual, int]:
        """Read new chunks, filing what goes the short way; give the rest, and how many entries went into the books."""
        self._short.begin()
        rest = _Unusual([], [], Counter(), Counter(), [])
        leave = partial(self._leave, rest, self._lines.reader(connection))
        awaited = self._filer.awaited(connection) | self._words.held.named(connection)
        taken: list[tuple[EpochRow, Chunk]] = []
        # First what codes mean: then no entry of these chunks has to be read again for them.
        for chunk in fresh:
            epoch = self._epochs.by_id(connection, chunk.epoch)
            rest.passed[epoch.log] += len(chunk.lines)
            if chunk.flag is not None:
                error = BadInput(quarantine.REFUSED_FRAME, chunk.flag)
                rest.bad.append(Bad(epoch, chunk.first, chunk.lines[0], error))
            elif epoch.log_name == HQ_CATALOGUE:
                # Which entries that concerns is found by the rows of their scopes.
                self._books.write_scopes()
                rest.bad.extend(self._hq_logs.catalogue(connection, epoch, chunk, now_us))
            elif epoch.log_name == HQ_DOCUMENTS:
                rest.bad.extend(self._hq_logs.documents(connection, epoch, chunk))
            else:
                if epoch.log_name == JOURNAL:
                    self._take_declared(connection, epoch, chunk)
                taken.append((epoch, chunk))
        for epoch, chunk in taken:
            if epoch.log_name == JOURNAL:
                for seq, line in enumerate(chunk.lines, chunk.first):
                    leave(connection, epoch, seq, line)
            else:
                seqs = {int(name[len(epoch.prefix) :]) for name in awaited if name.startswith(epoch.prefix)}
                # Those that are left count themselves meanwhile.
                short = self._short.take(connection, epoch, chunk, seqs, leave)
                rest.moved[epoch.log] += short
                self._tags.take(connection, epoch, self._short.heard)
                for seq, put_in in self._short.put_in:
                    self._baskets.take(connection, epoch, seq, chunk.lines[seq - chunk.first], put_in)
        self._filer.file_short(connection, self._short, now_us)
        for name, word in rest.periods:
            self._filer.tell_of_period(connection, name, word, now_us)
        for epoch, seq, line, error in rest.bad:
            quarantine.hold(connection, epoch.id, seq, error.name, error.detail, line, now_us)
            if self._words.held.is_dismissed(connection, epoch.entry(seq)):
                quarantine.release(connection, epoch.id, seq, now_us)
        progress.folded(connection, rest.passed, rest.moved)
        return rest, sum(rest.moved.values())

    def _take_declared(self, connection: Sql, epoch: EpochRow, chunk: Chunk) -> None:
        """Take the sources that a chunk of the journal declares; what cannot be read is judged when its turn comes."""
        for seq, line in enumerate(chunk.lines, chunk.first):
            if line.startswith(SOURCE_BEGINS):
                try:
                    said = self._lines.decode(epoch, line)
                except BadInput:
                    continue
                if isinstance(said, SourceDeclared):
                    self._lines.sources.take(connection, epoch, seq, said)

    def _leave(
        self,
        rest: _Unusual,
        read_of: ReadOf,
        connection: Sql,
        epoch: EpochRow,
        seq: int,
        line: bytes,
        before: Timed | None = None,
    ) -> None:
        """Take an entry that does not go the short way; `before` is the time of the one before it, if not the last."""
        lines = self._lines
        try:
            event = lines.decode(epoch, line)
            timed = lines.timed(connection, epoch, seq, event, before or lines.head(connection, epoch))
            if timed is None:
                self._handing_on.take(connection, epoch, seq, line, event, before)
                if isinstance(event, PeriodWord):
                    rest.periods.append((f"{epoch.prefix}{seq}", event))
                return
            read = read_of(epoch, seq, event, timed, 0)
        except BadInput as error:
            rest.bad.append(Bad(epoch, seq, line, error))
            return
        if read is not None:
            if type(event) is Delta:
                self._tags.take_deal(epoch, seq, event, read.entry)
            lines.clocks.set_head(epoch.id, timed)
            rest.filings.append(Filing(epoch, seq, read, line, None))
            rest.moved[epoch.log] += 1
