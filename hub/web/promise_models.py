"""What REST takes and gives of reservations and safety stock, as OpenAPI describes it; units as in `hub.web.models`."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import ConfigDict, Field

from hub.ledger.promises import ReservationState
from hub.store.entry_bounds import MAX_BOOKED_MILLI
from hub.store.places import STORE_AREA
from hub.store.promises import ReservationRow, SafetyRow
from hub.web.floor_models import Moment, PlaceName
from hub.web.models import Line, Model, Word, shown
from protocol.decisions import ReservationStep

_RESERVED = {
    "document": "order-4711",
    "item": "milk-1l",
    "area": "store",
    "qty_milli": 6000,
    "until_us": 1780920000000000,
    "author": "Web shop",
    "note": "to be collected on Friday",
}


class NewReservation(Model):
    """Goods to be kept for a document, an order of yours; what is sold under it, at whatever time, is taken off."""

    model_config = shown(_RESERVED) | ConfigDict(extra="forbid")

    document: Annotated[Word, Field(description="names one order, and no other")]
    item: Word
    area: PlaceName = STORE_AREA
    qty_milli: Annotated[int, Field(gt=0, le=MAX_BOOKED_MILLI, description="in all, what is sold already included")]
    until_us: Annotated[Moment | None, Field(description="kept until before then; null: until a later word")] = None
    author: Line
    note: Line


class ReservationEnd(Model):
    """What was kept for a document is kept no more: handed over without a sale that names it, or not wanted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    document: Word
    item: Word
    area: PlaceName = STORE_AREA
    how: ReservationStep = ReservationStep.RELEASE
    author: Line
    note: Line


class Reserved(Model):
    """What became of a reservation, by whose last word. `open_milli` of `qty_milli` are kept still."""

    document: str
    item: str
    area: str
    state: ReservationState
    qty_milli: int
    sold_milli: Annotated[int, Field(description="what was sold under the document, less what was brought back")]
    open_milli: int
    until_us: int | None
    at_us: int
    entry: str
    author: str
    note: str

    @classmethod
    def of(cls, row: ReservationRow) -> Self:
        return cls(**{name: getattr(row, name) for name in cls.model_fields if name != "entry"}, entry=str(row.entry))


class Reservations(Model):
    """Reservations by item, area and document."""

    reservations: list[Reserved]


class NewSafety(Model):
    """Stock that is promised to nobody, from `from_us` (null: now) on; 0: all of it may be promised."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    item: Word
    area: Annotated[PlaceName | None, Field(description="null: each area that has no word of its own")] = None
    qty_milli: Annotated[int, Field(ge=0, le=MAX_BOOKED_MILLI)]
    from_us: Moment | None = None
    author: Line
    note: Line


class Safety(Model):
    """Safety stock that holds, by whose word; `area` null: in each area that has no word of its own."""

    item: str
    area: str | None
    qty_milli: int
    from_us: int
    entry: str
    author: str
    note: str

    @classmethod
    def of(cls, row: SafetyRow) -> Self:
        return cls(**{name: getattr(row, name) for name in cls.model_fields if name != "entry"}, entry=str(row.entry))


class SafetyStock(Model):
    """Safety stock by item and area."""

    safety: list[Safety]
