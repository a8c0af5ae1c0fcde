"""Which price was live at a time and place, and every price an item had: `GET /api/v1/prices`, and a page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.responses import HTMLResponse

from hub.store.price_history import Perhaps, PriceRow, PriceThen
from hub.store.store import HubStore
from hub.web import wording
from hub.web.outside import Outside
from hub.web.pages import Pages
from hub.web.problems import Problem
from hub.web.rest import PREFIX
from protocol.catalogue import WHOLE_MILLI, Price
from protocol.errors import BadInput
from protocol.identity import ItemId, StationId, parse_station

MAX_US: Final = 2**53
SHOWN: Final = 100

ItemName = Annotated[str, Query(min_length=1, max_length=64)]
At = Annotated[str, Query(max_length=40, description="RFC 3339, or UTC microseconds; now if left out")]
Station = Annotated[str, Query(max_length=64, description="the station that stood at the position; else the hub")]
AtPosition = Annotated[str, Query(max_length=64, description="where the station stood that is asked about")]
Quantity = Annotated[int, Query(ge=1, le=10**12, description="bought together, in thousandths")]


class LivePrice(BaseModel):
    """A price of one unit of the item, and from when until when it holds by itself (UTC microseconds)."""

    id: str
    kind: str
    minor: int
    currency: str
    scope: str
    priority: int
    min_qty_milli: int
    valid_from_us: int
    valid_to_us: int | None

    @classmethod
    def of(cls, price: Price) -> LivePrice:
        """Take what a row says."""
        return cls(
            id=price.id,
            kind=price.kind.value,
            minor=price.minor,
            currency=price.currency,
            scope=price.scope,
            priority=price.priority,
            min_qty_milli=price.min_qty_milli,
            valid_from_us=price.valid_from_us,
            valid_to_us=price.valid_to_us,
        )


class PerhapsLive(BaseModel):
    """A price (null: none) that was on its way to the station and may have been live there already.

    The hub knew since `from_us`; the station acknowledged it at `until_us` (null: not yet), and had it before that.
    """

    price: LivePrice | None
    from_us: int
    until_us: int | None

    @classmethod
    def of(cls, perhaps: Perhaps) -> PerhapsLive:
        """Take what the store says."""
        price = None if perhaps.price is None else LivePrice.of(perhaps.price)
        return cls(price=price, from_us=perhaps.from_us, until_us=perhaps.until_us)


class PriceAnswer(BaseModel):
    """The price that was live at `at_us`, by what was known at that place then; null where none held.

    `known_us` is since when the hub knew it, `station_us` since when the station did (0: since before records began).
    `version` is the catalogue the station had acknowledged. `perhaps` are the prices it may have sold at instead,
    because a newer catalogue was on its way to it; where it is empty, `live` is certain. `due` is the price for that
    time by what is known today.
    """

    item: str
    at_us: int
    station: str | None
    live: LivePrice | None
    due: LivePrice | None
    version: int | None
    known_us: int | None
    station_us: int | None
    perhaps: list[PerhapsLive]

    @classmethod
    def of(cls, item: str, at_us: int, station: str | None, then: PriceThen) -> PriceAnswer:
        """Take what the store says."""
        return cls(
            item=item,
            at_us=at_us,
            station=station,
            live=None if then.live is None else LivePrice.of(then.live),
            due=None if then.due is None else LivePrice.of(then.due),
            version=then.version,
            known_us=then.known_us,
            station_us=then.held_us,
            perhaps=[PerhapsLive.of(each) for each in then.perhaps],
        )


def price_routes(store: HubStore, outside: Outside, pages: Pages) -> APIRouter:
    """Make the routes."""
    router = APIRouter()

    @router.get(f"{PREFIX}/prices", tags=["items"])
    async def prices(
        item: ItemName,
        at: At = "",
        station: Station = "",
        position: AtPosition = "",
        qty_milli: Quantity = WHOLE_MILLI,
    ) -> PriceAnswer:
        """Which price of an item was live at a time, at a position, a station or the hub, and since when it was known.

        At a position, that is the station which stood there then.
        """
        at_us = instant(at, outside.now_us())
        asked = await _asked(store, station, position, at_us)
        then = await store.price_at(ItemId(item), asked, at_us, qty_milli)
        if then.live is None and then.due is None and not await store.price_history(ItemId(item), 1):
            raise Problem("item-unknown", f"{wording.plain(item)} never had a price")
        return PriceAnswer.of(item, at_us, asked, then)

    @router.get("/prices", include_in_schema=False)
    async def page(item: ItemName, at: At = "", station: Station = "", position: AtPosition = "") -> HTMLResponse:
        rows: tuple[PriceRow, ...] = await store.price_history(ItemId(item), SHOWN)
        known = await store.item(ItemId(item))
        if known is None and not rows:
            raise Problem("item-unknown", wording.plain(item))
        at_us = instant(at, outside.now_us())
        asked = await _asked(store, station, position, at_us)
        return HTMLResponse(
            pages.render(
                "prices.html",
                here=f"/prices?{urlencode({'item': item})}",
                item=item,
                name=item if known is None or not known.name else known.name,
                rows=rows,
                most=SHOWN,
                at=wording.iso_time(at_us),
                at_us=at_us,
                station=asked,
                position=position,
                positions=[row.position for row in await store.positions(at_us)],
                stations=[row.station for row in await store.stations()],
                then=await store.price_at(ItemId(item), asked, at_us, WHOLE_MILLI),
            )
        )

    return router


def instant(text: str, now_us: int) -> int:
    """Read a time as UTC microseconds: RFC 3339 (without an offset: UTC), or the number itself. Raises `Problem`."""
    if not text.strip():
        return now_us
    try:
        if text.isdecimal():
            micros = int(text)
        else:
            told = datetime.fromisoformat(text.strip().replace(" ", "+") if "T" in text else text.strip())
            told = told.replace(tzinfo=UTC) if told.tzinfo is None else told
            since = told - datetime(1970, 1, 1, tzinfo=UTC)
            micros = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    except (ValueError, OverflowError) as error:
        raise Problem("bad-request", f"{wording.plain(text, 40)} is no time like 2026-03-29T08:00:00Z") from error
    if not 0 <= micros <= MAX_US:
        raise Problem("bad-request", f"{wording.plain(text, 40)} is out of this world")
    return micros


async def _asked(store: HubStore, station: str, position: str, at_us: int) -> StationId | None:
    """Say which station is asked about, by its name or by where it stood; None: the hub. Raises `Problem`."""
    if not position:
        return _station(station)
    stood = await store.station_at(position, at_us)
    if stood is None or station not in ("", stood):
        raise Problem("position-empty", f"nobody said that it stood at {wording.plain(position)} then", 404)
    return stood


def _station(text: str) -> StationId | None:
    try:
        return parse_station(text) if text else None
    except BadInput as error:
        raise Problem("bad-request", error.detail) from error
