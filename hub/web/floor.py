"""The shop floor over REST and as pages: which places there are, of what areas, and what is at home where."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from starlette.responses import HTMLResponse, RedirectResponse

from hub.ledger.floorplan import OF_THEIR_OWN
from hub.store.floor import MAX_ROWS, PlaceRow
from hub.store.places import STORE_AREA
from hub.store.store import HubStore
from hub.web.adjusting import read_key
from hub.web.floor_models import Decided, Home, Homes, NewHome, NewPlace, Place, Places
from hub.web.forms import checked, moments_us, read_form
from hub.web.outside import Outside
from hub.web.pages import Pages
from hub.web.problems import Problem
from hub.web.rest import BAD, PREFIX, json_only
from protocol.dated_words import FloorWord, HomeGiven, PlaceGiven, PlaceKind
from protocol.identity import EntryId, PlaceId

_log = logging.getLogger(__name__)

At = Annotated[int | None, Query(ge=0, description="as of this moment, UTC microseconds; now if not said")]
Key = Annotated[str | None, Header(max_length=130)]
Of = Annotated[str, Query(max_length=256)]


class _Desk:
    """What both REST and the pages do."""

    def __init__(self, store: HubStore, outside: Outside) -> None:
        self._store = store
        self._outside = outside

    def at(self, at_us: int | None) -> int:
        return self._outside.now_us() if at_us is None else at_us

    async def history(self, place: str) -> Sequence[PlaceRow]:
        rows = await self._store.place_history(PlaceId(place))
        if not rows:
            raise Problem("place-unknown", "nobody has spoken of it", 404)
        return rows

    async def give_place(self, asked: NewPlace, key: str | None = None) -> tuple[EntryId, bool]:
        now_us = self._outside.now_us()
        from_us = self.at(asked.from_us)
        parent = asked.parent or ""
        area = asked.area or (asked.place if asked.kind in OF_THEIR_OWN else await self._area_of(parent, from_us))
        said = "" if key is None else read_key(key)
        return await self._decide(
            PlaceGiven(now_us, asked.place, parent, area, asked.kind, from_us, asked.author, asked.note, said)
        )

    async def give_home(self, asked: NewHome, key: str | None = None) -> tuple[EntryId, bool]:
        now_us = self._outside.now_us()
        from_us = self.at(asked.from_us)
        said = "" if key is None else read_key(key)
        return await self._decide(
            HomeGiven(now_us, asked.item, asked.place, from_us, asked.to_us, asked.author, asked.note, said)
        )

    async def _area_of(self, parent: str, at_us: int) -> str:
        rows = await self._store.place_history(PlaceId(parent)) if parent else ()
        return next((row.area for row in rows if row.from_us <= at_us), STORE_AREA)

    async def _decide(self, word: FloorWord) -> tuple[EntryId, bool]:
        made = await self._store.decide(word)
        _log.info("shop floor", extra={"place": word.place, "entry": str(made[0]), "by": word.author})
        return made


def floor_rest(store: HubStore, outside: Outside) -> APIRouter:
    """Make the routes under `/api/v1/places` and `/api/v1/homes`."""
    router = APIRouter(prefix=PREFIX, tags=["floor"], responses=BAD)
    desk = _Desk(store, outside)

    @router.get("/places")
    async def places(at_us: At = None) -> Places:
        """The places that anybody spoke of. Every other place is of the area `store`."""
        return Places(places=[Place.of(row) for row in await store.places(desk.at(at_us))])

    @router.post("/places", status_code=201, dependencies=[Depends(json_only)])
    async def give_place(asked: NewPlace, response: Response, idempotency_key: Key = None) -> Decided:
        """Say what a place is from a moment on: what was scanned there since is then of that area, late or not.

        What stands on a place that moves to another area goes with it. An `Idempotency-Key` works as for adjustments.
        """
        return decided(response, await desk.give_place(asked, idempotency_key))

    @router.get("/places/{place}")
    async def place(place: str) -> Places:
        """What a place was and will be, the newest first."""
        return Places(places=[Place.of(row) for row in await desk.history(place)])

    @router.get("/homes")
    async def homes(item: Of = "", place: Of = "", at_us: At = None) -> Homes:
        """The homes of an item, or at a place, or of all items."""
        rows = await store.homes(desk.at(at_us), item=item, place=place, limit=MAX_ROWS)
        return Homes(homes=[Home.of(row) for row in rows])

    @router.post("/homes", status_code=201, dependencies=[Depends(json_only)])
    async def give_home(asked: NewHome, response: Response, idempotency_key: Key = None) -> Decided:
        """Say that a shelf holds an item. An `Idempotency-Key` works as for adjustments."""
        return decided(response, await desk.give_home(asked, idempotency_key))

    return router


def decided(response: Response, made: tuple[EntryId, bool]) -> Decided:
    """Answer a decision that may have been made before under its key."""
    entry, repeated = made
    if repeated:
        response.status_code = 200
        response.headers["idempotency-replayed"] = "true"
    return Decided(entry=str(entry), repeated=repeated)


def floor_pages(pages: Pages, store: HubStore, outside: Outside) -> APIRouter:
    """Make the routes of the pages on the shop floor."""
    router = APIRouter(include_in_schema=False)
    desk = _Desk(store, outside)

    @router.get("/floor")
    async def floor() -> HTMLResponse:
        rows = await store.places(outside.now_us())
        known = {row.place for row in rows}
        return HTMLResponse(
            pages.render(
                "floor.html",
                here="/floor",
                rows=[(row, depth) for row, depth in _with_depth(rows) if row.kind is not PlaceKind.GONE],
                stations=[row for row in await store.stations() if row.place and row.place not in known],
                kinds=list(PlaceKind),
                positions=await store.positions(outside.now_us()),
                store_area=STORE_AREA,
            )
        )

    @router.get("/floor/{place}")
    async def place(place: str) -> HTMLResponse:
        words = await desk.history(place)
        homes = await store.homes(outside.now_us(), place=place)
        names = {each.item: row for each in homes if (row := await store.item(each.item)) is not None}
        return HTMLResponse(
            pages.render("floor_place.html", here="/floor", place=place, words=words, homes=homes, names=names)
        )

    @router.post("/floor")
    async def give_place(request: Request) -> Response:
        form = moments_us(read_form(await request.body()), "from_us")
        await desk.give_place(checked(NewPlace, form))
        return RedirectResponse("/floor", status_code=303)

    @router.post("/floor/{place}/homes")
    async def give_home(place: str, request: Request) -> Response:
        form = moments_us(read_form(await request.body()), "from_us", "to_us")
        await desk.give_home(checked(NewHome, {**form, "place": place}))
        return RedirectResponse(f"/floor/{place}", status_code=303)

    return router


def _with_depth(rows: Sequence[PlaceRow]) -> list[tuple[PlaceRow, int]]:
    """Say how deep in the tree each place is; parents come first."""
    depths: dict[str, int] = {}
    found: list[tuple[PlaceRow, int]] = []
    for row in rows:
        depth = depths[row.place] = depths.get(row.parent, -1) + 1
        found.append((row, depth))
    return found
