"""The station's copy of the catalogue in memory: the twin that tests use, and that the file is compared with."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Self

from edge.catalogue.api import Applied, Lookup, Quarantined
from edge.errors import ContractBroken
from protocol.catalogue import CodeLink, Item, Price, RowKey, RowKind, Scope, Setting, link_at, setting_at
from protocol.catalogue_set import CatalogueSet, SetHash
from protocol.chain import Position
from protocol.errors import BadInput
from protocol.identity import Epoch
from protocol.pricing import winning_price
from protocol.replication.ports import ReaderState

_ASIDE_KEPT = 256


class MemoryCatalogue:
    """`edge.catalogue.api.Catalogue` without a file; closing and opening it again keeps what it holds."""

    def __init__(self) -> None:
        self._open = False
        self._set = CatalogueSet()
        self._state = ReaderState()
        self._aside: deque[Quarantined] = deque(maxlen=_ASIDE_KEPT)
        self._put_aside = 0
        self._passed: dict[tuple[Epoch, int], bytes] = {}

    async def __aenter__(self) -> Self:
        if self._open:
            raise ContractBroken("the catalogue is open already")
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False

    @property
    def position(self) -> Position | None:
        self._check_open()
        return self._state.at

    @property
    def reader_state(self) -> ReaderState:
        self._check_open()
        return self._state

    @property
    def set_hash(self) -> SetHash:
        self._check_open()
        return self._set.hash

    @property
    def count(self) -> int:
        self._check_open()
        return len(self._set)

    @property
    def quarantined(self) -> int:
        self._check_open()
        return self._put_aside

    def lookup(self, code: str, at_us: int) -> Lookup | None:
        self._check_open()
        rows = [stored.row for stored in self._set]
        link = link_at([row for row in rows if isinstance(row, CodeLink) and row.code == code], at_us)
        stored = None if link is None else self._set.get(RowKey(RowKind.ITEM, link.item, ""))
        if link is None or stored is None or not isinstance(stored.row, Item):
            return None
        prices = tuple(row for row in rows if isinstance(row, Price) and row.item == link.item)
        return Lookup(stored.row, link.factor_milli, prices)

    def price(self, code: str, at_us: int, qty_milli: int, scopes: Sequence[Scope]) -> Price | None:
        found = self.lookup(code, at_us)
        return None if found is None else winning_price(found.prices, at_us, qty_milli, scopes)

    def setting(self, key: str, scopes: Sequence[Scope]) -> str | None:
        return setting_at([setting for setting in self.settings() if setting.key == key], scopes)

    def settings(self) -> tuple[Setting, ...]:
        self._check_open()
        rows = (stored.row for stored in self._set)
        return tuple(sorted((row for row in rows if isinstance(row, Setting)), key=lambda row: (row.scope, row.key)))

    def quarantine(self) -> tuple[Quarantined, ...]:
        self._check_open()
        return tuple(self._aside)

    async def apply(self, first: int, lines: Sequence[bytes], state: ReaderState, *, flagged: bool = False) -> Applied:
        self._check_open()
        rows = self._take(self._set, first, lines, state, flagged)
        self._stand(state)
        return Applied(rows, len(lines) - rows)

    async def replace(self, parts: Iterable[Sequence[bytes]], state: ReaderState) -> Applied:
        self._check_open()
        fresh, aside = CatalogueSet(), self._put_aside
        lines = [line for part in parts for line in part]
        rows = self._take(fresh, None, lines, state, flagged=False)
        self._set = fresh
        self._stand(state)
        return Applied(rows, self._put_aside - aside)

    async def digests(self, epoch: Epoch, seqs: Sequence[int]) -> dict[int, bytes | None]:
        self._check_open()
        return {seq: self._passed.get((epoch, seq)) for seq in seqs}

    async def audit(self) -> SetHash:
        self._check_open()
        return CatalogueSet(self._set.lines()).hash

    def _take(
        self, into: CatalogueSet, first: int | None, lines: Sequence[bytes], state: ReaderState, flagged: bool
    ) -> int:
        taken = 0
        epoch = "-" if state.at is None else str(state.at.epoch)
        for offset, line in enumerate(lines):
            try:
                if flagged:
                    raise BadInput("flagged", "sent alone as one the reader could not take")
                into.apply(line)
                taken += 1
            except BadInput as error:
                self._aside.append(Quarantined(epoch, None if first is None else first + offset, error.name, line))
                self._put_aside += 1
        return taken

    def _stand(self, state: ReaderState) -> None:
        self._state = state
        if state.at is not None:
            self._passed[state.at.epoch, state.at.seq] = state.at.digest

    def _check_open(self) -> None:
        if not self._open:
            raise ContractBroken("the catalogue is not open")
