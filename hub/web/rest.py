"""REST under `/api/v1`: the store's answers as JSON, and adjustments into the journal."""

from __future__ import annotations

import logging
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from starlette.responses import JSONResponse

from hub.store.store import HubStore
from hub.store.views import ItemRow, available_in_all_milli
from hub.tokens import Scope
from hub.web import problems
from hub.web.access import Access
from hub.web.adjusting import Adjusting
from hub.web.health import complete_to_us
from hub.web.lineage_models import FigureLineage, ItemLineage, Timeline, TimelineLine
from hub.web.models import Backups, NewBackup, ProblemType
from hub.web.outside import Outside
from hub.web.overview import is_forgotten, judged
from hub.web.problems import Problem
from hub.web.station_models import (
    AllContested,
    Basket,
    Baskets,
    Choice,
    Contested,
    Device,
    Loss,
    Losses,
    Quarantine,
    Quarantined,
    Station,
    Stations,
)
from hub.web.stock_models import (
    Adjusted,
    Converted,
    Event,
    Events,
    Item,
    ItemPage,
    ItemStock,
    NewAdjustment,
    NewConversion,
    Stock,
    StockPage,
)
from protocol.identity import ItemId, PlaceId

PREFIX: Final = "/api/v1"
_log = logging.getLogger(__name__)

Limit = Annotated[int, Query(ge=1, le=500, description="rows at most")]
After = Annotated[str | None, Query(max_length=2000, description="`next` of the page before")]
Search = Annotated[str, Query(max_length=100, description="part of an item, its name or a code")]
BAD: Final[dict[int | str, dict[str, object]]] = {"4XX": problems.DESCRIBED, "5XX": problems.DESCRIBED}


