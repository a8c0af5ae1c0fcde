"""Which station stands where, over REST and from the page of the shop floor."""

from __future__ import annotations

import logging

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict
from starlette.responses import RedirectResponse

from hub.store.places import STORE_AREA
from hub.store.positions import PositionRow
from hub.store.store import HubStore
from hub.web.adjusting import read_key
from hub.web.floor import At, Key, decided
from hub.web.floor_models import Decided, Moment, PlaceName
from hub.web.forms import checked, moments_us, read_form
from hub.web.models import Line
from hub.web.outside import Outside
from hub.web.rest import BAD, PREFIX, json_only
from protocol.dated_words import PositionGiven
from protocol.identity import EntryId

_log = logging.getLogger(__name__)


class NewPosition(BaseModel):
    """From `from_us` (null: now) on a station stands there; null: none does. `area` null: the one a store starts as."""

    model_config = ConfigDict(frozen=True)

    position: PlaceName
    station: PlaceName | None = None
    area: PlaceName | None = None
    from_us: Moment | None = None
    author: Line
    note: Line


class StandsAt(BaseModel):
    """What holds of a position from `from_us` on, by whose word."""

    model_config = ConfigDict(frozen=True)

    position: str
    station: str | None
    area: str
    from_us: int
    entry: str
    author: str
    note: str

    @classmethod
    def of(cls, row: PositionRow) -> StandsAt:
        return cls(
            position=row.position,
            station=row.station,
            area=row.area,
            from_us=row.from_us,
            entry=str(row.entry),
            author=row.author,
            note=row.note,
        )


class AllPositions(BaseModel):
    """The positions that anybody spoke of."""

    model_config = ConfigDict(frozen=True)

    positions: list[StandsAt]


class _Desk:
    """What both REST and the page do."""

    def __init__(self, store: HubStore, outside: Outside) -> None:
        self._store = store
        self._outside = outside

    async def give(self, asked: NewPosition, key: str | None = None) -> tuple[EntryId, bool]:
        now_us = self._outside.now_us()
        word = PositionGiven(
            now_us,
            asked.position,
            asked.station,
            asked.area or STORE_AREA,
            now_us if asked.from_us is None else asked.from_us,
            asked.author,
            asked.note,
            "" if key is None else read_key(key),
        )
        made = await self._store.decide(word)
        _log.info("position given", extra={"position": word.position, "station": word.station, "by": word.author})
        return made


def position_rest(store: HubStore, outside: Outside) -> APIRouter:
    """Make the routes under `/api/v1/positions`."""
    router = APIRouter(prefix=PREFIX, tags=["floor"], responses=BAD)
    desk = _Desk(store, outside)

    @router.get("/positions")
    async def positions(at_us: At = None) -> AllPositions:
        """Which station stands where: a spare inherits a position, and never a name."""
        rows = await store.positions(outside.now_us() if at_us is None else at_us)
        return AllPositions(positions=[StandsAt.of(row) for row in rows])

    @router.post("/positions", status_code=201, dependencies=[Depends(json_only)])
    async def give(asked: NewPosition, response: Response, idempotency_key: Key = None) -> Decided:
        """Say which station stands at a position from a moment on. An `Idempotency-Key` works as for adjustments."""
        return decided(response, await desk.give(asked, idempotency_key))

    return router


def position_pages(store: HubStore, outside: Outside) -> APIRouter:
    """Make the route that the page of the shop floor posts to."""
    router = APIRouter(include_in_schema=False)
    desk = _Desk(store, outside)

    @router.post("/positions")
    async def give(request: Request) -> Response:
        await desk.give(checked(NewPosition, moments_us(read_form(await request.body()), "from_us")))
        return RedirectResponse("/floor", status_code=303)

    return router
