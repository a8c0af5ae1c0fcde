"""What the store answers to the hub's pages, REST and metrics: frozen values, times in UTC microseconds.

Beyond 300 lines because it is one list of values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hub.ledger.entries import Cause, Kind, Status
from hub.ledger.promises import available_milli, oversold_milli
from hub.store.epochs import folded_log, station_of
from protocol.chain import Position
from protocol.events import Reason
from protocol.identity import DeviceId, EntryId, Epoch, ItemId, PlaceId, StationId
from protocol.state import StationState


@dataclass(frozen=True, slots=True)
class StockRow:
    """One item in one area. `name` is "" and `unit` "each" for an item the catalogue does not hold.

    The true on-hand lies between `lo_milli` and `hi_milli`. `price_minor` is the price now, in minor units of
    `currency`; None if there is none. `unanchored`: never counted. `ambiguous`: so many movements may lie on either
    side of the last count. `final`: nothing is known that is later than the last period declared final.
    `available_milli` is what is on hand less what is reserved and what is kept for safety, at least 0.
    """

    item: ItemId
    name: str
    unit: str
    area: PlaceId
    on_hand_milli: int
    lo_milli: int
    hi_milli: int
    available_milli: int
    unanchored: bool
    ambiguous: int
    counted_us: int | None
    price_minor: int | None
    currency: str | None
    final: bool = False
    reserved_milli: int = 0
    safety_milli: int = 0

    @property
    def negative(self) -> bool:
        """Whether the books say less than nothing, which wants a person's eye."""
        return self.on_hand_milli < 0

    @property
    def oversold_milli(self) -> int:
        """How much is reserved that is not there, or should stay there for safety."""
        return oversold_milli(self.on_hand_milli, self.reserved_milli, self.safety_milli)


def available_in_all_milli(rows: Iterable[StockRow]) -> int:
    """Say how much of an item may be promised in the store, of its figures in every area."""
    told = tuple(rows)
    return available_milli(
        sum(row.on_hand_milli for row in told),
        sum(row.reserved_milli for row in told),
        sum(row.safety_milli for row in told),
    )


