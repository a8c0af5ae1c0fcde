"""The station's copy of the catalogue in a file: looked up on the event loop in microseconds, changed in one thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, ParamSpec, Self, TypeVar

import apsw

from edge.catalogue.api import Applied, Lookup, Quarantined
from edge.catalogue.errors import CatalogueFailing, Damaged
from edge.catalogue.file import open_reader
from edge.catalogue.page_rows import checked
from edge.catalogue.pages import lines_of, rows_of
from edge.catalogue.writer import CatalogueWriter, Standing
from edge.errors import ContractBroken
from protocol.catalogue import (
    CodeLink,
    Item,
    LiveRow,
    Price,
    RowKind,
    Scope,
    Setting,
    decode_known_row,
    link_at,
    setting_at,
)
from protocol.catalogue_set import SetHash
from protocol.chain import Position
from protocol.errors import BadInput
from protocol.identity import Epoch
from protocol.pricing import winning_price
from protocol.replication.ports import ReaderState

_LINKS: Final = "select 'l', plain, sum, body from page where kind = 'l' and first <= ? order by first desc limit 1"
_GOODS: Final = """
select * from
    (select kind, plain, sum, body from page where kind = 'i' and first <= ?1 order by first desc limit 1)
union all select * from
    (select kind, plain, sum, body from page where kind = 'p' and first <= ?1 order by first desc limit 1)
