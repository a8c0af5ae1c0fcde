"""What planning's part of REST takes and gives, as OpenAPI describes it; units as in `hub.web.models`."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field

from hub.planning.alerts import Alarm, Alert
from hub.planning.cycle import Class, Due
from hub.planning.recount import Recount, Why
from hub.planning.replenish import Suggestion, Terms
from hub.planning.standing import Standing
from hub.store.entry_bounds import MAX_BOOKED_MILLI
from hub.web.models import Model, Next, Word

Amount = Annotated[int, Field(ge=0, le=MAX_BOOKED_MILLI)]


class Figures(Model):
    """An item in an area, as it stands."""

    item: str
    area: str
    name: str
    unit: str
    on_hand_milli: int
    lo_milli: int
    hi_milli: int
    counted_us: int | None

    @classmethod
    def of(cls, standing: Standing) -> Self:
        return cls(**{name: getattr(standing, name) for name in cls.model_fields})


class RecountLine(Model):
    """An item to count again. `doubt_milli` is how far its figure may be off."""

    figures: Figures
    doubt_milli: int
    at_stake_minor: Annotated[int, Field(description="the doubt at the price of now, in minor units; 0 if it has none")]
    currency: str | None
    why: list[Why]

    @classmethod
    def of(cls, recount: Recount) -> Self:
        return cls(
            figures=Figures.of(recount.standing),
            doubt_milli=recount.doubt_milli,
            at_stake_minor=recount.at_stake_minor,
            currency=recount.standing.currency,
            why=list(recount.why),
        )


class Recounts(Model):
    """The items where the most money hangs on a doubtful figure, the first first; `of` have any doubt at all."""

    rows: list[RecountLine]
    of: int


class DueLine(Model):
    """An item to count on day `day` from now (0: today)."""

    figures: Figures
    cls: Annotated[Class, Field(description="A, B, C by turnover; D does not move")]
    day: int
    overdue_days: int

    @classmethod
    def of(cls, due: Due) -> Self:
        return cls(figures=Figures.of(due.standing), cls=due.cls, day=due.day, overdue_days=due.overdue_days)


class CyclePlan(Model):
    """What to count on the days from today on."""

    rows: list[DueLine]


class AlertLine(Model):
    """What is wrong with an item, and how much is missing."""

    figures: Figures
    alarm: Alarm
    short_milli: int

    @classmethod
    def of(cls, alert: Alert) -> Self:
        return cls(figures=Figures.of(alert.suggestion.standing), alarm=alert.alarm, short_milli=alert.short_milli)


class Alerts(Model):
    """Figures below zero, and items of which more is reserved than there is."""

    rows: list[AlertLine]


class OrderTerms(Model):
    """How an item is bought and what is on its way, as whoever keeps orders knows it."""

    item: Word
    area: Word = "store"
    supplier: Annotated[str, Field(max_length=200)] = ""
    lead_days: Annotated[int, Field(ge=0, le=365)] = 2
    review_days: Annotated[int, Field(ge=1, le=365)] = 1
    pack_milli: Annotated[int, Field(ge=1, le=MAX_BOOKED_MILLI)] = 1000
    service_permille: Annotated[int, Field(ge=1, le=1000)] = 950
    on_order_milli: Amount = 0
    in_transit_milli: Amount = 0
    reserved_milli: Amount = 0

    def terms(self) -> Terms:
        """Give what planning reckons with."""
        return Terms(**self.model_dump(exclude={"item", "area"}))


class Wishes(Model):
    """Items to reckon orders for, by the terms of each."""

    rows: Annotated[list[OrderTerms], Field(min_length=1, max_length=200)]


class SupplierLine(Model):
    """Who delivers so many items."""

    supplier: str
    items: int


class SupplierList(Model):
    """All suppliers that the catalogue names."""

    rows: list[SupplierLine]


class OrderLine(Model):
    """A suggested order and what it follows from; `up_to_milli` is null if the past is too short to tell.

    It is never below `min_milli` or above `max_milli`, which are null where nobody set them.
    """

    figures: Figures
    supplier: str
    lead_days: int
    review_days: int
    on_order_milli: int
    in_transit_milli: int
    reserved_milli: int
    taken_milli: Annotated[int, Field(description="what customers took in `days`, less what they brought back")]
    days: int
    up_to_milli: int | None
    safety_milli: int | None
    min_milli: int | None
    max_milli: int | None
    wanted_milli: Annotated[int, Field(description="up to + reserved - on hand - on order - in transit, at least 0")]
    pack_milli: int
    packs: int
    order_milli: Annotated[int, Field(description="what is wanted, in whole packs")]
    documents: Annotated[list[str], Field(description="the transfers that are on order, in transit or reserved")]
    alarms: list[Alarm]

    @classmethod
    def of(cls, suggestion: Suggestion, alerts: list[Alert]) -> Self:
        terms = suggestion.terms
        return cls(
            figures=Figures.of(suggestion.standing),
            supplier=terms.supplier,
            lead_days=terms.lead_days,
            review_days=terms.review_days,
            on_order_milli=terms.on_order_milli,
            in_transit_milli=terms.in_transit_milli,
            reserved_milli=suggestion.standing.reserved_milli + terms.reserved_milli,
            taken_milli=suggestion.taken_milli,
            days=suggestion.days,
            up_to_milli=suggestion.up_to_milli,
            safety_milli=suggestion.safety_milli,
            min_milli=suggestion.terms.min_milli,
            max_milli=suggestion.terms.max_milli,
            wanted_milli=suggestion.wanted_milli,
            pack_milli=terms.pack_milli,
            packs=suggestion.packs,
            order_milli=suggestion.order_milli,
            documents=list(terms.documents),
            alarms=[alert.alarm for alert in alerts],
        )


class Orders(Model):
    """Suggested orders, those that need none included."""

    rows: list[OrderLine]
    next: Next = None
