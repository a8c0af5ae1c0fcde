"""RFID tags over REST and as pages: how many are where, what was told of one, which came back after they were sold."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, urlencode

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from hub.store.store import HubStore
from hub.store.tag_queries import TagHistory
from hub.web import wording
from hub.web.pages import Pages
from hub.web.problems import Problem
from hub.web.rest import BAD, PREFIX, After, Limit, Search
from hub.web.tag_models import OneTag, Tag, TaggedStockPage, Tags

ROWS: Final = 50
AGAIN_SHOWN: Final = 20


def tag_rest(store: HubStore) -> APIRouter:
    """Make the routes under `/api/v1/tags`."""
    router = APIRouter(prefix=PREFIX, tags=["tags"], responses=BAD)

    @router.get("/tags")
    async def stock(search: Search = "", after: After = None, limit: Limit = 100) -> TaggedStockPage:
        """What RFID tags say of the stock, by item and place: a span, since silence proves nothing."""
        return TaggedStockPage.of(await store.tags.stock(after=after, limit=limit, search=search))

    @router.get("/tags/seen-again")
    async def seen_again(limit: Limit = 100) -> Tags:
        """Tags that were sold, or left the store, and were seen in it afterwards."""
        return Tags(tags=[Tag.of(row) for row in await store.tags.seen_again(limit)])

    @router.get("/tags/{epc}")
    async def tag(epc: str) -> OneTag:
        """One tag, and what was told of it."""
        return OneTag.of(await _found(store, epc))

    return router


def tag_pages(pages: Pages, store: HubStore) -> APIRouter:
    """Make the routes of the pages on tags."""
    router = APIRouter(include_in_schema=False)

    @router.get("/tags")
    async def stock(q: Search = "", after: After = None) -> HTMLResponse:
        page = await store.tags.stock(after=after, limit=ROWS, search=q)
        more = page.next and f"/tags?{urlencode({'q': q, 'after': page.next})}"
        again = await store.tags.seen_again(AGAIN_SHOWN)
        return HTMLResponse(
            pages.render("tags.html", here="/tags", page=page, again=again, search=q, after=after, next_href=more)
        )

    @router.get("/tags/{epc}")
    async def tag(epc: str) -> HTMLResponse:
        found = await _found(store, epc)
        return HTMLResponse(
            pages.render("tag.html", here=f"/tags/{quote(epc, safe='')}", tag=found.tag, signs=found.signs)
        )

    return router


async def _found(store: HubStore, epc: str) -> TagHistory:
    found = await store.tags.one(epc.upper())
    if found is None:
        raise Problem("tag-unknown", wording.plain(epc))
    return found
