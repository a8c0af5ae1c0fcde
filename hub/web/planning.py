"""Planning over REST and as pages: what to recount, what to count when, what to order, what is below zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from starlette.responses import HTMLResponse

from hub.ledger.entries import Kind
from hub.ledger.expected import NOTHING, expected
from hub.planning.alerts import Alert, alerts
from hub.planning.cycle import Due, cycle_plan
from hub.planning.recount import Recount, recount_list
from hub.planning.replenish import Suggestion, Terms, suggest
from hub.planning.standing import DAY_US, NEVER_COUNTED, CountRecord, Standing
from hub.store.own_fields import NO_BOUNDS
from hub.store.store import HubStore
from hub.store.supplies import Suppliers
from hub.store.views import StockRow
from hub.web import planning_models as models
from hub.web import wording
from hub.web.outside import Outside
from hub.web.pages import Pages
from hub.web.problems import Problem
from hub.web.rest import PREFIX, After, Limit, Search, json_only
from protocol.catalogue import WHOLE_MILLI, Item
from protocol.chain import Position
from protocol.events import Reason
from protocol.identity import ItemId, PlaceId

WINDOW_DAYS: Final = 56
"""How much of the past an order looks at: eight weeks, so that every weekday is in it equally often."""
SHOWN: Final = 50
_PAGE: Final = 1000
_TAKEN: Final = (Reason.SALE, Reason.RETURN)

PerDay = Annotated[int, Query(ge=1, le=1000, description="items that can be counted in a day")]
Days = Annotated[int, Query(ge=1, le=366, description="days from today on")]
LeadDays = Annotated[
    int, Query(ge=0, le=365, description="from ordering to arrival, of items of which the catalogue does not say")
]
ReviewDays = Annotated[int, Query(ge=1, le=365, description="from one order to the next")]
Service = Annotated[int, Query(ge=1, le=1000, description="of a thousand stretches so many are to be covered")]
Pack = Annotated[
    int,
    Query(ge=1, le=10**9, description="what is bought in one, in milli-units, of items that the catalogue has singly"),
]
Supplier = Annotated[str, Query(max_length=64, description="only what the catalogue says is bought there")]


class Planning:
    """Asks the store and reckons."""

    def __init__(self, store: HubStore, outside: Outside) -> None:
        self._store = store
        self._outside = outside
        self._suppliers: tuple[Position, Suppliers] | None = None

    async def standings(self) -> list[Standing]:
        """Give all items that have books."""
        records = await self._store.count_records()
        found: list[Standing] = []
        after: str | None = None
        while True:
            page = await self._store.stock(after=after, limit=_PAGE)
            found += [_standing(row, *records.get((row.item, row.area), (NEVER_COUNTED, 0))) for row in page.rows]
            if (after := page.next) is None:
                return found

    async def recounts(self) -> list[Recount]:
        """Rank all items by what is at stake."""
        wanted = await self._store.head_office.recounts_asked()
        return recount_list(await self.standings(), self._outside.now_us(), wanted)

    async def cycle(self, per_day: int, days: int) -> list[Due]:
        """Plan counts from today on."""
        return cycle_plan(await self.standings(), self._outside.now_us(), per_day, days)

    async def wrong(self) -> list[Alert]:
        """Find what the books say less than nothing of, or less than is reserved: what is missing most first."""
        found = [alert for each in await self.standings() for alert in alerts(suggest(each, (), Terms()))]
        return sorted(found, key=lambda alert: -alert.short_milli)

    async def orders(self, rows: Sequence[StockRow], terms: Terms) -> list[Suggestion]:
        """Reckon orders for items as the catalogue says they are bought, by `terms` where it does not."""
        said = await self._store.items_said([row.item for row in rows])
        coming = expected(await self._store.open_transfers(), self._outside.store)
        bounds = await self._store.head_office.bounds([row.item for row in rows])
        found: list[Suggestion] = []
        for row in rows:
            bound = bounds.get((row.item, row.area), NO_BOUNDS)
            there = coming.get((row.item, row.area), NOTHING)
            bought = replace(
                _bought(said.get(row.item), terms),
                on_order_milli=there.on_order_milli,
                in_transit_milli=there.in_transit_milli,
                reserved_milli=there.leaving_milli,
                documents=there.documents,
                min_milli=bound.min_milli,
                max_milli=bound.max_milli,
            )
            found.append(await self.order(_standing(row), bought))
        return found

    async def suppliers(self) -> Suppliers:
        """Give the items of each supplier, gone through anew where the catalogue is another one."""
        head = self._store.catalogue.view.head
        if self._suppliers is None or self._suppliers[0] != head:
            self._suppliers = (head, await self._store.suppliers())
        return self._suppliers[1]

    async def bought_at(self, supplier: str, after: str | None, limit: int) -> tuple[list[StockRow], str | None]:
        """Give the books of items of a supplier, those after the item `after`, and what asks for the next."""
        items = [item for item in (await self.suppliers()).get(supplier, ()) if after is None or item > after]
        rows = [row for item in items[:limit] for row in (await self._store.stock_of(item)).rows]
        return rows, items[limit - 1] if len(items) > limit else None

    async def order_of(self, item: str, area: str, terms: Terms) -> Suggestion:
        """Reckon an order for one item. Raises `Problem` ("item-unknown")."""
        for row in (await self._store.stock_of(ItemId(item))).rows:
            if row.area == area:
                return await self.order(_standing(row), terms)
        raise Problem("item-unknown", f"there are no books of {item[:80]!r} in {area[:80]!r}")

    async def order(self, standing: Standing, terms: Terms) -> Suggestion:
        """Reckon an order by what customers took lately."""
        return suggest(standing, await self._taken(standing.item, standing.area), terms)

    async def _taken(self, item: ItemId, area: PlaceId) -> list[int]:
        """Give what customers took of an item on each of the last days, oldest first, in milli-units.

        A day is 24 hours back from now, so no zone is needed. Days before the item's first entry are left out.
        """
        now_us = self._outside.now_us()
        daily = [0] * WINDOW_DAYS
        known = 0
        after: str | None = None
        while True:
            page = await self._store.timeline(item, area=area, after=after, limit=_PAGE)
            for entry in page.entries:
                ago = max(0, now_us - entry.t_us) // DAY_US
                if ago >= WINDOW_DAYS:
                    return daily[::-1]
                known = ago + 1
                if entry.kind is Kind.DELTA and entry.reason in _TAKEN and entry.reversed_by is None:
                    daily[ago] -= entry.qty_milli
            if (after := page.next) is None:
                return daily[:known][::-1]


def planning_routes(store: HubStore, pages: Pages, outside: Outside) -> APIRouter:
    """Make the routes, REST and pages."""
    planning = Planning(store, outside)
    router = APIRouter()

    @router.get(f"{PREFIX}/planning/recounts", tags=["planning"])
    async def recounts(limit: Limit = 100) -> models.Recounts:
        """Items to count again, ranked by what is at stake: how far the figure may be off, times its price.

        The doubt is `hi - lo`, what went wrong unseen since the last count by the item's own record, and what is below
        zero.
        """
        found = await planning.recounts()
        return models.Recounts(rows=[models.RecountLine.of(each) for each in found[:limit]], of=len(found))

    @router.get(f"{PREFIX}/planning/cycle", tags=["planning"])
    async def cycle(per_day: PerDay = 20, days: Days = 7) -> models.CyclePlan:
        """What to count on which day: A items every 30 days, B every 90, C every 180, what does not move every 365."""
        return models.CyclePlan(rows=[models.DueLine.of(each) for each in await planning.cycle(per_day, days)])

    @router.get(f"{PREFIX}/planning/alerts", tags=["planning"])
    async def alarmed() -> models.Alerts:
        """Figures below zero, and items of which more is reserved than there is beyond the safety stock.

        What is missing most comes first.
        """
        return models.Alerts(rows=[models.AlertLine.of(each) for each in await planning.wrong()])

    async def reckoned(
        search: str, supplier: str, after: str | None, limit: int, terms: Terms
    ) -> tuple[list[Suggestion], str | None]:
        if supplier:
            rows, following = await planning.bought_at(supplier, after, limit)
            return await planning.orders(rows, terms), following
        page = await store.stock(after=after, limit=limit, search=search)
        return await planning.orders(page.rows, terms), page.next

    @router.get(f"{PREFIX}/planning/suppliers", tags=["planning"])
    async def supplied() -> models.SupplierList:
        """Who delivers, as the catalogue says, and how many items of it."""
        found = await planning.suppliers()
        return models.SupplierList(rows=[models.SupplierLine(supplier=name, items=len(found[name])) for name in found])

    @router.get(f"{PREFIX}/planning/orders", tags=["planning"])
    async def orders(
        search: Search = "",
        supplier: Supplier = "",
        after: After = None,
        limit: Limit = 50,
        lead_days: LeadDays = 2,
        review_days: ReviewDays = 1,
        service_permille: Service = 950,
        pack_milli: Pack = WHOLE_MILLI,
    ) -> models.Orders:
        """Suggested orders in whole packs, in the order of item and area, or of one supplier's items.

        Supplier, pack and lead time are the catalogue's. What approved transfers bring counts as on order and in
        transit, and what they are to take away as reserved, beside what is reserved for orders; `documents` names them.
        Safety stock that somebody said is ordered up to beside the mean. The sum of each line is
        `wanted = up_to + reserved - on_hand - on_order - in_transit`, and at least 0.
        """
        terms = Terms("", lead_days, review_days, pack_milli, service_permille)
        found, following = await reckoned(search, supplier, after, limit, terms)
        return models.Orders(rows=[models.OrderLine.of(each, alerts(each)) for each in found], next=following)

    @router.post(f"{PREFIX}/planning/orders", tags=["planning"], dependencies=[Depends(json_only)])
    async def reckon(wishes: models.Wishes) -> models.Orders:
        """Suggested orders by terms of each item: supplier, lead time, pack, what is on order, on its way, reserved.

        Nothing is kept. The alarms tell of items of which more is reserved than there is, or that run out before
        anything ordered now arrives.
        """
        found = [await planning.order_of(wish.item, wish.area, wish.terms()) for wish in wishes.rows]
        return models.Orders(rows=[models.OrderLine.of(each, alerts(each)) for each in found])

    @router.get("/planning", include_in_schema=False)
    async def counting_page() -> HTMLResponse:
        found = await planning.recounts()
        return HTMLResponse(
            pages.render(
                "planning.html",
                here="/planning",
                recounts=found[:SHOWN],
                every=len(found),
                plan=await planning.cycle(20, 1),
                wrong=await planning.wrong(),
                today=wording.iso_time(outside.now_us())[:10],
            )
        )

    @router.get("/planning/orders", include_in_schema=False)
    async def ordering_page(
        q: Search = "",
        supplier: Supplier = "",
        after: After = None,
        lead_days: LeadDays = 2,
        review_days: ReviewDays = 1,
    ) -> HTMLResponse:
        terms = Terms("", lead_days, review_days)
        found, following = await reckoned(q.strip(), supplier, after, SHOWN, terms)
        asked = {"q": q, "supplier": supplier, "lead_days": lead_days, "review_days": review_days}
        return HTMLResponse(
            pages.render(
                "orders.html",
                here="/planning/orders",
                rows=[(each, alerts(each)) for each in found],
                asked=asked,
                suppliers=await planning.suppliers(),
                after=after,
                next_after=following,
                window_days=WINDOW_DAYS,
            )
        )

    return router


def _bought(item: Item | None, terms: Terms) -> Terms:
    """Say how an item is bought: by the catalogue where that says something, else by `terms`."""
    if item is None:
        return terms
    return replace(
        terms,
        supplier=item.supplier or terms.supplier,
        lead_days=item.lead_days or terms.lead_days,
        pack_milli=terms.pack_milli if item.pack_milli == WHOLE_MILLI else item.pack_milli,
    )


def _standing(row: StockRow, record: CountRecord = NEVER_COUNTED, sold_milli: int = 0) -> Standing:
    return Standing(
        item=row.item,
        area=row.area,
        name=row.name,
        unit=row.unit,
        on_hand_milli=row.on_hand_milli,
        lo_milli=row.lo_milli,
        hi_milli=row.hi_milli,
        counted_us=row.counted_us,
        price_minor=row.price_minor,
        currency=row.currency,
        record=record,
        sold_milli=sold_milli,
        reserved_milli=row.reserved_milli,
        safety_milli=row.safety_milli,
    )
