"""The books as rows: what the ledger's fold asks of its keeper, and the writing of what it answers.

A delta that is plain (`hub.store.pages`) is kept in a page, all else has a row in `entry`; none is in both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Executable, bindparam, exists, or_, select

from hub.errors import ContractBroken
from hub.ledger.entries import Delta, Entry, Key, Scope
from hub.ledger.figures import NEVER_US, CountFigure, ScopeState
from hub.store import entry_rows, pages, scope_rows, tables, tails
from hub.store.entry_rows import DELTA, REVERSAL, Kept, Row, from_row
from hub.store.epochs import EpochRow, EpochRows
from hub.store.pages import Page, PageRow
from hub.store.reading import NO_ITEM
from hub.store.sql import Sql
from hub.store.standing import Sort
from hub.store.standings import Standings
from hub.store.statements import given
from hub.store.tails import Pages
from protocol.identity import EntryId, ItemId, PlaceId

_scope, _entry, _sort = tables.scope, tables.entry, tables.sort
_BY_CODE: Final = (
    select(_entry.c.epoch, _entry.c.seq)
    .select_from(_scope.join(_entry, _entry.c.scope == _scope.c.id))
    .where(
        _scope.c.item == bindparam("item"),
        or_(given("item", _scope.c.item) != NO_ITEM, _scope.c.area == bindparam("code")),
        _entry.c.key_us >= bindparam("from_us"),
        _entry.c.kind < REVERSAL,
        _entry.c.code == bindparam("code"),
    )
)
_TAILS_BY_CODE: Final = select(_scope.c.id, _scope.c.tail).where(
    _scope.c.item == bindparam("item"), exists().where(_sort.c.scope == _scope.c.id, _sort.c.code == bindparam("code"))
)
_SCOPES: Final = select(_scope.c.item, _scope.c.area).where(
    _scope.c.item != NO_ITEM, or_(_scope.c.plain > 0, exists().where(_entry.c.scope == _scope.c.id))
)
_NO_VALUES: Final[Mapping[str, Any]] = {}


class StoredBooks:
    """Implements `hub.ledger.figures.Books` on the writer's connection, within one transaction at a time.

    Figures of scopes are remembered between transactions; `forget` after one that did not happen. Those that batches
    change are written once a transaction, by `write_scopes`. The fold asks `related` for every id of a batch, though
    all but a few are new by the cursor: `suspect` says which may be known.
    """

    def __init__(self, epochs: EpochRows) -> None:
        self._epochs = epochs
        self.standings = Standings(epochs)
        self._connection: Sql | None = None
        self._pages: Pages | None = None
        self._suspects: Sequence[EntryId] = ()
        self._loaded: dict[EntryId, Kept] = {}

    def forget(self) -> None:
        """Read everything from the file again when next asked."""
        self.standings.forget()

    def begin(self, connection: Sql) -> None:
        """Start a batch."""
        self._connection = connection
        self._pages = Pages(connection)
        self._suspects = ()
        self._loaded = {}

    def suspect(self, identities: Sequence[EntryId]) -> None:
        """Say which ids of the batch may be of entries that are known, or named by reversals that are."""
        self._suspects = identities

    # What the fold asks

    def state(self, scope: Scope) -> ScopeState | None:
        """See `Books.state`."""
        return self.standings.of(self._sql, scope).close()

    def related(self, ids: Sequence[EntryId]) -> Iterable[Entry]:
        """See `Books.related`."""
        if not self._suspects:
            return []
        reversals = self._rows(entry_rows.REVERSALS_OF, {"ids": [str(identity) for identity in self._suspects]})
        kept = [*self.known(self._suspects), *self._remember_all(reversals)]
        return list({each.read.entry.id: each.read.entry for each in kept}.values())

    def deltas_between(self, scope: Scope, low: Key | None, high: Key | None) -> Iterable[Delta]:
        """See `Books.deltas_between`."""
        standing = self.standings.of(self._sql, scope)
        low_us, high_us = NEVER_US if low is None else low.t_us, -NEVER_US if high is None else high.t_us
        rows = self._rows(entry_rows.STANDING_BETWEEN, {"scope": standing.row, "low": low_us, "high": high_us})
        kept = [self._kept(row) for row in rows]
        plain = tails.between(self._sql, self._read_pages, standing.row, standing.all_refs(), low_us, high_us)
        kept += [self._plain(found.page, found.place) for found in plain]
        return [each.read.entry for each in kept if isinstance(each.read.entry, Delta)]

    def undone_between(self, scope: Scope, low: Key, high: Key) -> Iterable[Delta]:
        """See `Books.undone_between`."""
        between = {"scope": self.scope_row(scope), "low": low.t_us, "high": high.t_us}
        kept = [self._kept(row) for row in self._rows(entry_rows.UNDONE_BETWEEN, between)]
        return [each.read.entry for each in kept if isinstance(each.read.entry, Delta)]

    def neighbours(self, scope: Scope, key: Key) -> tuple[CountFigure | None, CountFigure | None]:
        """See `Books.neighbours`. The counts at the same microsecond are told apart here, by their ids."""
        rows = self._rows(scope_rows.COUNTS_AROUND, {"scope": self.scope_row(scope), "t_us": key.t_us})
        figures = [self._figure(scope, row) for row in rows]
        before = max((figure for figure in figures if figure.key < key), key=lambda figure: figure.key, default=None)
        after = min((figure for figure in figures if figure.key >= key), key=lambda figure: figure.key, default=None)
        return before, after

    # What the store asks

    def kept(self, identity: EntryId) -> Kept | None:
        """Give an entry of the books as of the end of the batch before."""
        known = self._loaded.get(identity)
        if known is None:
            return next(iter(self.known([identity])), None)
        return known

    def known(self, identities: Sequence[EntryId]) -> list[Kept]:
        """Give those of the entries that the books know, as of the end of the batch before."""
        wanted: dict[int, dict[int, EntryId]] = {}
        for identity in identities:
            if identity not in self._loaded and (epoch := self._epochs.of_entry(self._sql, identity)) is not None:
                wanted.setdefault(epoch.id, {})[identity.seq] = identity
        for row, by_seq in wanted.items():
            for kept in self._remember_all(self._rows(entry_rows.OF_PLACES, {"epoch": row, "seqs": list(by_seq)})):
                del by_seq[kept.read.entry.id.seq]
            for seq in sorted(by_seq):
                page = self._read_pages.holding(row, seq)
                if page is not None and page.sort(seq - page.first):
                    self._loaded[by_seq[seq]] = self._plain(page, seq - page.first)
        return [known for identity in identities if (known := self._loaded.get(identity)) is not None]

    def kept_range(self, epoch: int, first: int, last: int) -> dict[int, Kept]:
        """Give the entries of an epoch row from seq `first` to `last`, by seq."""
        rows = self._rows(entry_rows.IN_RANGE, {"epoch": epoch, "first": first, "last": last})
        found = {each.read.entry.id.seq: each for each in self._remember_all(rows)}
        for page in self._read_pages.among(epoch, first, last):
            for seq in range(max(first, page.first), min(last + 1, page.end)):
                if page.sort(seq - page.first):
                    kept = self._plain(page, seq - page.first)
                    found[seq] = self._loaded[kept.read.entry.id] = kept
        return found

    def places_of_code(self, item: ItemId, code: str, from_us: int) -> list[tuple[int, int]]:
        """Give the epoch rows and seqs of an item's entries scanned by `code` at `from_us` (UTC) or later, in order."""
        asked = {"item": item, "code": code, "from_us": from_us}
        places: list[tuple[int, int]] = self._rows(_BY_CODE, asked)
        for row, tail in self._rows(_TAILS_BY_CODE, asked):
            places += [
                (found.page.epoch, found.seq)
                for found in tails.between(self._sql, self._read_pages, row, tail, from_us, -NEVER_US)
                if self._sort(found.page, found.place).code == code
            ]
        return sorted(places)

    def scopes(self) -> list[Scope]:
        """List the scopes of items that have entries; one whose entries all moved elsewhere is as good as none."""
        return [Scope(ItemId(item), PlaceId(area)) for item, area in self._rows(_SCOPES)]

    def counts(self, scope: Scope) -> list[CountFigure]:
        """List the counts of a scope that stand."""
        rows = self._rows(scope_rows.COUNTS_OF, {"scope": self.scope_row(scope)})
        return [self._figure(scope, row) for row in rows]

    def entries(self) -> Iterator[Kept]:
        """Walk all entries, but for those that their log has carried on under other ids."""
        for row in self._sql.walk(entry_rows.OF_EPOCHS):
            yield self._kept(row)
        for page in pages.oldest_first(self._sql):
            for place in range(page.n):
                if page.sort(place):
                    yield self._plain(page, place)

    def change_scopes(self, states: Sequence[ScopeState]) -> None:
        """Replace the figures of scopes; `write_scopes` writes them."""
        self.standings.change(self._sql, states)

    @property
    def unwritten(self) -> int:
        """Count the scopes that `write_scopes` would write."""
        return len(self.standings.touched)

    def write_scopes(self) -> None:
        """Write the figures that changed; a scope that was asked for and has none gets a row of zeros.

        Belongs at the end of a transaction, and before whatever looks for scopes by SQL.
        """
        self.standings.write(self._sql)

    def write_counts(self, figures: Sequence[CountFigure], dropped: Sequence[EntryId]) -> None:
        """Remove the figures of counts that stand no longer, then replace those that changed."""
        self._sql.executemany(scope_rows.DROP_COUNT, [self._place(identity) for identity in dropped], ("epoch", "seq"))
        self._sql.executemany(
            scope_rows.REPLACE_COUNT,
            [scope_rows.count_row(figure, self._place(figure.id), self.scope_row(figure.scope)) for figure in figures],
        )

    def scope_row(self, scope: Scope) -> int:
        """Give the row of a scope, which may not be written yet."""
        return self.standings.of(self._sql, scope).row

    def write_pages(self, rows: Sequence[PageRow]) -> None:
        """Add pages."""
        pages.insert(self._sql, rows)

    def write_entries(self, plain: Sequence[Row], others: Sequence[Row]) -> None:
        """Insert rows of `to_plain_row`; insert rows of `to_row` or put them in the place of what is kept."""
        self._strike([(row[0], row[1]) for row in others if row[2] == DELTA])
        self._sql.executemany(entry_rows.INSERT_PLAIN, plain)
        self._sql.executemany(entry_rows.REPLACE_ENTRY, others)

    def tell_again(self, identities: Sequence[EntryId]) -> None:
        """Count one more statement about counts that are otherwise unchanged."""
        places = [self._place(identity) for identity in identities]
        self._sql.executemany(entry_rows.TELL_AGAIN, places, ("in_epoch", "at_seq"))

    # Rows

    def _rows(self, statement: Executable, values: Mapping[str, Any] = _NO_VALUES) -> list[Any]:
        return self._sql.execute(statement, values).fetchall()

    @property
    def _sql(self) -> Sql:
        if self._connection is None:
            raise ContractBroken("no batch was begun")
        return self._connection

    @property
    def _read_pages(self) -> Pages:
        if self._pages is None:
            raise ContractBroken("no batch was begun")
        return self._pages

    def _place(self, identity: EntryId) -> tuple[int, int]:
        epoch = self._epochs.of_entry(self._sql, identity)
        if epoch is None:
            raise ContractBroken(f"{identity} belongs to an epoch that never came")
        return epoch.id, identity.seq

    def _sort(self, page: Page, place: int) -> Sort:
        return self.standings.sort_by_row(self._sql, page.sort(place))

    def _plain(self, page: Page, place: int) -> Kept:
        identity = self._epoch(page.epoch).entry(page.first + place)
        return self._sort(page, place).kept(identity, page, place)

    def _strike(self, places: Sequence[tuple[int, int]]) -> None:
        """Take entries, by epoch row and seq, out of their pages, those that are in one."""
        struck: dict[int, list[int]] = {}
        page: Page | None = None
        for epoch, seq in sorted(places):
            if page is None or page.epoch != epoch or seq >= page.end:
                page = self._read_pages.holding(epoch, seq)
            if page is not None and page.sort(seq - page.first):
                self.standings.strike(self._sort(page, seq - page.first).standing)
                struck.setdefault(page.id, []).append(seq - page.first)
        for number, gone in struck.items():
            self._read_pages.strike(self._read_pages.get(number), gone)

    def _figure(self, scope: Scope, row: Row) -> CountFigure:
        return scope_rows.to_figure(row, self._epoch(row[0]).entry(row[1]), scope)

    def _epoch(self, row: int) -> EpochRow:
        return self._epochs.by_id(self._sql, row)

    def _remember_all(self, rows: Sequence[Row]) -> list[Kept]:
        self.standings.look_up(self._sql, {row[3] for row in rows if row[3] is not None})
        every = [self._kept(row) for row in rows]
        self._loaded.update((kept.read.entry.id, kept) for kept in every)
        return every

    def _kept(self, row: Row) -> Kept:
        scope = None if row[3] is None else self.standings.by_row(self._sql, row[3]).scope
        return from_row(row, self._epoch(row[0]).entry(row[1]), scope)
