"""How long goods are under way around their scans, over REST and as a page: said for an area and a reason."""

from __future__ import annotations

import logging
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import HTMLResponse, RedirectResponse

from hub.store.entry_bounds import MAX_LEAD_US
from hub.store.leads import EVERYWHERE, LeadsRow, usual
from hub.store.store import HubStore
from hub.web.adjusting import read_key
from hub.web.floor import At, Key, decided
from hub.web.floor_models import Decided, Moment, PlaceName
from hub.web.forms import checked, moments_us, read_form
from hub.web.models import Line
from hub.web.outside import Outside
from hub.web.pages import Pages
from hub.web.problems import Problem
from hub.web.rest import BAD, PREFIX, json_only
from protocol.dated_words import LeadsGiven
from protocol.identity import EntryId
from protocol.reasons import Reason

_log = logging.getLogger(__name__)
_MINUTE_US: Final = 60_000_000
MOVED_BY_STATIONS: Final = tuple(reason for reason in Reason if reason is not Reason.ADJUSTMENT)
Span = Annotated[int, Field(ge=0, le=MAX_LEAD_US, description="microseconds, a week at most")]


class NewLeads(BaseModel):
    """A word on how long before its scan goods may have left, or after it come back. `area` null: in all others."""

    model_config = ConfigDict(frozen=True)

    area: PlaceName | None = None
    reason: Reason
    lead_us: Span
    lag_us: Span
    from_us: Moment | None = None
    author: Line
    note: Line


class LeadsSaid(BaseModel):
    """What holds from `from_us` on, by whose word; `area` null: in all areas that have no word of their own."""

    model_config = ConfigDict(frozen=True)

    area: str | None
    reason: Reason
    lead_us: int
    lag_us: int
    from_us: int
    entry: str
    author: str
    note: str

    @classmethod
    def of(cls, row: LeadsRow) -> LeadsSaid:
        return cls(
            area=row.area,
            reason=row.reason,
            lead_us=row.lead_us,
            lag_us=row.lag_us,
            from_us=row.from_us,
            entry=str(row.entry),
            author=row.author,
            note=row.note,
        )


class Usual(BaseModel):
    """What a reason has where nobody said anything."""

    model_config = ConfigDict(frozen=True)

    reason: Reason
    lead_us: int
    lag_us: int


class AllLeads(BaseModel):
    """What was said and holds, and what holds everywhere else."""

    model_config = ConfigDict(frozen=True)

    said: list[LeadsSaid]
    usual: list[Usual]


class _Desk:
    """What both REST and the page do."""

    def __init__(self, store: HubStore, outside: Outside) -> None:
        self._store = store
        self._outside = outside

    async def give(self, asked: NewLeads, key: str | None = None) -> tuple[EntryId, bool]:
        now_us = self._outside.now_us()
        word = LeadsGiven(
            now_us,
            asked.area or EVERYWHERE,
            asked.reason,
            asked.lead_us,
            asked.lag_us,
            now_us if asked.from_us is None else asked.from_us,
            asked.author,
            asked.note,
            "" if key is None else read_key(key),
        )
        made = await self._store.decide(word)
        _log.info("leads given", extra={"area": word.area, "reason": word.reason.value, "by": word.author})
        return made


def leads_rest(store: HubStore, outside: Outside) -> APIRouter:
    """Make the routes under `/api/v1/leads`."""
    router = APIRouter(prefix=PREFIX, tags=["floor"], responses=BAD)
    desk = _Desk(store, outside)

    @router.get("/leads")
    async def leads(at_us: At = None) -> AllLeads:
        """How long goods are under way around their scans: a count that falls in between has a doubt."""
        said = await store.leads(outside.now_us() if at_us is None else at_us)
        return AllLeads(said=[LeadsSaid.of(row) for row in said], usual=_usual())

    @router.post("/leads", status_code=201, dependencies=[Depends(json_only)])
    async def give_leads(asked: NewLeads, response: Response, idempotency_key: Key = None) -> Decided:
        """Say it for an area and a reason, from a moment on; figures that rest on it are made anew.

        An `Idempotency-Key` works as for adjustments.
        """
        return decided(response, await desk.give(asked, idempotency_key))

    return router


def leads_pages(pages: Pages, store: HubStore, outside: Outside) -> APIRouter:
    """Make the routes of the page."""
    router = APIRouter(include_in_schema=False)
    desk = _Desk(store, outside)

    @router.get("/leads")
    async def leads() -> HTMLResponse:
        said = await store.leads(outside.now_us())
        return HTMLResponse(
            pages.render("leads.html", here="/floor", said=said, usual=_usual(), reasons=MOVED_BY_STATIONS)
        )

    @router.post("/leads")
    async def give(request: Request) -> Response:
        form = moments_us(read_form(await request.body()), "from_us")
        for span in ("lead", "lag"):
            form[f"{span}_us"] = _minutes_us(str(form.pop(span, "0")))
        await desk.give(checked(NewLeads, form))
        return RedirectResponse("/leads", status_code=303)

    return router


def _usual() -> list[Usual]:
    told = ((reason, *usual(reason)) for reason in MOVED_BY_STATIONS)
    return [Usual(reason=reason, lead_us=lead_us, lag_us=lag_us) for reason, lead_us, lag_us in told]


def _minutes_us(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise Problem("bad-request", f"{text[:20]!r} is not a number of whole minutes")
    return int(text) * _MINUTE_US