"""
_SETTINGS: Final = "select sum, body from page where kind = 's' order by first"
_KINDS: Final = {kind.value: kind for kind in RowKind}
_REMEMBERED: Final = 2000
"""Codes that sell every day are answered from memory; so many take up to 2 MB."""
_P = ParamSpec("_P")
_T = TypeVar("_T")


class _Known(NamedTuple):
    """What a code was found to mean: all its links, and the goods of the one that was in force."""

    links: Sequence[CodeLink]
    item: Item
    prices: tuple[Price, ...]


class CatalogueReplica:
    """`edge.catalogue.api.Catalogue` in an SQLite file; see `edge.catalogue.file` for its two connections."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread: ThreadPoolExecutor | None = None
        self._writer: CatalogueWriter | None = None
        self._reader: apsw.Connection | None = None
        self._cursor: apsw.Cursor | None = None
        self._known: dict[str, _Known] = {}
        self._as_of: Standing | None = None
        """What the catalogue was when `_known` was begun; each commit makes another."""

    async def __aenter__(self) -> Self:
        """Open the file, made if it is not there. Raises `CatalogueUnusable`, `CatalogueFailing`."""
        if self._thread is not None:
            raise ContractBroken("the catalogue is open already")
        self._thread = ThreadPoolExecutor(1, "catalogue-writer")
        try:
            await self._in_thread(self._open)
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    @property
    def begun_anew(self) -> str | None:
        """Why the file found at opening was set aside, None if it was not."""
        return self._opened().begun_anew

    @property
    def position(self) -> Position | None:
        return self._standing.state.at

    @property
    def reader_state(self) -> ReaderState:
        return self._standing.state

    @property
    def set_hash(self) -> SetHash:
        return self._standing.hash

    @property
    def count(self) -> int:
        return self._standing.live

    @property
    def quarantined(self) -> int:
        return self._standing.aside

    def lookup(self, code: str, at_us: int) -> Lookup | None:
        # Taken before anything is read: what is remembered may be newer than it says, never older.
        standing = self._standing
        if standing is not self._as_of:
            self._known, self._as_of = {}, standing
        known = self._known.get(code)
        if known is not None:
            link = link_at(known.links, at_us)
            if link is not None and link.item == known.item.item:
                return Lookup(known.item, link.factor_milli, known.prices)
        # In one transaction: a link must not be followed into a catalogue that came meanwhile.
        self._rows("begin", ())
        try:
            links = [row for row in self._live(_LINKS, code) if isinstance(row, CodeLink)]
            link = link_at(links, at_us)
            rows = [] if link is None else self._live(_GOODS, link.item)
        finally:
            self._rows("commit", ())
        item = next((row for row in rows if isinstance(row, Item)), None)
        if link is None or item is None:
            return None
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[code] = known = _Known(links, item, tuple(row for row in rows if isinstance(row, Price)))
        return Lookup(item, link.factor_milli, known.prices)

    def price(self, code: str, at_us: int, qty_milli: int, scopes: Sequence[Scope]) -> Price | None:
        found = self.lookup(code, at_us)
        return None if found is None else winning_price(found.prices, at_us, qty_milli, scopes)

    def setting(self, key: str, scopes: Sequence[Scope]) -> str | None:
        return setting_at((setting for setting in self.settings() if setting.key == key), scopes)

    def settings(self) -> tuple[Setting, ...]:
        try:
            lines = [line for summed, body in self._rows(_SETTINGS, ()) for line in lines_of(checked(summed, body))]
            rows = [decode_known_row(line) for line in lines]
        except (BadInput, Damaged) as error:
            raise self._damaged(error) from error
        return tuple(row for row in rows if isinstance(row, Setting))

    def quarantine(self) -> tuple[Quarantined, ...]:
        return tuple(Quarantined(*row) for row in self._rows("select epoch, seq, name, line from aside order by n", ()))

    async def apply(self, first: int, lines: Sequence[bytes], state: ReaderState, *, flagged: bool = False) -> Applied:
        writer = self._opened()
        applied = await self._in_thread(writer.apply, first, lines, state, flagged)
        self._tidy(writer)
        return applied

    async def replace(self, parts: Iterable[Sequence[bytes]], state: ReaderState) -> Applied:
        writer = self._opened()
        applied = await self._in_thread(writer.replace, parts, state)
        self._tidy(writer)
        return applied

    async def digests(self, epoch: Epoch, seqs: Sequence[int]) -> dict[int, bytes | None]:
        known = dict(self._rows("select seq, digest from passed where epoch = ?", (str(epoch),)))
        return {seq: known.get(seq) for seq in seqs}

    async def audit(self) -> SetHash:
        return await self._in_thread(self._opened().audit)

    def _open(self) -> None:
        # Kept as soon as they are open: whoever waits for this may be gone.
        self._writer = CatalogueWriter(self._path)
        self._reader = open_reader(self._path)
        self._cursor = self._reader.cursor()

    async def _close(self) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            if self._writer is not None:
                self._writer.stop()
            await asyncio.shield(asyncio.get_running_loop().run_in_executor(thread, self._shut))
            thread.shutdown(wait=False)

    def _shut(self) -> None:
        reader, self._reader, self._cursor = self._reader, None, None
        writer, self._writer = self._writer, None
        # The writer last: the last to close checkpoints, and only it may.
        if reader is not None:
            reader.close()
        if writer is not None:
            writer.close()

    def _opened(self) -> CatalogueWriter:
        if self._thread is None or self._writer is None:
            raise ContractBroken("the catalogue is not open")
        return self._writer

    @property
    def _standing(self) -> Standing:
        return self._opened().standing

    async def _in_thread(self, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        if self._thread is None:
            raise ContractBroken("the catalogue is not open")
        # Shielded, or a write that still waits for the thread would be dropped with whoever asked for it.
        doing = asyncio.get_running_loop().run_in_executor(self._thread, lambda: work(*args, **kwargs))
        return await asyncio.shield(doing)

    def _rows(self, statement: str, bound: tuple[str | int, ...]) -> list[Any]:
        if self._thread is None or self._cursor is None:
            raise ContractBroken("the catalogue is not open")
        try:
            return self._cursor.execute(statement, bound).fetchall()
        except (apsw.CorruptError, apsw.NotADBError) as error:
            raise self._damaged(error) from error
        except apsw.Error as error:
            raise CatalogueFailing(str(error)) from error

    def _live(self, statement: str, owner: str) -> list[LiveRow]:
        """Read the rows of `owner` from the pages that a statement finds."""
        try:
            return [
                row
                for kind, plain, summed, body in self._rows(statement, (owner,))
                for row in rows_of(_KINDS[kind], plain, checked(summed, body), owner)
            ]
        except (BadInput, Damaged) as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> CatalogueFailing:
        self._condemn()
        return CatalogueFailing(f"damaged: {error}")

    def _tidy(self, writer: CatalogueWriter) -> None:
        if self._thread is not None and writer.checkpoint_due:
            self._thread.submit(writer.checkpoint)

    def _condemn(self) -> None:
        if self._thread is not None and self._writer is not None:
            self._thread.submit(self._writer.condemn)
