"""What REST takes and gives of stations and their logs, as OpenAPI describes it; units as in `hub.web.models`."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import ConfigDict, Field, StringConstraints

from hub.store.baskets import BasketRow
from hub.store.views import DeviceRow, LossRow, QuarantineRow
from hub.web.catching_up import CatchingUp
from hub.web.health import Health, Prices, StationLine
from hub.web.models import Line, Model, Next, Word
from protocol.decisions import BasketFate
from protocol.state import MachineState, StationState


class Device(Model):
    """A peripheral as its station last reported it; `ready` is the one good state."""

    device: str
    kind: str
    state: str
    detail: str
    figures: Annotated[dict[str, int], Field(description="what it measured of itself, by a word ending in the unit")]

    @classmethod
    def of(cls, row: DeviceRow) -> Self:
        return cls(device=row.device, kind=row.kind, state=row.state, detail=row.detail, figures=dict(row.figures))


class Storage(Model):
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


class Machine(Model):
    """How a station's machine is, in its own words; null: nobody there can say, which is not "well"."""

    undervoltage: bool | None
    undervoltage_since_boot: bool | None
    throttled: Annotated[bool | None, Field(description="slowed down, by heat or for want of power")]
    throttled_since_boot: bool | None
    temperature_milli_c: int | None
    disk_errors: Annotated[int | None, Field(description="errors that its file systems noted")]
    disk_read_only: Annotated[bool | None, Field(description="the one with the logs takes nothing any more")]
    card_used_percent: Annotated[int | None, Field(description="of an eMMC's life; 110: more than all")]
    card_spare_low: bool | None
    usb_lost: Annotated[int | None, Field(description="USB devices gone or enumerated anew since the agent's start")]
    memory_bytes: int | None
    memory_free_bytes: int | None
    boot_file: Annotated[str, Field(description="why a technician's file on its boot partition was not used")]
    slot: Annotated[str, Field(description="the committed one of its two slots; empty: it has none")]
    update: Annotated[str, Field(description="how far an update is")]
    update_failed: Annotated[str, Field(description="why its last update does not run")]

    @classmethod
    def of(cls, machine: MachineState) -> Self:
        return cls(**{name: getattr(machine, name) for name in MachineState.__struct_fields__})


class Station(Model):
    """A station as the hub knows it. `committed` ≥ `folded` ≥ `movements` count entries of its stock log."""

    station: str
    health: Health
    reasons: Annotated[list[str], Field(description="why it is not ok, in words")]
    state: Annotated[str, Field(description="online or offline; empty before it ever said")]
    state_us: int | None
    last_seen_us: int | None
    version: Annotated[str, Field(description="what it says that it runs; empty before it ever said")]
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
    machine: Annotated[Machine | None, Field(description="null where it does not say")]
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
            version="" if row.report is None else row.report.version,
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
            machine=None if row.report is None or row.report.machine is None else Machine.of(row.report.machine),
            devices=devices,
        )


class Stations(Model):
    """All stations that ever said anything, and the hash of the catalogue they should hold."""

    stations: list[Station]
    catalogue_hash: str
    right_to_us: Annotated[int | None, Field(description="the books hold all that was scanned before; null if unknown")]
    to_go_s: Annotated[int | None, Field(description="seconds until the books have what stations in touch told of")]


class Quarantined(Model):
    """An entry that has no effect, with its bytes."""

    log: str
    epoch: str
    seq: int
    reason: str
    detail: str
    body_hex: str
    at_us: int
    entry: Annotated[str | None, Field(description="what a decision names it by; null: nobody can decide on it here")]

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
            entry=None if row.entry is None else str(row.entry),
        )


class Quarantine(Model):
    """What is held back, newest first."""

    rows: list[Quarantined]
    next: Next


class Loss(Model):
    """Entries `first` to `last` that can never come; `last` null: whatever followed."""

    log: str
    epoch: str
    first: int
    last: int | None
    at_us: int

    @classmethod
    def of(cls, row: LossRow) -> Self:
        return cls(log=row.log, epoch=str(row.epoch), first=row.first, last=row.last, at_us=row.at_us)


class Losses(Model):
    """Losses, newest first."""

    rows: list[Loss]
    next: Next


class Choice(Model):
    """Which of two live copies of a station's log goes on, who says so, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    log: Word
    incarnation: Annotated[str, StringConstraints(pattern="^[0-9a-f]{1,16}$")]
    author: Line
    note: Line


class Contested(Model):
    """A log with two live writers; neither is acknowledged until one is chosen."""

    log: str
    incarnations: Annotated[list[str], Field(description="hexadecimal, so that no program rounds them")]


class AllContested(Model):
    """Every contested log."""

    rows: list[Contested]


class BasketWord(Model):
    """What a person said became of a basket."""

    fate: BasketFate
    at_us: int
    author: str
    note: str


class Basket(Model):
    """A basket that till software opened at a station and has not closed."""

    source: Annotated[str, Field(description="how it is named among what a period may not be waited for")]
    station: str
    basket: str
    place: str
    document: str | None
    entry: str
    from_us: Annotated[int | None, Field(description="since when; null while the station's clock is not known")]
    lines: int
    too_long: Annotated[bool, Field(description="somebody should look after it")]
    ended: Annotated[BasketWord | None, Field(description="what a person said of it, its station being lost")]

    @classmethod
    def of(cls, row: BasketRow, too_long: bool) -> Self:
        return cls(
            source=row.source,
            station=row.station,
            basket=row.name,
            place=row.place,
            document=row.document,
            entry=str(row.entry),
            from_us=row.from_us,
            lines=row.lines,
            too_long=too_long,
            ended=None
            if row.ended is None
            else BasketWord(fate=row.ended.fate, at_us=row.ended.at_us, author=row.ended.author, note=row.ended.note),
        )


class Baskets(Model):
    """The baskets that stations have not closed, by station."""

    baskets: list[Basket]