@dataclass(frozen=True, slots=True)
class StockPage:
    """Items in the order of (item, area); `next` asks for the page after, None at the end."""

    rows: tuple[StockRow, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One entry of an item's lineage, and what became of it.

    `qty_milli` is the movement, or what a count found; `variance_milli` is a standing count's, None for all
    else. `reverses` and `reversed_by` name the other side of a reversal. Goods may have been under way from `lead_us`
    before `t_us` to `lag_us` after it.
    """

    entry: EntryId
    kind: Kind
    status: Status
    cause: Cause | None
    area: PlaceId | None
    t_us: int
    err_us: int
    qty_milli: int
    variance_milli: int | None
    reason: Reason | None
    document: str | None
    code: str | None
    reverses: EntryId | None
    reversed_by: EntryId | None
    lead_us: int = 0
    lag_us: int = 0


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """Entries of an item, newest first; `next` asks for the page after, None at the end."""

    entries: tuple[TimelineEntry, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class MovedBy:
    """What `entries` movements of one reason came to; those that were taken back, and what took them back, left out."""

    reason: Reason
    entries: int
    qty_milli: int


@dataclass(frozen=True, slots=True)
class Basis:
    """The count a figure rests on, and where its variance comes from: expected = before + moved, else it is opening.

    `before` is the standing count before it, None if there is none. `restated`: so often the variance was told anew,
    because entries came after the count that had happened before it, or were taken back.
    """

    entry: EntryId
    t_us: int
    err_us: int
    counted_milli: int
    expected_milli: int
    opening: bool
    restated: int
    before: EntryId | None
    before_milli: int
    moved: tuple[MovedBy, ...]

    @property
    def variance_milli(self) -> int:
        """What was counted and not expected."""
        return self.counted_milli - self.expected_milli


@dataclass(frozen=True, slots=True)
class Lineage:
    """Why an item's figure in an area is what it is: on hand = what was counted (else 0) + what moved since.

    `ambiguous` are movements that may have happened on the other side of the count, newest first, which is why the
    truth may lie anywhere from `lo_milli` to `hi_milli`. Not `whole`: there are so many entries that only the newest
    were gone through, and the sums are of those.
    """

    item: ItemId
    area: PlaceId
    on_hand_milli: int
    lo_milli: int
    hi_milli: int
    basis: Basis | None
    moved: tuple[MovedBy, ...]
    ambiguous: tuple[TimelineEntry, ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An item of the catalogue with its codes."""

    item: ItemId
    name: str
    unit: str
    codes: tuple[str, ...]
    price_minor: int | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class Looked:
    """What a code means now: `factor_milli` of an item, with its price and its figures in every area.

    `code` is the catalogue's key of it. `known`: the catalogue holds the item itself. From `until_us` (UTC) on the
    clock alone may change the answer, None: never; `number` is for `Freshness.holds`.
    """

    code: str
    factor_milli: int
    item: ItemRow
    known: bool
    stock: tuple[StockRow, ...]
    until_us: int | None
    number: int


@dataclass(frozen=True, slots=True)
class StationRow:
    """A station as the hub knows it.

    `report` is what the station last said of itself, at `state_us`; `state`, `place` and `backlog` repeat it ("" and
    None before it said anything). `at` is the cursor in its stock log. `committed` ≥ `folded` ≥ `movements` count
    entries of that log; `quarantined` those held back. `mark_us`: nothing older is unsent.
    """

    station: StationId
    state: str
    state_us: int | None
    last_seen_us: int | None
    place: str | None
    backlog: int | None
    at: Position | None
    mark_us: int | None
    committed: int
    folded: int
    movements: int
    quarantined: int
    losses: int
    report: StationState | None


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A peripheral as its station last reported it; `figures` are what it measured of itself."""

    station: StationId
    device: DeviceId
    kind: str
    state: str
    detail: str
    figures: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RecentEvent:
    """An entry as it arrived, newest first; `item` and `status` are None until it is folded or if it moves nothing.

    `kind` is the entry's own word: delta, count, count-reading, suppressed, restored, reversal, adjustment, void, or
    "unreadable".
    Anchors and marks, which are about clocks, are not told.
    """

    entry: EntryId
    kind: str
    t_us: int | None
    code: str | None
    item: ItemId | None
    name: str
    qty_milli: int | None
    reason: str | None
    place: str | None
    status: Status | None


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """An entry that has no effect, with its bytes; `released_us` when it was taken after all."""

    log: str
    epoch: Epoch
    seq: int
    reason: str
    detail: str
    body: bytes
    at_us: int
    released_us: int | None

    @property
    def entry(self) -> EntryId | None:
        """Its name, if it is of a log that the books are folded from."""
        station = station_of(self.log)
        return EntryId(station, self.epoch, self.seq) if self.log == folded_log(station) else None


@dataclass(frozen=True, slots=True)
class QuarantinePage:
    """What is held back, newest first; `next` asks for the page after, None at the end."""

    rows: tuple[QuarantineRow, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class LossRow:
    """Entries that can never come; `last` None: whatever followed `first`, if anything."""

    log: str
    epoch: Epoch
    first: int
    last: int | None
    at_us: int


@dataclass(frozen=True, slots=True)
class LossPage:
    """Losses, newest record first; `next` asks for the page after, None at the end."""

    rows: tuple[LossRow, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts over all logs that the fold reads; `fold_lag` is what is committed and not yet folded."""

    committed: int
    folded: int
    movements: int
    quarantined: int
    fold_lag: int
    chunk_bytes: int
    file_bytes: int
    items: int
    catalogue_rows: int
    scopes: int
    losses: int
    negative: int


@dataclass(frozen=True, slots=True)
class FoldProgress:
    """What one call of the fold did: entries passed, movements filed, what went to quarantine; `lag` is left."""

    entries: int
    movements: int
    quarantined: int
    lag: int


@dataclass(frozen=True, slots=True)
class Change:
    """What has changed since the subscriber last looked, coalesced: any of these may be much."""

    committed: bool = False
    folded: bool = False
    stations: bool = False
    catalogue: bool = False

    def and_also(self, other: Change) -> Change:
        """Give both."""
        return Change(
            self.committed or other.committed,
            self.folded or other.folded,
            self.stations or other.stations,
            self.catalogue or other.catalogue,
        )
