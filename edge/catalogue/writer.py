"""Changing the catalogue's file: deltas and snapshots, each one transaction. All of it runs in the writing thread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import Event
from typing import Any, Final

import apsw
import msgspec

from edge.catalogue.api import Applied
from edge.catalogue.errors import CatalogueFailing
from edge.catalogue.file import CONDEMNED, Damaged, open_writer
from protocol.catalogue import CodeLink, Item, Price, RowKind, Setting, decode_row
from protocol.catalogue_set import SetHash, set_hash
from protocol.errors import BadInput
from protocol.frames import MAX_LINE_BYTES
from protocol.replication.ports import ReaderState

STEP_ROWS: Final = 2000
"""Rows in hand at once, so that a snapshot needs no more memory than a delta."""
ASIDE_KEPT: Final = 256
PASSED_KEPT: Final = 1024
CHECKPOINT_PAGES: Final = 1000
NO_EPOCH: Final = "-"

_encode_state = msgspec.json.Encoder().encode
_decode_state = msgspec.json.Decoder(ReaderState).decode


@dataclass(frozen=True, slots=True)
class Standing:
    """What is durable besides the rows: replaced as a whole at every commit."""

    state: ReaderState
    hash: SetHash
    live: int
    aside: int


_STAND: Final = "insert or replace into standing values (1, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class _Table:
    """The statements of one table: `held` and `drop` bind the key, `put` and `add` a whole row, the line last."""

    held: str
    drop: str
    put: str
    add: str


def _table(name: str, owner: str, member: str, *columns: str) -> _Table:
    # Names of our own only; nothing from outside is ever put into a statement.
    add = f"insert into {name} values ({', '.join('?' * (2 + len(columns)))})"  # noqa: S608
    put = f"{add} on conflict do update set {', '.join(f'{column} = excluded.{column}' for column in columns)}"
    where = f"from {name} where {owner} = ? and {member} = ?"
    return _Table(f"select line {where}", f"delete {where}", put, add)


_GOODS: Final = _table("goods", "item", "id", "line")
_LINK: Final = _table("link", "code", "valid_from_us", "valid_to_us", "item", "factor_milli", "line")
_SETTING: Final = _table("setting", "scope", "key", "line")
_TABLES: Final = (_GOODS, _LINK, _SETTING)

_Key = tuple[str, str | int]
_Bound = tuple[*tuple[str | int | None, ...], bytes]
_Changes = dict[_Key, _Bound | None]
"""What becomes of each key: the values of its row, or None where it goes. The last line of a key counts."""
_Aside = tuple[str, int | None, str, bytes]


class CatalogueWriter:
    """The one connection that writes. Every method raises `CatalogueFailing` and then has changed nothing."""

    def __init__(self, path: Path) -> None:
        """Open the file. Raises `CatalogueUnusable`, `CatalogueFailing`."""
        self._connection, self.standing, self.begun_anew = open_writer(path, _begin, _stood)
        self._stopping = Event()
        self._wal_pages = 0
        # In place of SQLite's own, which would make the commit that reaches the limit wait for it.
        self._connection.set_wal_hook(self._count_pages)

    def close(self) -> None:
        """Checkpoint and close; twice is harmless."""
        self._connection.close()

    def stop(self) -> None:
        """Have a snapshot that is being taken given up; from any thread."""
        self._stopping.set()

    def apply(self, first: int, lines: Sequence[bytes], state: ReaderState, flagged: bool) -> Applied:
        """Take `lines` from seq `first` on, and `state`, in one transaction."""
        with self._guarded():
            return self._commit(state, [(first, lines)], flagged=flagged)

    def replace(self, parts: Iterable[Sequence[bytes]], state: ReaderState) -> Applied:
        """Put all of `parts` in the place of every row, and `state`, in one transaction."""
        with self._guarded():
            return self._commit(state, ((None, lines) for lines in parts), anew=True)

    @property
    def checkpoint_due(self) -> bool:
        """Whether so much lies in the WAL that reads get slower: each page is looked for in it first."""
        return self._wal_pages >= CHECKPOINT_PAGES

    def checkpoint(self) -> None:
        """Carry the WAL into the file. What it holds is durable already, so nobody need wait for this."""
        with self._guarded():
            self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            self._wal_pages = 0

    def audit(self) -> SetHash:
        """Hash the rows that are on disk."""
        with self._guarded():
            total = SetHash()
            for name in ("goods", "link", "setting"):
                rows = self._connection.execute(f"select line from {name}")  # noqa: S608  (our own names)
                while step := [row[0] for row in islice(rows, STEP_ROWS)]:
                    total += set_hash(step)
            return total

    def condemn(self) -> None:
        """Mark the file as damaged, so that the next opening begins anew."""
        try:
            self._connection.pragma("user_version", CONDEMNED)
        except apsw.Error:
            pass  # Then the damage is met again after the next opening.

    def _commit(
        self,
        state: ReaderState,
        parts: Iterable[tuple[int | None, Sequence[bytes]]],
        *,
        flagged: bool = False,
        anew: bool = False,
    ) -> Applied:
        epoch = NO_EPOCH if state.at is None else str(state.at.epoch)
        total, live, rows, aside = self.standing.hash, self.standing.live, 0, 0
        standing = self.standing
        with self._connection:
            if anew:
                self._connection.execute("delete from goods; delete from link; delete from setting")
                total, live = SetHash(), 0
            for seq, lines in parts:
                for start in range(0, len(lines), STEP_ROWS):
                    if self._stopping.is_set():
                        raise CatalogueFailing("the catalogue is closing")
                    step = lines[start : start + STEP_ROWS]
                    changes, bad = _read(step, epoch, None if seq is None else seq + start, flagged)
                    for table, changed in zip(_TABLES, changes, strict=True):
                        grown, added = self._write(table, changed, anew)
                        total, live = total + added, live + grown
                    self._put_aside(bad)
                    rows, aside = rows + len(step) - len(bad), aside + len(bad)
            standing = Standing(state, total, live, self.standing.aside + aside)
            self._stand(standing)
        self.standing = standing
        return Applied(rows, aside)

    def _write(self, table: _Table, changed: _Changes, anew: bool) -> tuple[int, SetHash]:
        """Change rows; tell how many more there are, and what to add to the set hash."""
        cursor = self._connection.cursor()
        put = [bound for bound in changed.values() if bound is not None]
        lines = set_hash([bound[-1] for bound in put])
        if anew and len(put) == len(changed):
            try:
                with self._connection:
                    cursor.executemany(table.add, put)
                return len(put), lines
            except apsw.ConstraintError:
                pass  # A key of an earlier step: go the long way.
        # In the order of the table, so that each of its pages is come to once.
        keys = sorted(changed)
        held = [row[0] for row in cursor.executemany(table.held, keys)]
        cursor.executemany(table.drop, [key for key in keys if changed[key] is None])
        cursor.executemany(table.put, [bound for key in keys if (bound := changed[key]) is not None])
        return len(put) - len(held), lines - set_hash(held)

    def _count_pages(self, connection: apsw.Connection, database: str, pages: int) -> int:
        self._wal_pages = pages
        return apsw.SQLITE_OK

    def _put_aside(self, bad: list[_Aside]) -> None:
        if bad:
            self._connection.executemany("insert into aside (epoch, seq, name, line) values (?, ?, ?, ?)", bad)
            self._connection.execute("delete from aside where n <= (select max(n) from aside) - ?", (ASIDE_KEPT,))

    def _stand(self, standing: Standing) -> None:
        at = standing.state.at
        self._connection.execute(_STAND, _bound(standing))
        if at is not None:
            self._connection.execute(
                "insert or replace into passed (epoch, seq, digest) values (?, ?, ?)",
                (str(at.epoch), at.seq, at.digest),
            )
            self._connection.execute("delete from passed where n <= (select max(n) from passed) - ?", (PASSED_KEPT,))

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except (apsw.CorruptError, apsw.NotADBError) as error:
            self.condemn()
            raise CatalogueFailing(f"damaged: {error}") from error
        except apsw.Error as error:
            raise CatalogueFailing(str(error)) from error


def _begin(connection: apsw.Connection) -> None:
    connection.execute(_STAND, _bound(Standing(ReaderState(), SetHash(), 0, 0)))


def _stood(connection: apsw.Connection) -> Standing:
    rows: list[tuple[Any, ...]] = connection.execute("select state, hash, live, aside from standing").fetchall()
    try:
        ((state, hashed, live, aside),) = rows
        return Standing(_decode_state(state), SetHash.parse(hashed), live, aside)
    except (ValueError, BadInput, msgspec.DecodeError) as error:
        raise Damaged(f"what stands in it cannot be read: {error}") from error


def _bound(standing: Standing) -> tuple[bytes, str, int, int]:
    return _encode_state(standing.state), str(standing.hash), standing.live, standing.aside


def _read(
    lines: Sequence[bytes], epoch: str, first: int | None, flagged: bool
) -> tuple[tuple[_Changes, _Changes, _Changes], list[_Aside]]:
    """Sort lines into what they change in `_TABLES`, and those that are no rows."""
    goods: _Changes = {}
    link: _Changes = {}
    setting: _Changes = {}
    bad: list[_Aside] = []
    by_kind = {RowKind.ITEM: goods, RowKind.PRICE: goods, RowKind.LINK: link, RowKind.SETTING: setting}
    for offset, line in enumerate(lines):
        try:
            if flagged:
                raise BadInput("flagged", "sent alone as one the reader could not take")
            row = decode_row(line)
        except BadInput as error:
            bad.append((epoch, None if first is None else first + offset, error.name, line[:MAX_LINE_BYTES]))
            continue
        if isinstance(row, Item):
            goods[row.item, ""] = (row.item, "", line)
        elif isinstance(row, Price):
            goods[row.item, row.id] = (row.item, row.id, line)
        elif isinstance(row, CodeLink):
            link[row.code, row.valid_from_us] = (
                row.code,
                row.valid_from_us,
                row.valid_to_us,
                row.item,
                row.factor_milli,
                line,
            )
        elif isinstance(row, Setting):
            setting[row.scope, row.key] = (row.scope, row.key, line)
        else:
            member = int(row.member) if row.kind is RowKind.LINK else row.member
            by_kind[row.kind][row.owner, member] = None
    return (goods, link, setting), bad
