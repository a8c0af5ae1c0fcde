"""What REST gives of the entries behind a figure, as OpenAPI describes it; units as in `hub.web.models`."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field

from hub.ledger.entries import Cause, Kind, Status
from hub.store.views import Basis, Lineage, MovedBy, TimelineEntry
from hub.web.models import Model, Next
from protocol.events import Reason
from protocol.identity import EntryId


class TimelineLine(Model):
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


class Timeline(Model):
    """An item's lineage, newest first."""

    entries: list[TimelineLine]
    next: Next


class Moved(Model):
    """What movements of one reason came to; those taken back, and what took them back, are left out."""

    reason: Reason
    entries: int
    qty_milli: int

    @classmethod
    def of(cls, row: MovedBy) -> Self:
        return cls(reason=row.reason, entries=row.entries, qty_milli=row.qty_milli)


class RestsOn(Model):
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


class FigureLineage(Model):
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


class ItemLineage(Model):
    """The lineage of an item's figures, in the order of their areas."""

    item: str
    figures: list[FigureLineage]


def _named(entry: EntryId | None) -> str | None:
    return None if entry is None else str(entry)
