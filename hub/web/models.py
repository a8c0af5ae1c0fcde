"""What REST takes and gives, as OpenAPI describes it.

Quantities are integers in thousandths of the item's unit (`_milli`), money integers in minor units of its currency,
times UTC microseconds (`_us`). Fields are only ever added. Beyond 300 lines because it is one vocabulary, to be read as
one: a page of `schemas` in OpenAPI.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

import msgspec.structs
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from hub.ledger.entries import Cause, Kind, Status
from hub.store.kept import BackupStatus
from hub.store.reading import MAX_BOOKED_MILLI, MAX_WORD
from hub.store.views import (
    Basis,
    DeviceRow,
    ItemRow,
    Lineage,
    Looked,
    LossRow,
    MovedBy,
    QuarantineRow,
    RecentEvent,
    StockRow,
    TimelineEntry,
)
from hub.web.catching_up import CatchingUp
from hub.web.health import Health, Prices, StationLine
from protocol.events import Reason
from protocol.identity import EntryId
from protocol.state import StationState

Word = Annotated[str, StringConstraints(min_length=1, max_length=MAX_WORD)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Next = Annotated[str | None, Field(description="pass as `after` for the page that follows; null at the end")]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class Money(_Model):
    """An amount for one unit of the item."""

    minor: int
    currency: Annotated[str, Field(description="ISO 4217")]

    @classmethod
    def of(cls, minor: int | None, currency: str | None) -> Self | None:
        return None if minor is None or currency is None else cls(minor=minor, currency=currency)


class Stock(_Model):
    """One item in one area. The truth lies between `lo_milli` and `hi_milli`."""

    item: str
    name: Annotated[str, Field(description="empty if the catalogue does not hold the item")]
    unit: str
    area: str
    on_hand_milli: int
    lo_milli: int
    hi_milli: int
    available_milli: Annotated[int, Field(description="what may be promised; never below zero")]
    unanchored: Annotated[bool, Field(description="never counted: the figure starts from an assumed zero")]
    ambiguous: Annotated[int, Field(description="movements that may lie on either side of the last count")]
    counted_us: int | None
    price: Money | None

    @classmethod
    def of(cls, row: StockRow) -> Self:
        return cls(
            item=row.item,
            name=row.name,
            unit=row.unit,
            area=row.area,
            on_hand_milli=row.on_hand_milli,
            lo_milli=row.lo_milli,
            hi_milli=row.hi_milli,
            available_milli=row.available_milli,
            unanchored=row.unanchored,
            ambiguous=row.ambiguous,
            counted_us=row.counted_us,
            price=Money.of(row.price_minor, row.currency),
        )


class StockPage(_Model):
    """Stock in the order of item, then area."""

    rows: list[Stock]
    next: Next


class Item(_Model):
    """An item, the codes that ever meant it, and its price now."""

    item: str
    name: str
    unit: str
    codes: list[str]
    price: Money | None

    @classmethod
    def of(cls, row: ItemRow) -> Self:
        return cls(
            item=row.item,
            name=row.name,
            unit=row.unit,
            codes=list(row.codes),
            price=Money.of(row.price_minor, row.currency),
        )


class ItemPage(_Model):
    """Items that have books. One kept in several areas may end a page and begin the next."""

    items: list[Item]
    next: Next


class ItemStock(_Model):
    """An item and its figures in every area; `known` says whether the catalogue holds it."""

    item: Item
    known: bool
    stock: list[Stock]


class LookedUp(_Model):
    """What a code means: `factor_milli` of an item (a carton of six says 6000), with price and figures now."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "code": "04006381333931",
                    "factor_milli": 1000,
                    "item": {
                        "item": "milk-1l",
                        "name": "Whole milk 1 l",
                        "unit": "each",
                        "codes": ["04006381333931"],
                        "price": {"minor": 129, "currency": "EUR"},
                    },
                    "known": True,
                    "stock": [
                        {
                            "item": "milk-1l",
                            "name": "Whole milk 1 l",
                            "unit": "each",
                            "area": "store",
                            "on_hand_milli": 62000,
                            "lo_milli": 60000,
                            "hi_milli": 62000,
                            "available_milli": 62000,
                            "unanchored": False,
                            "ambiguous": 1,
                            "counted_us": 1780310400000000,
                            "price": {"minor": 129, "currency": "EUR"},
                        }
                    ],
                }
            ]
        },
    )

    code: Annotated[str, Field(description="as the catalogue writes it: a GTIN in 14 digits")]
    factor_milli: int
    item: Item
    known: Annotated[bool, Field(description="the catalogue holds the item, and not only the code")]
    stock: list[Stock]

    @classmethod
    def of(cls, row: Looked) -> Self:
        return cls(
            code=row.code,
            factor_milli=row.factor_milli,
            item=Item.of(row.item),
            known=row.known,
            stock=[Stock.of(figure) for figure in row.stock],
        )


