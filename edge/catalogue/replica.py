"""The station's copy of the catalogue in a file: looked up on the event loop in microseconds, changed in one thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Final, ParamSpec, Self, TypeVar

import apsw

from edge.catalogue.api import Applied, Lookup, Quarantined
from edge.catalogue.errors import CatalogueFailing
from edge.catalogue.file import open_reader
from edge.catalogue.writer import CatalogueWriter, Standing
from edge.errors import ContractBroken
from protocol.catalogue import CatalogueRow, Item, Price, Scope, Setting, decode_known_row, setting_at
from protocol.catalogue_set import SetHash
from protocol.chain import Position
from protocol.errors import BadInput
from protocol.identity import Epoch
from protocol.pricing import winning_price
from protocol.replication.ports import ReaderState

_LOOK: Final = """
select l.factor_milli, g.line
from (
    select item, factor_milli from link
    where code = ?1 and valid_from_us <= ?2 and (valid_to_us is null or valid_to_us > ?2)
    order by valid_from_us desc limit 1
) l
join goods g on g.item = l.item
"""
_P = ParamSpec("_P")
_T = TypeVar("_T")


class CatalogueReplica:
    """`edge.catalogue.api.Catalogue` in an SQLite file; see `edge.catalogue.file` for its two connections."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread: ThreadPoolExecutor | None = None
        self._writer: CatalogueWriter | None = None
        self._reader: apsw.Connection | None = None
        self._cursor: apsw.Cursor | None = None

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
        found = self._rows(_LOOK, (code, at_us))
        item: Item | None = None
        prices: list[Price] = []
        for _, line in found:
            row = self._row(line)
            if isinstance(row, Price):
                prices.append(row)
            elif isinstance(row, Item):
                item = row
        return None if item is None else Lookup(item, found[0][0], tuple(prices))

    def price(self, code: str, at_us: int, qty_milli: int, scopes: Sequence[Scope]) -> Price | None:
        found = self.lookup(code, at_us)
        return None if found is None else winning_price(found.prices, at_us, qty_milli, scopes)

    def setting(self, key: str, scopes: Sequence[Scope]) -> str | None:
        return setting_at(self._settings("select line from setting where key = ?", (key,)), scopes)

    def settings(self) -> tuple[Setting, ...]:
        return self._settings("select line from setting order by scope, key", ())

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
            self._condemn()
            raise CatalogueFailing(f"damaged: {error}") from error
        except apsw.Error as error:
            raise CatalogueFailing(str(error)) from error

    def _row(self, line: bytes) -> CatalogueRow:
        try:
            return decode_known_row(line)
        except BadInput as error:
            self._condemn()
            raise CatalogueFailing(f"damaged: {error}") from error

    def _settings(self, statement: str, bound: tuple[str | int, ...]) -> tuple[Setting, ...]:
        rows = (self._row(line) for (line,) in self._rows(statement, bound))
        return tuple(row for row in rows if isinstance(row, Setting))

    def _tidy(self, writer: CatalogueWriter) -> None:
        if self._thread is not None and writer.checkpoint_due:
            self._thread.submit(writer.checkpoint)

    def _condemn(self) -> None:
        if self._thread is not None and self._writer is not None:
            self._thread.submit(self._writer.condemn)
