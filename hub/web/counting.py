"""Count sessions over REST and as pages: planned, looked into, ruled on; and the cards that people scan."""

from __future__ import annotations

import logging
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.responses import HTMLResponse, RedirectResponse

from hub.ledger.floorplan import SHELVES
from hub.store.count_views import Expected, SessionView
from hub.store.store import HubStore
from hub.web.adjusting import read_key
from hub.web.count_models import Count, Counts, CountSession, ExpectedItem, ExpectedList, NewCount, NewRuling
from hub.web.floor import Key, decided
from hub.web.floor_models import Decided
from hub.web.forms import checked, read_form
from hub.web.outside import Outside
from hub.web.pages import Pages
from hub.web.problems import Problem
from hub.web.rest import BAD, PREFIX, After, Limit, json_only
from protocol.cards import CountCard, EndCard, WhoCard, card_text
from protocol.code128 import Barcode, code128
from protocol.count_decisions import CountDecision, CountPlanned, CountRuled, CountVerdict
from protocol.identity import EntryId, parse_place

ROWS: Final = 50
MOST_CARDS: Final = 200
_log = logging.getLogger(__name__)


class _Desk:
    """What both REST and the pages do."""

    def __init__(self, store: HubStore, outside: Outside) -> None:
        self._store = store
        self._outside = outside

    async def one(self, session: str) -> SessionView:
        view = await self._store.counts.session(session, self._outside.tolerances)
        if view is None:
            raise Problem("count-unknown", "nobody has counted or planned it")
        return view

    async def expected(self, session: str) -> tuple[Expected, ...]:
        view = await self.one(session)
        if view.is_blind:
            raise Problem("blind-count", "who counts is not to be told before all is counted")
        return await self._store.counts.expected(session)

    async def plan(self, asked: NewCount, key: str | None = None) -> tuple[EntryId, bool]:
        return await self._decide(
            CountPlanned(
                self._outside.now_us(),
                asked.session,
                asked.area,
                None if asked.items is None else tuple(asked.items),
                tuple(asked.shelves),
                asked.blind,
                asked.closed,
                asked.two_passes,
                asked.author,
                asked.note,
                "" if key is None else read_key(key),
            )
        )

    async def rule(self, session: str, asked: NewRuling, key: str | None = None) -> tuple[EntryId, bool]:
        if asked.target is not None and asked.verdict is not CountVerdict.VOID:
            raise Problem("bad-request", "target: a single entry can only be void")
        return await self._decide(
            CountRuled(
                self._outside.now_us(),
                session,
                asked.verdict,
                asked.item,
                asked.pass_number,
                asked.target,
                asked.author,
                asked.note,
                "" if key is None else read_key(key),
            )
        )

    async def check_cards(self, session: str, places: list[str]) -> None:
        """Raise `Problem` ("shelves-unknown") where the first place counted would be taken for the whole."""
        if len(places) < 2:
            return
        known = {row.place for row in await self._store.places(self._outside.now_us()) if row.kind in SHELVES}
        view = await self._store.counts.session(session)
        if view is not None and view.planned is not None:
            known |= {parse_place(shelf) for shelf in view.planned[1].shelves}
        for place in places:
            if place not in known:
                raise Problem("shelves-unknown", f"{place}: neither a shelf of the floor nor of the session's plan")

    async def _decide(self, decision: CountDecision) -> tuple[EntryId, bool]:
        made = await self._store.decide(decision)
        _log.info("count", extra={"session": decision.session, "entry": str(made[0]), "by": decision.author})
        return made