def rest_routes(store: HubStore, outside: Outside) -> APIRouter:
    """Make the routes."""
    router = APIRouter(prefix=PREFIX, responses=BAD)
    adjusting = Adjusting(store, outside)
    access = Access(outside.tokens, outside.now_us)
    reads, decides, runs = (access.needs(scope) for scope in (Scope.STOCK_READ, Scope.STOCK_DECIDE, Scope.HUB))

    @router.get("/stock", tags=["stock"], dependencies=[reads])
    async def stock(search: Search = "", after: After = None, limit: Limit = 100) -> StockPage:
        """Figures of all items that have books, in the order of item and area."""
        page = await store.stock(after=after, limit=limit, search=search)
        return StockPage(rows=[Stock.of(row) for row in page.rows], next=page.next)

    @router.get("/items", tags=["items"], dependencies=[reads])
    async def items(search: Search = "", after: After = None, limit: Limit = 100) -> ItemPage:
        """Items that have books, in the order of item."""
        page = await store.stock(after=after, limit=limit, search=search)
        found = [
            await store.item(name) or ItemRow(name, "", "each", (), None, None)
            for name in dict.fromkeys(row.item for row in page.rows)
        ]
        return ItemPage(items=[Item.of(row) for row in found], next=page.next)

    # Before the item itself, whose name may hold any character.
    @router.get("/items/{item:path}/timeline", tags=["items"], dependencies=[reads])
    async def timeline(item: str, area: str | None = None, after: After = None, limit: Limit = 100) -> Timeline:
        """The entries behind an item's figures, newest first."""
        place = None if area is None else PlaceId(area)
        page = await store.timeline(ItemId(item), area=place, after=after, limit=limit)
        if not page.entries and after is None and await _nobody_knows(store, ItemId(item)):
            raise Problem("item-unknown", "neither in the catalogue nor in the books")
        return Timeline(entries=[TimelineLine.of(row) for row in page.entries], next=page.next)

    @router.get("/items/{item:path}/lineage", tags=["items"], dependencies=[reads])
    async def lineage(item: str, area: str | None = None) -> ItemLineage:
        """Why an item's figures are what they are: the count each rests on, what moved since, what is ambiguous."""
        found = await store.lineage(ItemId(item), area=None if area is None else PlaceId(area))
        if not found and await _nobody_knows(store, ItemId(item)):
            raise Problem("item-unknown", "neither in the catalogue nor in the books")
        return ItemLineage(item=item, figures=[FigureLineage.of(each) for each in found])

    @router.get("/items/{item:path}", tags=["items"], dependencies=[reads])
    async def one_item(item: str) -> ItemStock:
        """An item with its codes, price now, and figures in every area."""
        row = await store.item(ItemId(item))
        figures = (await store.stock_of(ItemId(item))).rows
        if row is None and not figures:
            raise Problem("item-unknown", "neither in the catalogue nor in the books")
        return ItemStock(
            item=Item.of(row or ItemRow(ItemId(item), "", "each", (), None, None)),
            known=row is not None,
            available_milli=available_in_all_milli(figures),
            stock=[Stock.of(figure) for figure in figures],
        )

    @router.get("/events", tags=["events"], dependencies=[reads])
    async def events(limit: Limit = 50) -> Events:
        """The newest entries, as they arrived. An item's whole history is its timeline."""
        rows = await store.recent_events(limit)
        return Events(
            events=[Event.of(row) for row in rows],
            uncounted=[Event.of(row) for row in outside.uncounted(limit)],
        )

    @router.get("/stations", tags=["stations"], dependencies=[runs])
    async def stations() -> Stations:
        """All stations, judged, with their devices."""
        head, devices = await store.catalogue_hash(), await store.devices()
        rows, catching_up = await store.stations(), outside.catching_up()
        lines = judged(rows, devices, head, outside.now_us())
        return Stations(
            stations=[
                Station.of(line, [Device.of(d) for d in devices if d.station == line.row.station], catching_up)
                for line in lines
            ],
            catalogue_hash=str(head),
            right_to_us=complete_to_us(rows),
            to_go_s=catching_up.seconds,
        )

    @router.get("/baskets", tags=["stations"], dependencies=[runs])
    async def baskets() -> Baskets:
        """Baskets that are open at tills. What is in them is not sold, and nothing since they were opened is final.

        One whose station is lost is ended by a person; it stays in the list, for the station may close it after all.
        """
        now_us = outside.now_us()
        return Baskets(baskets=[Basket.of(row, is_forgotten(row, now_us)) for row in await store.baskets()])

    @router.get("/quarantine", tags=["stations"], dependencies=[runs])
    async def quarantine(after: After = None, limit: Limit = 100) -> Quarantine:
        """What is held back, newest first, with its bytes."""
        page = await store.quarantine(after=after, limit=limit)
        return Quarantine(rows=[Quarantined.of(row) for row in page.rows], next=page.next)

    @router.get("/losses", tags=["stations"], dependencies=[runs])
    async def losses(after: After = None, limit: Limit = 100) -> Losses:
        """Entries that can never come, newest record first."""
        page = await store.losses(after=after, limit=limit)
        return Losses(rows=[Loss.of(row) for row in page.rows], next=page.next)

    @router.get("/contested", tags=["stations"], dependencies=[runs])
    async def contested() -> AllContested:
        """Logs with two live writers, neither of which is acknowledged."""
        return AllContested(
            rows=[
                Contested(log=log, incarnations=[f"{each:x}" for each in found])
                for log, found in sorted(outside.contested().items())
            ]
        )

    @router.post("/contested", tags=["stations"], status_code=204, dependencies=[runs, Depends(json_only)])
    async def choose(choice: Choice) -> None:
        """Let one of two live copies of a log go on. The other is sealed and taken no more."""
        incarnation = int(choice.incarnation, 16)
        if incarnation not in outside.contested().get(choice.log, ()):
            raise Problem("not-contested", f"{choice.incarnation} is not among the live writers of that log")
        await outside.choose(choice.log, incarnation)
        _log.warning(
            "writer chosen",
            extra={"log": choice.log, "incarnation": choice.incarnation, "by": choice.author, "why": choice.note},
        )

    @router.post("/adjustments", tags=["stock"], status_code=201, dependencies=[decides, Depends(json_only)])
    async def adjust(
        asked: NewAdjustment,
        response: Response,
        idempotency_key: Annotated[str | None, Header(max_length=130)] = None,
    ) -> Adjusted:
        """Move stock in the books by an entry in the hub's journal; durable when this answers.

        With an `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header) the adjustment is made once, however
        often it is sent within seven days: a repeat answers 200 with the same entry, another adjustment under the same
        key 422. The key stands in the journal with the adjustment, in the same write, so that neither a restart nor a
        restored file forgets one and knows the other. Without a key, a repeat moves the stock again.
        """
        entry, repeated = await adjusting.adjust(asked, idempotency_key)
        if repeated:
            response.status_code = 200
            response.headers["idempotency-replayed"] = "true"
        return Adjusted(entry=str(entry), repeated=repeated)

    @router.post("/conversions", tags=["stock"], status_code=201, dependencies=[decides, Depends(json_only)])
    async def convert(
        asked: NewConversion,
        response: Response,
        idempotency_key: Annotated[str | None, Header(max_length=130)] = None,
    ) -> Converted:
        """Book that goods became other goods: an entry for each item, all of them in one write, or none.

        An `Idempotency-Key` works as for an adjustment.
        """
        entries, repeated = await adjusting.convert(asked, idempotency_key)
        if repeated:
            response.status_code = 200
            response.headers["idempotency-replayed"] = "true"
        return Converted(entries=[str(entry) for entry in entries], repeated=repeated)

    @router.get("/backups", tags=["hub"], dependencies=[runs])
    async def backups() -> Backups:
        """How the second keeping of the hub's file stands."""
        return Backups.of(None if outside.safekeeping is None else outside.safekeeping.status)

    @router.post("/backups", tags=["hub"], status_code=202, dependencies=[runs, Depends(json_only)])
    async def back_up(asked: NewBackup) -> Response:
        """Have a backup made into the folder of the settings, soon; how it went is told by GET."""
        if outside.safekeeping is None:
            raise Problem("no-medium", "the hub's settings have no [backup]")
        outside.safekeeping.back_up_soon()
        _log.info("backup asked for", extra={"by": asked.author})
        return Response(status_code=202)

    return router


def describing_route() -> APIRouter:
    """Make the route under which the types of problems are looked up."""
    router = APIRouter(responses=BAD)

    @router.get("/problems/{name}", tags=["problems"], response_model=ProblemType)
    async def problem(name: str) -> JSONResponse:
        """Say what a type of problem is."""
        return problems.describe(name)

    return router


async def json_only(request: Request) -> None:
    """Raise "not-json" for a body that does not say it is JSON, which a form of another site cannot."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Problem("not-json", f"content-type is {kind[:60]!r}")


async def _nobody_knows(store: HubStore, item: ItemId) -> bool:
    return await store.item(item) is None and not (await store.stock_of(item)).rows
