"""The books as rows: what the ledger's fold asks of its keeper, and the writing of what it answers."""

# ruff: noqa: S608 - what is put into SQL text here are this package's own lists of columns

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence

from hub.errors import ContractBroken
from hub.ledger.entries import Delta, Entry, Key, Scope
from hub.ledger.figures import NEVER_US, CountFigure, ScopeState
from hub.store import scope_rows
from hub.store.entry_rows import INSERT_PLAIN, REPLACE_ENTRY, SELECT_ENTRY, Kept, Row, from_row
from hub.store.epochs import EpochRow, EpochRows
from hub.store.reading import NO_ITEM
from hub.store.scope_rows import SELECT_COUNT
from protocol.identity import EntryId, ItemId, PlaceId

_REMEMBERED = 50_000


class SqliteBooks:
    """Implements `hub.ledger.figures.Books` on the writer's connection, within one transaction at a time.

    Figures of scopes are remembered between transactions; `forget` after one that did not happen. Those that batches
    change are written once a transaction, by `write_scopes`. The fold asks `related` for every id of a batch, though
    all but a few are new by the cursor: `suspect` says which may be known.
    """

    def __init__(self, epochs: EpochRows) -> None:
        self._epochs = epochs
        self._states: dict[Scope, tuple[int, ScopeState | None]] = {}
        self._scopes: dict[int, Scope] = {}
        self._next_scope: int | None = None
        # What the file holds of the scopes that differ from it, None where it has no row.
        self._filed: dict[Scope, ScopeState | None] = {}
        self._connection: sqlite3.Connection | None = None
        self._suspects: Sequence[EntryId] = ()
        self._loaded: dict[EntryId, Kept] = {}

    def forget(self) -> None:
        """Read everything from the file again when next asked."""
        self._states.clear()
        self._scopes.clear()
        self._filed.clear()
        self._next_scope = None

    def begin(self, connection: sqlite3.Connection) -> None:
        """Start a batch."""
        self._connection = connection
        self._suspects = ()
        self._loaded = {}

    def suspect(self, identities: Sequence[EntryId]) -> None:
        """Say which ids of the batch may be of entries that are known, or named by reversals that are."""
        self._suspects = identities

    # What the fold asks

    def state(self, scope: Scope) -> ScopeState | None:
        """See `Books.state`."""
        return self._state(scope)[1]

    def related(self, ids: Sequence[EntryId]) -> Iterable[Entry]:
        """See `Books.related`."""
        found: dict[EntryId, Entry] = {}
        for identity in self._suspects:
            kept = self.kept(identity)
            if kept is not None:
                found[identity] = kept.read.entry
            for row in self._sql.execute(
                f"{SELECT_ENTRY} WHERE kind = 2 AND reverses = ?", (str(identity),)
            ).fetchall():
                reversal = self._remember(row).read.entry
                found[reversal.id] = reversal
        return list(found.values())

    def deltas_between(self, scope: Scope, low: Key | None, high: Key | None) -> Iterable[Delta]:
        """See `Books.deltas_between`."""
        rows = self._sql.execute(
            f"{SELECT_ENTRY} WHERE scope = ? AND kind = 0 AND reversed_by IS NULL AND key_us BETWEEN ? AND ?",
            (
                self.scope_row(scope),
                NEVER_US if low is None else low.t_us,
                -NEVER_US if high is None else high.t_us,
            ),
        )
        entries = [self._kept(row).read.entry for row in rows.fetchall()]
        return [entry for entry in entries if isinstance(entry, Delta)]

    def counts_back_to(self, scope: Scope, key: Key, below: Key) -> Iterable[CountFigure]:
        """See `Books.counts_back_to`."""
        row = self.scope_row(scope)
        rows = self._sql.execute(
            f"""{SELECT_COUNT} WHERE scope = ?1 AND t_us <= ?2 AND t_us >= coalesce(
                (SELECT max(t_us) FROM count_figure WHERE scope = ?1 AND t_us < ?3), {NEVER_US})""",
            (row, below.t_us, key.t_us),
        )
        return [self._figure(scope, row) for row in rows.fetchall()]

    # What the store asks

    def kept(self, identity: EntryId) -> Kept | None:
        """Give an entry of the books as of the end of the batch before."""
        known = self._loaded.get(identity)
        if known is None:
            epoch = self._epochs.of_entry(self._sql, identity)
            if epoch is None:
                return None
            row = self._sql.execute(f"{SELECT_ENTRY} WHERE epoch = ? AND seq = ?", (epoch.id, identity.seq)).fetchone()
            return None if row is None else self._remember(row)
        return known

    def kept_range(self, epoch: int, first: int, last: int) -> dict[int, Kept]:
        """Give the entries of an epoch row from seq `first` to `last`, by seq."""
        rows = self._sql.execute(
            f"{SELECT_ENTRY} WHERE epoch = ? AND seq BETWEEN ? AND ?", (epoch, first, last)
        ).fetchall()
        return {row[1]: self._remember(row) for row in rows}

    def places_of_code(self, item: ItemId, code: str, from_us: int) -> list[tuple[int, int]]:
        """Give the epoch rows and seqs of an item's entries scanned by `code` at `from_us` (UTC) or later, in order."""
        return self._sql.execute(
            """SELECT entry.epoch, entry.seq FROM scope JOIN entry ON entry.scope = scope.id
               WHERE scope.item = ?1 AND (?1 <> '' OR scope.area = ?2) AND key_us >= ?3 AND kind < 2 AND code = ?2
               ORDER BY entry.epoch, entry.seq""",
            (item, code, from_us),
        ).fetchall()

    def scopes(self) -> list[Scope]:
        """List the scopes of items that have entries; one whose entries all moved elsewhere is as good as none."""
        rows = self._sql.execute(
            """SELECT item, area FROM scope
               WHERE item <> ? AND EXISTS (SELECT 1 FROM entry WHERE entry.scope = scope.id)""",
            (NO_ITEM,),
        )
        return [Scope(ItemId(item), PlaceId(area)) for item, area in rows]

    def counts(self, scope: Scope) -> list[CountFigure]:
        """List the counts of a scope that stand."""
        rows = self._sql.execute(f"{SELECT_COUNT} WHERE scope = ?", (self.scope_row(scope),))
        return [self._figure(scope, row) for row in rows.fetchall()]

    def entries(self) -> Iterator[Kept]:
        """Walk all entries, but for those that their log has carried on under other ids."""
        for row in self._sql.execute(f"{SELECT_ENTRY} WHERE seq <= (SELECT head FROM epoch WHERE id = entry.epoch)"):
            yield self._kept(row)

    def change_scopes(self, states: Sequence[ScopeState]) -> None:
        """Replace the figures of scopes; `write_scopes` writes them."""
        filed, known = self._filed, self._states
        for state in states:
            scope = state.scope
            row, before = self._state(scope)
            if scope not in filed:
                filed[scope] = before
            known[scope] = (row, state)

    def write_scopes(self) -> None:
        """Write the figures that changed; a scope that was asked for and has none gets a row of zeros.

        Belongs at the end of a transaction, and before whatever looks for scopes by SQL.
        """
        new: list[Row] = []
        changed: list[Row] = []
        moved: list[Row] = []
        for scope, before in self._filed.items():
            row, state = self._states[scope]
            if state is None:
                state = ScopeState(scope)
                self._states[scope] = (row, state)
            elif before is not None and scope_rows.moves_alone(before, state):
                moved.append(scope_rows.moved(state, row))
                continue
            figures = scope_rows.figures(state, (None, None) if state.anchor is None else self._place(state.anchor.id))
            if before is None:
                new.append((row, *scope, *figures))
            else:
                changed.append((*figures, row))
        self._sql.executemany(scope_rows.INSERT_SCOPE, new)
        self._sql.executemany(scope_rows.UPDATE_SCOPE, changed)
        self._sql.executemany(scope_rows.UPDATE_MOVED, moved)
        self._filed.clear()
        if len(self._states) > _REMEMBERED:
            self._states.clear()
        if len(self._scopes) > _REMEMBERED:
            self._scopes.clear()

    def write_counts(self, figures: Sequence[CountFigure], dropped: Sequence[EntryId]) -> None:
        """Remove the figures of counts that stand no longer, then replace those that changed."""
        self._sql.executemany(
            "DELETE FROM count_figure WHERE epoch = ? AND seq = ?", [self._place(identity) for identity in dropped]
        )
        self._sql.executemany(
            scope_rows.REPLACE_COUNT,
            [scope_rows.count_row(figure, self._place(figure.id), self.scope_row(figure.scope)) for figure in figures],
        )

    def scope_row(self, scope: Scope) -> int:
        """Give the row of a scope, which may not be written yet."""
        return self._state(scope)[0]

    def write_entries(self, plain: Sequence[Row], others: Sequence[Row]) -> None:
        """Insert rows of `to_plain_row`; insert rows of `to_row` or put them in the place of what is kept."""
        self._sql.executemany(INSERT_PLAIN, plain)
        self._sql.executemany(REPLACE_ENTRY, others)

    def tell_again(self, identity: EntryId) -> None:
        """Count one more statement about an entry that is otherwise unchanged."""
        self._sql.execute("UPDATE entry SET told = told + 1 WHERE epoch = ? AND seq = ?", self._place(identity))

    # Rows

    @property
    def _sql(self) -> sqlite3.Connection:
        if self._connection is None:
            raise ContractBroken("no batch was begun")
        return self._connection

    def _place(self, identity: EntryId) -> tuple[int, int]:
        epoch = self._epochs.of_entry(self._sql, identity)
        if epoch is None:
            raise ContractBroken(f"{identity} belongs to an epoch that never came")
        return epoch.id, identity.seq

    def _state(self, scope: Scope) -> tuple[int, ScopeState | None]:
        known = self._states.get(scope)
        if known is None:
            known = self._states[scope] = self._load(scope)
        return known

    def _load(self, scope: Scope) -> tuple[int, ScopeState | None]:
        row = self._sql.execute(scope_rows.SELECT_SCOPE, scope).fetchone()
        if row is None:
            identity: int
            if self._next_scope is None:
                identity = self._sql.execute("SELECT coalesce(max(id), 0) + 1 FROM scope").fetchone()[0]
            else:
                identity = self._next_scope
            self._next_scope = identity + 1
            self._filed[scope] = None
            self._scopes[identity] = scope
            return identity, None
        anchor = None
        if row[1] is not None:
            figure = self._sql.execute(f"{SELECT_COUNT} WHERE epoch = ? AND seq = ?", row[1:3]).fetchone()
            anchor = self._figure(scope, figure)
        return row[0], scope_rows.to_state(row, scope, anchor)

    def _scope_of(self, row: int) -> Scope:
        known = self._scopes.get(row)
        if known is None:
            item, area = self._sql.execute("SELECT item, area FROM scope WHERE id = ?", (row,)).fetchone()
            known = self._scopes[row] = Scope(ItemId(item), PlaceId(area))
        return known

    def _figure(self, scope: Scope, row: Row) -> CountFigure:
        return scope_rows.to_figure(row, self._epoch(row[0]).entry(row[1]), scope)

    def _epoch(self, row: int) -> EpochRow:
        return self._epochs.by_id(self._sql, row)

    def _remember(self, row: Row) -> Kept:
        kept = self._kept(row)
        self._loaded[kept.read.entry.id] = kept
        return kept

    def _kept(self, row: Row) -> Kept:
        scope = None if row[3] is None else self._scope_of(row[3])
        return from_row(row, self._epoch(row[0]).entry(row[1]), scope)
