"""Declared sources over REST and as a page: what counts where, and the evidence that contradicts the books."""

from __future__ import annotations

import logging
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.responses import HTMLResponse, RedirectResponse

from hub.store.store import HubStore
from hub.web.adjusting import read_key
from hub.web.floor import Key, decided
from hub.web.floor_models import Decided
from hub.web.forms import checked, moments_us, read_form
from hub.web.outside import Outside
from hub.web.pages import Pages
from hub.web.rest import BAD, PREFIX, After, Limit, json_only
from hub.web.source_models import (
    Comparison,
    DeclaredSource,
    DeclaredSources,
    EvidenceCompared,
    EvidenceRows,
    NewSource,
)
from protocol.dated_words import DeclaredFor, Source, SourceDeclared
from protocol.identity import EntryId

_HOUR_US: Final = 3_600_000_000
_LONGEST_H: Final = 24 * 31
_log = logging.getLogger(__name__)

Hours = Annotated[int, Query(ge=1, le=_LONGEST_H, description="how far back to look")]


class _Desk:
    """What both REST and the page do."""

    def __init__(self, store: HubStore, outside: Outside) -> None:
        self._store = store
        self._outside = outside

    async def declare(self, asked: NewSource, key: str | None = None) -> tuple[EntryId, bool]:
        now_us = self._outside.now_us()
        made = await self._store.decide(
            SourceDeclared(
                now_us,
                asked.place,
                asked.reason,
                asked.source,
                now_us if asked.from_us is None else asked.from_us,
                asked.author,
                asked.note,
                "" if key is None else read_key(key),
            )
        )
        _log.info("source declared", extra={"place": asked.place, "source": asked.source.value, "by": asked.author})
        return made


def source_rest(store: HubStore, outside: Outside) -> APIRouter:
    """Make the routes under `/api/v1/sources` and `/api/v1/evidence`."""
    router = APIRouter(prefix=PREFIX, tags=["sources"], responses=BAD)
    desk = _Desk(store, outside)

    @router.get("/sources")
    async def sources() -> DeclaredSources:
        """What is declared. Where nothing is, scans and till software move stock, and tags do not."""
        return DeclaredSources(sources=[DeclaredSource.of(row) for row in await store.tags.sources()])

    @router.post("/sources", status_code=201, dependencies=[Depends(json_only)])
    async def declare(asked: NewSource, response: Response, idempotency_key: Key = None) -> Decided:
        """Say which source counts at a place for a reason: what was filed since then is read again accordingly.

        An `Idempotency-Key` works as for adjustments.
        """
        return decided(response, await desk.declare(asked, idempotency_key))

    @router.get("/evidence")
    async def evidence(after: After = None, limit: Limit = 100) -> EvidenceRows:
        """What was told by sources that do not count where they told it; it moves nothing."""
        return EvidenceRows.of(await store.tags.evidence(after=after, limit=limit))

    @router.get("/evidence/compared")
    async def compared(hours: Hours = 24) -> Comparison:
        """Evidence beside what the books moved of the same items, in the same areas, for the same reasons."""
        since_us = outside.now_us() - hours * _HOUR_US
        rows = await store.tags.compared_evidence(since_us)
        return Comparison(since_us=since_us, rows=[EvidenceCompared.of(row) for row in rows])

    return router


def source_pages(pages: Pages, store: HubStore, outside: Outside) -> APIRouter:
    """Make the routes of the page on sources."""
    router = APIRouter(include_in_schema=False)
    desk = _Desk(store, outside)

    @router.get("/sources")
    async def sources(hours: Hours = 24) -> HTMLResponse:
        return HTMLResponse(
            pages.render(
                "sources.html",
                here="/sources",
                rows=await store.tags.sources(),
                compared=await store.tags.compared_evidence(outside.now_us() - hours * _HOUR_US),
                total=(await store.tags.evidence(limit=1)).total,
                hours=hours,
                reasons=list(DeclaredFor),
                kinds=list(Source),
            )
        )

    @router.post("/sources")
    async def declare(request: Request) -> Response:
        form = moments_us(read_form(await request.body()), "from_us")
        await desk.declare(checked(NewSource, form))
        return RedirectResponse("/sources", status_code=303)

    return router
