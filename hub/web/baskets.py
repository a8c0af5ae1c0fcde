"""Baskets that tills have not closed, over REST and as a page, and what a person says became of them."""

from __future__ import annotations

import logging
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import HTMLResponse, RedirectResponse

from hub.store.store import HubStore
from hub.store.views import Looked
from hub.web.adjusting import read_key
from hub.web.floor import Key, decided
from hub.web.floor_models import Decided
from hub.web.forms import checked, read_form
from hub.web.models import Line, Word
from hub.web.outside import Outside
from hub.web.overview import is_forgotten
from hub.web.pages import Pages
from hub.web.rest import BAD, PREFIX, json_only
from protocol.decisions import BasketEnded, BasketFate
from protocol.identity import EntryId

MOST: Final = 200
_log = logging.getLogger(__name__)


class NewBasketEnd(BaseModel):
    """What became of the goods of a basket that its station cannot close: paid for, back on their shelves, or unknown.

    `unknown` writes them off, and says of each figure that there may be as many more until somebody counts.
    """

    model_config = ConfigDict(frozen=True)

    basket: Annotated[Word, Field(description="the entry that opened it")]
    fate: BasketFate
    author: Line
    note: Line


class _Desk:
    """What both REST and the page do."""

    def __init__(self, store: HubStore, outside: Outside) -> None:
        self._store = store
        self._outside = outside

    async def end(self, asked: NewBasketEnd, key: str | None = None) -> tuple[EntryId, bool]:
        said = "" if key is None else read_key(key)
        now_us = self._outside.now_us()
        made = await self._store.decide(BasketEnded(now_us, asked.basket, asked.fate, asked.author, asked.note, said))
        _log.info("basket ended", extra={"basket": asked.basket, "fate": asked.fate.value, "by": asked.author})
        return made


def basket_rest(store: HubStore, outside: Outside) -> APIRouter:
    """Make the route under `/api/v1/baskets` that decides."""
    router = APIRouter(prefix=PREFIX, tags=["stock"], responses=BAD)
    desk = _Desk(store, outside)

    @router.post("/baskets/ends", status_code=201, dependencies=[Depends(json_only)])
    async def end(asked: NewBasketEnd, response: Response, idempotency_key: Key = None) -> Decided:
        """End a basket whose station is lost. It holds nothing back any more, and the last word on it counts.

        Should the station close it after all, that is what became of it, and all this is taken back. Refused
        ("goods-unknown") while goods are to be taken off stock whose code means nothing. An `Idempotency-Key` works as
        for adjustments.
        """
        return decided(response, await desk.end(asked, idempotency_key))

    return router


def basket_pages(pages: Pages, store: HubStore, outside: Outside) -> APIRouter:
    """Make the routes of the page."""
    router = APIRouter(include_in_schema=False)
    desk = _Desk(store, outside)

    @router.get("/baskets")
    async def baskets() -> HTMLResponse:
        now_us = outside.now_us()
        rows = [(row, is_forgotten(row, now_us), await store.in_basket(row.entry)) for row in await store.baskets()]
        codes = list({each.code for _, _, put in rows for each in put[:MOST]})
        found = zip(codes, await store.look_up(codes), strict=True)
        names = {code: known.item for code, known in found if isinstance(known, Looked)}
        return HTMLResponse(pages.render("baskets.html", here="/baskets", rows=rows, names=names, most=MOST))

    @router.post("/baskets")
    async def end(request: Request) -> Response:
        await desk.end(checked(NewBasketEnd, read_form(await request.body())))
        return RedirectResponse("/baskets", status_code=303)

    return router