class TimelineLine(_Model):
    """One entry of an item's lineage and what became of it. Times are true to ± `err_us`."""

    entry: Annotated[str, Field(description="station/epoch/seq, for ever; the station `hub` is the journal")]
    kind: Kind
    status: Status
    cause: Cause | None
    area: str | None
    t_us: int
    err_us: int
    qty_milli: int
    variance_milli: Annotated[int | None, Field(description="a standing count's difference from the books")]
    reason: Reason | None
    document: str | None
    code: str | None
    reverses: str | None
    reversed_by: str | None

    @classmethod
    def of(cls, row: TimelineEntry) -> Self:
        return cls(
            entry=str(row.entry),
            kind=row.kind,
            status=row.status,
            cause=row.cause,
            area=row.area,
            t_us=row.t_us,
            err_us=row.err_us,
            qty_milli=row.qty_milli,
            variance_milli=row.variance_milli,
            reason=row.reason,
            document=row.document,
            code=row.code,
            reverses=_named(row.reverses),
            reversed_by=_named(row.reversed_by),
        )


class Timeline(_Model):
    """An item's lineage, newest first."""

    entries: list[TimelineLine]
    next: Next


class Moved(_Model):
    """What movements of one reason came to; those taken back, and what took them back, are left out."""

    reason: Reason
    entries: int
    qty_milli: int

    @classmethod
    def of(cls, row: MovedBy) -> Self:
        return cls(reason=row.reason, entries=row.entries, qty_milli=row.qty_milli)


class RestsOn(_Model):
    """The count a figure rests on: counted = expected + variance, expected = the count before + what moved between."""

    entry: str
    t_us: int
    err_us: int
    counted_milli: int
    expected_milli: int
    variance_milli: int
    opening: Annotated[bool, Field(description="no count stands before it: the variance is opening stock, not shrink")]
    restated: Annotated[int, Field(description="how often the variance was told anew, for entries that came late")]
    before: Annotated[str | None, Field(description="the standing count before it")]
    before_milli: int
    moved: Annotated[list[Moved], Field(description="between the two")]

    @classmethod
    def of(cls, row: Basis) -> Self:
        return cls(
            entry=str(row.entry),
            t_us=row.t_us,
            err_us=row.err_us,
            counted_milli=row.counted_milli,
            expected_milli=row.expected_milli,
            variance_milli=row.variance_milli,
            opening=row.opening,
            restated=row.restated,
            before=_named(row.before),
            before_milli=row.before_milli,
            moved=[Moved.of(each) for each in row.moved],
        )


class FigureLineage(_Model):
    """Why a figure is what it is: on hand = counted (0 if never) + what moved since."""

    area: str
    on_hand_milli: int
    lo_milli: int
    hi_milli: int
    rests_on: Annotated[RestsOn | None, Field(description="null if nothing was ever counted")]
    moved: Annotated[list[Moved], Field(description="since that count")]
    ambiguous: Annotated[
        list[TimelineLine], Field(description="movements that may have happened on the other side of the count")
    ]
    whole: Annotated[bool, Field(description="false: so many entries that only the newest 5,000 are in the sums")]

    @classmethod
    def of(cls, row: Lineage) -> Self:
        return cls(
            area=row.area,
            on_hand_milli=row.on_hand_milli,
            lo_milli=row.lo_milli,
            hi_milli=row.hi_milli,
            rests_on=None if row.basis is None else RestsOn.of(row.basis),
            moved=[Moved.of(each) for each in row.moved],
            ambiguous=[TimelineLine.of(each) for each in row.ambiguous],
            whole=row.whole,
        )


class ItemLineage(_Model):
    """The lineage of an item's figures, in the order of their areas."""

    item: str
    figures: list[FigureLineage]


class Event(_Model):
    """An entry as it arrived. `item` and `status` are null until it is booked, or if it moves nothing."""

    entry: str
    kind: Annotated[
        str,
        Field(
            description="delta, count, count-reading, shelf-counted, sweep, suppressed, restored, reversal, "
            "adjustment, void, transfer-draft, transfer-approve, transfer-close or unreadable"
        ),
    ]
    t_us: int | None
    code: str | None
    item: str | None
    name: str
    qty_milli: int | None
    reason: str | None
    place: str | None
    status: Status | None

    @classmethod
    def of(cls, row: RecentEvent) -> Self:
        return cls(
            entry=str(row.entry),
            kind=row.kind,
            t_us=row.t_us,
            code=row.code,
            item=row.item,
            name=row.name,
            qty_milli=row.qty_milli,
            reason=row.reason,
            place=row.place,
            status=row.status,
        )


