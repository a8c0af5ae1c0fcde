"""What the agent may ask of the station's copy of the catalogue, and how replication feeds it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

import msgspec

from protocol.catalogue import Item, Price, Scope, Setting
from protocol.catalogue_set import SetHash
from protocol.chain import Position
from protocol.identity import Epoch
from protocol.replication.ports import ReaderState


class Lookup(msgspec.Struct, frozen=True):
    """What a code means: `factor_milli` milli-units of `item`, and every live price of it, in no order.

    `protocol.pricing.winning_price` picks the price.
    """

    item: Item
    factor_milli: int
    prices: tuple[Price, ...]


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of the lines given: `rows` taken, `quarantined` kept aside with their bytes."""

    rows: int
    quarantined: int


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A line that could not be understood; `seq` is None if it came in a snapshot. `name` is `BadInput.name`."""

    epoch: str
    seq: int | None
    name: str
    line: bytes


class Catalogue(Protocol):
    """A copy of the catalogue. Reading is immediate and never waits for a write; writing is durable on return.

    Making it does no I/O; `async with` opens; closing twice is harmless. Using it before or after raises
    `edge.errors.ContractBroken`. Storage that fails raises `CatalogueFailing`, and the copy stays as it was. Cancelling
    a write stops the waiting, not the work. Writes happen one after the other, in the order asked for.
    """

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    @property
    def position(self) -> Position | None:
        """Up to where in the catalogue log this copy reaches; its seq is the version a scan is read under."""
        ...

    @property
    def reader_state(self) -> ReaderState:
        """What was committed with the rows."""
        ...

    @property
    def set_hash(self) -> SetHash:
        """The hash of the live rows' lines, as HQ computes it of its own."""
        ...

    @property
    def count(self) -> int:
        """How many live rows there are, of all kinds."""
        ...

    @property
    def quarantined(self) -> int:
        """How many lines were ever put aside."""
        ...

    def lookup(self, code: str, at_us: int) -> Lookup | None:
        """Say what `code` (`ScannedCode.lookup`) means at `at_us` (UTC); None if nothing."""
        ...

    def price(self, code: str, at_us: int, qty_milli: int, scopes: Sequence[Scope]) -> Price | None:
        """Give the price of one unit of what `code` means, `scopes` being ours, narrowest first."""
        ...

    def setting(self, key: str, scopes: Sequence[Scope]) -> str | None:
        """Give the value of `key` in the narrowest of `scopes` that has one."""
        ...

    def settings(self) -> tuple[Setting, ...]:
        """Give every setting, of all scopes."""
        ...

    def quarantine(self) -> tuple[Quarantined, ...]:
        """Give the newest lines put aside, oldest first; bounded."""
        ...

    async def apply(self, first: int, lines: Sequence[bytes], state: ReaderState, *, flagged: bool = False) -> Applied:
        """Take the log's lines from seq `first` on, and `state` which they lead to, in one transaction.

        Lines that are no rows are put aside; `flagged` puts all of them aside unread. With no lines, `state` is
        committed alone.
        """
        ...

    async def replace(self, parts: Iterable[Sequence[bytes]], state: ReaderState) -> Applied:
        """Put a snapshot in the place of all rows, with `state`, in one transaction.

        `parts` is walked once, in another thread, in bounded memory. If it raises, or the power goes, the
        rows before stay; until all is durable, they are what readers see. Of two lines with one key the later counts.
        """
        ...

    async def digests(self, epoch: Epoch, seqs: Sequence[int]) -> dict[int, bytes | None]:
        """Give the log's chain after each seq, as `ReadableLog.digests` does.

        Known only where an `apply` or `replace` ended, the newest of them; elsewhere None.
        """
        ...

    async def audit(self) -> SetHash:
        """Compute the set hash anew from the rows on disk; differs from `set_hash` only if the disk lied."""
        ...
