"""What REST takes and gives of stock, items and events, as OpenAPI describes it; units as in `hub.web.models`."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import ConfigDict, Field

from hub.ledger.entries import Status
from hub.store.entry_bounds import MAX_BOOKED_MILLI
from hub.store.views import ItemRow, Looked, RecentEvent, StockRow, available_in_all_milli
from hub.web.models import Line, Model, Money, Next, Word, shown
from protocol.events import Reason

InAll = Annotated[
    int, Field(description="what may be promised in the store: on hand - reserved - safety, each summed over all areas")
]


class Stock(Model):
    """One item in one area. The truth lies between `lo_milli` and `hi_milli`."""

    item: str
    name: Annotated[str, Field(description="empty if the catalogue does not hold the item")]
    unit: str
    area: str
    on_hand_milli: int
    lo_milli: int
    hi_milli: int
    available_milli: Annotated[
        int, Field(description="what may be promised: on hand - reserved - safety, and never below zero")
    ]
    reserved_milli: Annotated[int, Field(description="kept for orders, see /api/v1/reservations")]
    safety_milli: Annotated[int, Field(description="promised to nobody, see /api/v1/safety-stock")]
    unanchored: Annotated[bool, Field(description="never counted: the figure starts from an assumed zero")]
    ambiguous: Annotated[int, Field(description="movements that may lie on either side of the last count")]
    final: Annotated[bool, Field(description="as the last period declared final left it; else it is provisional")]
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
            reserved_milli=row.reserved_milli,
            safety_milli=row.safety_milli,
            unanchored=row.unanchored,
            ambiguous=row.ambiguous,
            final=row.final,
            counted_us=row.counted_us,
            price=Money.of(row.price_minor, row.currency),
        )


class StockPage(Model):
    """Stock in the order of item, then area."""

    rows: list[Stock]
    next: Next


class Item(Model):
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


class ItemPage(Model):
    """Items that have books. One kept in several areas may end a page and begin the next."""

    items: list[Item]
    next: Next


class ItemStock(Model):
    """An item and its figures in every area; `known` says whether the catalogue holds it."""

    item: Item
    known: bool
    available_milli: InAll
    stock: list[Stock]


class LookedUp(Model):
    """What a code means: `factor_milli` of an item (a carton of six says 6000), with price and figures now."""

    model_config = shown(
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
            "available_milli": 56000,
            "stock": [
                {
                    "item": "milk-1l",
                    "name": "Whole milk 1 l",
                    "unit": "each",
                    "area": "store",
                    "on_hand_milli": 62000,
                    "lo_milli": 60000,
                    "hi_milli": 62000,
                    "available_milli": 56000,
                    "reserved_milli": 4000,
                    "safety_milli": 2000,
                    "unanchored": False,
                    "ambiguous": 1,
                    "final": False,
                    "counted_us": 1780310400000000,
                    "price": {"minor": 129, "currency": "EUR"},
                }
            ],
        }
    )

    code: Annotated[str, Field(description="as the catalogue writes it: a GTIN in 14 digits")]
    factor_milli: int
    item: Item
    known: Annotated[bool, Field(description="the catalogue holds the item, and not only the code")]
    available_milli: InAll
    stock: list[Stock]

    @classmethod
    def of(cls, row: Looked) -> Self:
        return cls(
            code=row.code,
            factor_milli=row.factor_milli,
            item=Item.of(row.item),
            known=row.known,
            available_milli=available_in_all_milli(row.stock),
            stock=[Stock.of(figure) for figure in row.stock],
        )


class NewAdjustment(Model):
    """Stock moved in the books by a person or a program, which says who, and why in words."""

    model_config = shown(
        {
            "item": "milk-1l",
            "area": "store",
            "qty_milli": -2000,
            "reason": "waste",
            "author": "Ada, back office",
            "note": "two cartons burst",
            "document": "waste-note-118",
        }
    ) | ConfigDict(extra="forbid")

    item: Word
    area: Word
    qty_milli: Annotated[int, Field(ge=-MAX_BOOKED_MILLI, le=MAX_BOOKED_MILLI, description="signed, not zero")]
    reason: Reason
    author: Line
    note: Line
    document: Annotated[Word | None, Field(description="of yours that says so too: an invoice, a delivery note")] = None


class Adjusted(Model):
    """The journal entry that an adjustment became; `repeated`: it had been made before, under the same key."""

    entry: str
    repeated: bool


class Portion(Model):
    """So much of an item."""

    model_config = ConfigDict(extra="forbid")

    item: Word
    qty_milli: Annotated[int, Field(ge=1, le=MAX_BOOKED_MILLI)]


Portions = Annotated[list[Portion], Field(min_length=1, max_length=50)]


class NewConversion(Model):
    """Goods became other goods in an area: a case was opened, a basket was filled, a cheese was cut."""

    model_config = shown(
        {
            "area": "store",
            "used": [{"item": "wine-red", "qty_milli": 1000}, {"item": "olives", "qty_milli": 2000}],
            "made": [{"item": "gift-basket", "qty_milli": 1000}],
            "author": "Ada, back office",
            "note": "baskets for the weekend",
        }
    ) | ConfigDict(extra="forbid")

    area: Word
    used: Portions
    made: Portions
    author: Line
    note: Line
    document: Annotated[Word | None, Field(description="by which its entries are found together")] = None


class Converted(Model):
    """The journal entries that a conversion became, what was used first; `repeated`: made before, under that key."""

    entries: list[str]
    repeated: bool


class Event(Model):
    """An entry as it arrived. `item` and `status` are null until it is booked, or if it moves nothing."""

    entry: str
    kind: Annotated[
        str,
        Field(
            description="delta, count, count-reading, shelf-counted, sweep, suppressed, restored, reversal, "
            "basket-opened, basket-line, basket-undo, basket-sold, basket-voided, basket-abandoned, "
            "basket-said-sold, basket-said-returned, basket-said-unknown, "
            "adjustment, void, transfer-draft, transfer-approve, transfer-close, reservation-reserve, "
            "reservation-fulfil, reservation-release, safety-given or unreadable"
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


class Events(Model):
    """The newest entries of all stations and the journal, newest arrival first.

    `uncounted` are scans that stations show while their backlogs drain. They are in no books; each goes from here when
    its station's log brings it under the same name.
    """

    events: list[Event]
    uncounted: list[Event]