def counting_rest(store: HubStore, outside: Outside) -> APIRouter:
    """Make the routes under `/api/v1/counts`."""
    router = APIRouter(prefix=PREFIX, tags=["counts"], responses=BAD)
    desk = _Desk(store, outside)

    @router.get("/counts")
    async def counts(after: After = None, limit: Limit = 100) -> Counts:
        """All count sessions, the newest first; also those that a station began and ended by itself."""
        page = await store.counts.sessions(after=after, limit=limit)
        return Counts(counts=[Count.of(row) for row in page.rows], next=page.next)

    @router.post("/counts", status_code=201, dependencies=[Depends(json_only)])
    async def plan(asked: NewCount, response: Response, idempotency_key: Key = None) -> Decided:
        """Plan a count. It is seen a moment later. An `Idempotency-Key` works as for adjustments."""
        return decided(response, await desk.plan(asked, idempotency_key))

    # Before the session itself, whose name may hold any character.
    @router.get("/counts/{session:path}/expected")
    async def expected(session: str) -> ExpectedList:
        """What the books hold of what is to be counted; not of a blind count before all is counted."""
        return ExpectedList(items=[ExpectedItem.of(each) for each in await desk.expected(session)])

    @router.post("/counts/{session:path}/rulings", status_code=201, dependencies=[Depends(json_only)])
    async def rule(session: str, asked: NewRuling, response: Response, idempotency_key: Key = None) -> Decided:
        """Rule on what a session found. It acts a moment later. An `Idempotency-Key` works as for adjustments."""
        return decided(response, await desk.rule(session, asked, idempotency_key))

    @router.get("/counts/{session:path}")
    async def count(session: str) -> CountSession:
        """One session: its shelves, what their passes found, what it comes to, waits for, and asks a person."""
        return CountSession.of(await desk.one(session))

    return router


def counting_pages(pages: Pages, store: HubStore, outside: Outside) -> APIRouter:
    """Make the routes of the pages on counts, and of the cards to print."""
    router = APIRouter(include_in_schema=False)
    desk = _Desk(store, outside)

    @router.get("/counts")
    async def counts(after: After = None) -> HTMLResponse:
        page = await store.counts.sessions(after=after, limit=ROWS)
        more = page.next and f"/counts?after={quote(page.next, safe='')}"
        return HTMLResponse(pages.render("counts.html", here="/counts", page=page, next_href=more))

    @router.post("/counts")
    async def plan(request: Request) -> Response:
        form = read_form(await request.body())
        asked = checked(NewCount, {**form, **_lists(form), **{name: name in form for name in _YES}})
        await desk.plan(asked)
        return RedirectResponse("/counts", status_code=303)

    @router.get("/counts/{session:path}/expected")
    async def expected(session: str) -> HTMLResponse:
        rows = await desk.expected(session)
        return HTMLResponse(pages.render("count_expected.html", here="/counts", session=session, rows=rows))

    @router.post("/counts/{session:path}/rulings")
    async def rule(session: str, request: Request) -> Response:
        form = read_form(await request.body())
        await desk.rule(session, checked(NewRuling, form))
        return RedirectResponse(f"/counts/{quote(session)}", status_code=303)

    @router.get("/counts/{session:path}")
    async def count(session: str) -> HTMLResponse:
        view = await desk.one(session)
        return HTMLResponse(pages.render("count.html", here="/counts", view=view, verdicts=list(CountVerdict)))

    @router.get("/cards")
    async def cards(
        session: Annotated[str, Query(max_length=40)] = "",
        place: Annotated[str, Query(max_length=10_000)] = "",
        passes: Annotated[int, Query(ge=1, le=9)] = 1,
        person: Annotated[str, Query(max_length=10_000)] = "",
    ) -> HTMLResponse:
        places = place.split()
        await desk.check_cards(session, places)
        drawn = count_cards(session, places, passes, person.split())
        return HTMLResponse(
            pages.render(
                "cards.html", here="/cards", session=session, place=place, passes=passes, person=person, cards=drawn
            )
        )

    return router


_YES: Final = ("blind", "closed", "two_passes")


def _lists(form: dict[str, str]) -> dict[str, object]:
    """Take the items, one a line, and the shelves, apart."""
    items = [line.strip() for line in form.get("items", "").splitlines() if line.strip()]
    return {"items": items or None, "shelves": form.get("shelves", "").split()}


def count_cards(session: str, places: list[str], passes: int, people: list[str]) -> list[tuple[str, Barcode]]:
    """Draw the cards of a count: one a shelf and pass, one a person, and END. Raises `BadInput` for what is no name."""
    texts = [(f"{person} counts", card_text(WhoCard(person))) for person in people]
    if session:
        texts.append(("All is counted", card_text(EndCard())))
    for place in places if session else ():
        for number in range(1, passes + 1):
            what = f"{place}, {session}" + (f", pass {number}" if passes > 1 else "")
            texts.append((what, card_text(CountCard(session, parse_place(place), number))))
    if len(texts) > MOST_CARDS:
        raise Problem("bad-request", f"{len(texts)} cards on a page, at most {MOST_CARDS}")
    return [(what, code128(text)) for what, text in texts]