class Events(_Model):
    """The newest entries of all stations and the journal, newest arrival first.

    `uncounted` are scans that stations show while their backlogs drain. They are in no books; each goes from here when
    its station's log brings it under the same name.
    """

    events: list[Event]
    uncounted: list[Event]


class Device(_Model):
    """A peripheral as its station last reported it; `ready` is the one good state."""

    device: str
    kind: str
    state: str
    detail: str
    figures: Annotated[dict[str, int], Field(description="what it measured of itself, by a word ending in the unit")]

    @classmethod
    def of(cls, row: DeviceRow) -> Self:
        return cls(device=row.device, kind=row.kind, state=row.state, detail=row.detail, figures=dict(row.figures))


class Storage(_Model):
    """How a station's card and logs are, in its own words; counts are since its agent started."""

    sync_p50_us: int
    sync_p99_us: int
    backlog_age_s: Annotated[int | None, Field(description="age of the oldest entry not at the hub, to the hour above")]
    log_refused: Annotated[int, Field(description="appends that the stock log refused")]
    chatter_backlog: int
    chatter_dropped: Annotated[int, Field(description="weighings and refusals that were not logged")]
    chatter_thinned: Annotated[int, Field(description="those of them for want of room")]
    written_day_bytes: Annotated[int | None, Field(description="what its logs write in a day")]
    measured_s: Annotated[int, Field(description="over how long that was measured, at most a day")]
    free_bytes: int | None
    room: Annotated[str, Field(description="ample, short or scarce; empty if it does not say")]
    room_hours: Annotated[int | None, Field(description="how long its log lasts at today's rate with no hub")]
    reserve_missing_bytes: Annotated[int, Field(description="what it had to give up of the reserve for a full disk")]

    @classmethod
    def of(cls, report: StationState) -> Self:
        return cls(
            sync_p50_us=report.sync_p50_us,
            sync_p99_us=report.sync_p99_us,
            backlog_age_s=report.backlog_age_s,
            log_refused=report.log_refused,
            chatter_backlog=report.chatter_backlog,
            chatter_dropped=report.chatter_dropped,
            chatter_thinned=report.chatter_thinned,
            written_day_bytes=report.written_day_bytes,
            measured_s=report.measured_s,
            free_bytes=report.free_bytes,
            room=report.room,
            room_hours=report.room_hours,
            reserve_missing_bytes=report.reserve_missing_bytes,
        )


class Station(_Model):
    """A station as the hub knows it. `committed` ≥ `folded` ≥ `movements` count entries of its stock log."""

    station: str
    health: Health
    reasons: Annotated[list[str], Field(description="why it is not ok, in words")]
    state: Annotated[str, Field(description="online or offline; empty before it ever said")]
    state_us: int | None
    last_seen_us: int | None
    place: str | None
    backlog: Annotated[int | None, Field(description="entries it last had unsent")]
    standing: Annotated[str, Field(description="how replication stands, held and sealed being for a person")]
    prices: Annotated[Prices, Field(description="whether its catalogue is the hub's, by the hash of the set")]
    mark_us: Annotated[int | None, Field(description="nothing older is unsent")]
    epoch: str | None
    seq: int | None
    committed: int
    folded: int
    movements: int
    told: Annotated[int, Field(description="entries the station told of, committed or not")]
    to_come: Annotated[int, Field(description="entries told of and not committed")]
    caught_up_percent: Annotated[int, Field(ge=0, le=100, description="how much of its backlog is folded")]
    to_go_s: Annotated[int | None, Field(description="seconds until all told is folded, about; null if nobody can say")]
    quarantined: int
    losses: int
    storage: Annotated[Storage | None, Field(description="null before it ever said")]
    devices: list[Device]

    @classmethod
    def of(cls, line: StationLine, devices: list[Device], catching_up: CatchingUp) -> Self:
        row = line.row
        progress = catching_up.stations.get(row.station)
        return cls(
            station=row.station,
            health=line.health,
            reasons=list(line.reasons),
            state=row.state,
            state_us=row.state_us,
            last_seen_us=row.last_seen_us,
            place=row.place,
            backlog=row.backlog,
            standing=line.standing,
            prices=line.prices,
            mark_us=row.mark_us,
            epoch=None if row.at is None else str(row.at.epoch),
            seq=None if row.at is None else row.at.seq,
            committed=row.committed,
            folded=row.folded,
            movements=row.movements,
            told=row.committed if progress is None else max(row.committed, progress.told),
            to_come=0 if progress is None else progress.to_come,
            caught_up_percent=100 if progress is None else progress.percent,
            to_go_s=catching_up.seconds_of(row),
            quarantined=row.quarantined,
            losses=row.losses,
            storage=None if row.report is None else Storage.of(row.report),
            devices=devices,
        )


