"""Changing the catalogue's file: deltas and snapshots, each one transaction. All of it runs in the writing thread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any, Final

import apsw
import msgspec

from edge.catalogue.api import Applied
from edge.catalogue.errors import CatalogueFailing, Damaged
from edge.catalogue.file import CONDEMNED, open_writer
from edge.catalogue.page_rows import PageRows
from edge.catalogue.pages import Filling, Key, in_order, keys_of
from protocol.catalogue import (
    CatalogueRow,
    CodeLink,
    Gone,
    Item,
    Price,
    RowKind,
    Setting,
    decode_row,
    decode_rows,
    row_key,
)
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


_KINDS: Final = {Item: RowKind.ITEM, CodeLink: RowKind.LINK, Price: RowKind.PRICE, Setting: RowKind.SETTING}
_Aside = tuple[str, int | None, str, bytes]


class CatalogueWriter:
    """The one connection that writes. Every method raises `CatalogueFailing` and then has changed nothing."""

    def __init__(self, path: Path) -> None:
        """Open the file. Raises `CatalogueUnusable`, `CatalogueFailing`."""
        self._connection, self.standing, self.begun_anew = open_writer(path, _begin, _stood)
        self._pages = PageRows(self._connection)
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
            for lines in self._pages.steps():
                total += set_hash(lines)
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
                self._pages.clear()
                total, live = SetHash(), 0
            taking = _Taking(self._pages, anew)
            for seq, lines in parts:
                for start in range(0, len(lines), STEP_ROWS):
                    if self._stopping.is_set():
                        raise CatalogueFailing("the catalogue is closing")
                    step = lines[start : start + STEP_ROWS]
                    told, good, bad = _read(step, epoch, None if seq is None else seq + start, flagged)
                    grown, added = taking.take(told, good)
                    total, live = total + added, live + grown
                    self._put_aside(bad)
                    rows, aside = rows + len(good), aside + len(bad)
            taking.finish()
            standing = Standing(state, total, live, self.standing.aside + aside)
            self._stand(standing)
        self.standing = standing
        return Applied(rows, aside)

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
        except (apsw.CorruptError, apsw.NotADBError, Damaged) as error:
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


class _Taking:
    """Rows on their way to the pages: cut into new ones while a snapshot comes in order, else merged into old ones."""

    def __init__(self, pages: PageRows, anew: bool) -> None:
        self._pages = pages
        self._fillings = {kind: Filling(kind, pages.put) for kind in RowKind} if anew else {}

    def take(self, rows: Sequence[CatalogueRow], lines: Sequence[bytes]) -> tuple[int, SetHash]:
        """Take rows and their lines; tell how many more live, and what to add to the set hash."""
        grown, total = 0, SetHash()
        for kind, keys, told in _by_kind(rows, lines):
            filling = self._fillings.get(kind)
            whole = [line for line in told if line is not None]
            if filling is not None and len(whole) == len(told) and filling.follows(keys):
                filling.take(keys, whole)
                grown, total = grown + len(whole), total + set_hash(whole)
                continue
            # Out of order, said before, or an end: from here on this kind's rows go the long way.
            self._finish(kind)
            merged = self._pages.merge(kind, dict(zip(keys, told, strict=True)))
            grown, total = grown + merged.grown, total + set_hash(merged.into) - set_hash(merged.out)
        return grown, total

    def finish(self) -> None:
        """Write what the last pages hold."""
        for kind in list(self._fillings):
            self._finish(kind)

    def _finish(self, kind: RowKind) -> None:
        filling = self._fillings.pop(kind, None)
        if filling is not None:
            filling.finish()


def _by_kind(
    rows: Sequence[CatalogueRow], lines: Sequence[bytes]
) -> Iterator[tuple[RowKind, Sequence[Key], Sequence[bytes | None]]]:
    """Sort rows by what they are, their keys in order; a tombstone's line is None, and the last of a key counts."""
    # A snapshot is of one kind for long: then nothing is sorted out row by row.
    kind = _KINDS.get(type(rows[0])) if len(set(map(type, rows))) == 1 else None
    keys = [] if kind is None else keys_of(kind, rows)
    if kind is not None and in_order(keys):
        yield kind, keys, lines
        return
    told: dict[RowKind, dict[Key, bytes | None]] = {}
    for row, line in zip(rows, lines, strict=True):
        each, owner, member = row_key(row)
        told.setdefault(each, {})[owner, member] = None if isinstance(row, Gone) else line
    for each, changes in told.items():
        keys = sorted(changes)
        yield each, keys, [changes[key] for key in keys]


def _read(
    lines: Sequence[bytes], epoch: str, first: int | None, flagged: bool
) -> tuple[Sequence[CatalogueRow], Sequence[bytes], list[_Aside]]:
    """Read lines: the rows, their lines, and what was no row."""
    whole = None if flagged else decode_rows(lines)
    if whole is not None:
        return whole, lines, []
    rows: list[CatalogueRow] = []
    good: list[bytes] = []
    bad: list[_Aside] = []
    for offset, line in enumerate(lines):
        try:
            if flagged:
                raise BadInput("flagged", "sent alone as one the reader could not take")
            rows.append(decode_row(line))
        except BadInput as error:
            bad.append((epoch, None if first is None else first + offset, error.name, line[:MAX_LINE_BYTES]))
        else:
            good.append(line)
    return rows, good, bad