class Stations(_Model):
    """All stations that ever said anything, and the hash of the catalogue they should hold."""

    stations: list[Station]
    catalogue_hash: str
    right_to_us: Annotated[int | None, Field(description="the books hold all that was scanned before; null if unknown")]
    to_go_s: Annotated[int | None, Field(description="seconds until the books have what stations in touch told of")]


class Quarantined(_Model):
    """An entry that has no effect, with its bytes."""

    log: str
    epoch: str
    seq: int
    reason: str
    detail: str
    body_hex: str
    at_us: int

    @classmethod
    def of(cls, row: QuarantineRow) -> Self:
        return cls(
            log=row.log,
            epoch=str(row.epoch),
            seq=row.seq,
            reason=row.reason,
            detail=row.detail,
            body_hex=row.body.hex(),
            at_us=row.at_us,
        )


class Quarantine(_Model):
    """What is held back, newest first."""

    rows: list[Quarantined]
    next: Next


class Loss(_Model):
    """Entries `first` to `last` that can never come; `last` null: whatever followed."""

    log: str
    epoch: str
    first: int
    last: int | None
    at_us: int

    @classmethod
    def of(cls, row: LossRow) -> Self:
        return cls(log=row.log, epoch=str(row.epoch), first=row.first, last=row.last, at_us=row.at_us)


class Losses(_Model):
    """Losses, newest first."""

    rows: list[Loss]
    next: Next


class Problem(_Model):
    """What went wrong (RFC 9457). Programs go by `name`; `detail` is for people and may be worded anew."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "type": "/problems/code-unknown",
                    "title": "The catalogue knows no item by this code",
                    "status": 404,
                    "name": "code-unknown",
                    "detail": "no item goes by this code now",
                }
            ]
        },
    )

    type: Annotated[str, Field(description="an address at the hub that says what this type of problem is")]
    title: str
    status: int
    name: str
    detail: str


class ProblemType(_Model):
    """What a type of problem is."""

    type: str
    title: str
    status: int
    name: str


class NewAdjustment(_Model):
    """Stock moved in the books by a person or a program, which says who, and why in words."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "item": "milk-1l",
                    "area": "store",
                    "qty_milli": -2000,
                    "reason": "waste",
                    "author": "Ada, back office",
                    "note": "two cartons burst",
                    "document": "waste-note-118",
                }
            ]
        },
    )

    item: Word
    area: Word
    qty_milli: Annotated[int, Field(ge=-MAX_BOOKED_MILLI, le=MAX_BOOKED_MILLI, description="signed, not zero")]
    reason: Reason
    author: Line
    note: Line
    document: Annotated[Word | None, Field(description="of yours that says so too: an invoice, a delivery note")] = None


class Adjusted(_Model):
    """The journal entry that an adjustment became; `repeated`: it had been made before, under the same key."""

    entry: str
    repeated: bool


class Choice(_Model):
    """Which of two live copies of a station's log goes on, who says so, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    log: Word
    incarnation: Annotated[str, StringConstraints(pattern="^[0-9a-f]{1,16}$")]
    author: Line
    note: Line


class Contested(_Model):
    """A log with two live writers; neither is acknowledged until one is chosen."""

    log: str
    incarnations: Annotated[list[str], Field(description="hexadecimal, so that no program rounds them")]


class AllContested(_Model):
    """Every contested log."""

    rows: list[Contested]


class NewBackup(_Model):
    """A wish for a backup now."""

    author: Line


class Backups(_Model):
    """How the second keeping of the hub's file stands. Failures are empty while there is none."""

    configured: bool
    folder: str
    backups: Annotated[int, Field(description="whole ones on the medium")]
    good_us: Annotated[int | None, Field(description="the moment that the newest of them shows")]
    good_file: str
    good_bytes: int
    running: bool
    failure: str
    failed_us: int | None
    archived_us: Annotated[int | None, Field(description="when all that was committed was archived last")]
    archive_failure: str
    same_disk: Annotated[bool, Field(description="the medium is the disk of the hub's own file")]

    @classmethod
    def of(cls, status: BackupStatus | None) -> Self:
        kept = status or BackupStatus("")
        return cls(configured=status is not None, **msgspec.structs.asdict(kept))


class Wellness(_Model):
    """Whether the hub can do its work now."""

    status: Literal["ok"]
    broker: bool
    hq: bool | None


def _named(entry: EntryId | None) -> str | None:
    return None if entry is None else str(entry)
