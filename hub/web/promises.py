"""Reservations and safety stock over REST and as a page: what of the stock is not to be promised to others."""

from __future__ import annotations

import logging
from decimal import Decimal, InvalidOperation
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.responses import HTMLResponse, RedirectResponse

from hub.ledger.promises import EVERYWHERE
from hub.store.places import STORE_AREA
from hub.store.store import HubStore
from hub.web.adjusting import read_key
from hub.web.floor import Key, decided
from hub.web.floor_models import Decided
from hub.web.forms import checked, moments_us, read_form
from hub.web.outside import Outside
from hub.web.pages import Pages
from hub.web.problems import Problem
from hub.web.promise_models import (
    NewReservation,
    NewSafety,
    ReservationEnd,
    Reservations,
    Reserved,
    Safety,
    SafetyStock,
)
from hub.web.rest import BAD, PREFIX, json_only
from protocol.decisions import PromiseWord, ReservationSaid, ReservationStep, SafetyGiven
from protocol.identity import EntryId

_log = logging.getLogger(__name__)
OfItem = Annotated[str | None, Query(max_length=256, description="of this item alone")]
Ended = Annotated[bool, Query(description="also those that were sold, fulfilled, released, or have expired")]


class _Desk:
    """What both REST and the page do."""

    def __init__(self, store: HubStore, outside: Outside) -> None:
        self._store = store
        self._outside = outside

    async def reserve(self, asked: NewReservation, key: str | None = None) -> tuple[EntryId, bool]:
        return await self._say(
            ReservationSaid(
                self._outside.now_us(),
                asked.document,
                ReservationStep.RESERVE,
                asked.item,
                asked.area,
                asked.qty_milli,
                asked.until_us,
                asked.author,
                asked.note,
                "" if key is None else read_key(key),
            )
        )

    async def end(self, asked: ReservationEnd, key: str | None = None) -> tuple[EntryId, bool]:
        if asked.how is ReservationStep.RESERVE:
            raise Problem("bad-request", "how: a reservation ends fulfilled or released")
        said = "" if key is None else read_key(key)
        return await self._say(
            ReservationSaid(
                self._outside.now_us(),
                asked.document,
                asked.how,
                asked.item,
                asked.area,
                0,
                None,
                asked.author,
                asked.note,
                said,
            )
        )

    async def keep_safe(self, asked: NewSafety, key: str | None = None) -> tuple[EntryId, bool]:
        now_us = self._outside.now_us()
        from_us = now_us if asked.from_us is None else asked.from_us
        area, said = asked.area or EVERYWHERE, "" if key is None else read_key(key)
        return await self._say(
            SafetyGiven(now_us, asked.item, area, asked.qty_milli, from_us, asked.author, asked.note, said)
        )

    async def _say(self, word: PromiseWord) -> tuple[EntryId, bool]:
        made = await self._store.decide(word)
        _log.info("promised", extra={"item": word.item, "entry": str(made[0]), "by": word.author})
        return made


def promise_rest(store: HubStore, outside: Outside) -> APIRouter:
    """Make the routes under `/api/v1/reservations` and `/api/v1/safety-stock`."""
    router = APIRouter(prefix=PREFIX, tags=["stock"], responses=BAD)
    desk = _Desk(store, outside)

    @router.get("/reservations")
    async def reservations(item: OfItem = None, ended: Ended = False) -> Reservations:
        """What is kept for whom, by item, area and document."""
        return Reservations(reservations=[Reserved.of(row) for row in await store.reservations(item=item, ended=ended)])

    @router.post("/reservations", status_code=201, dependencies=[Depends(json_only)])
    async def reserve(asked: NewReservation, response: Response, idempotency_key: Key = None) -> Decided:
        """Keep goods for a document. Said again of the same document, item and area, the later word holds.

        A sale that names the document, at a station or as an adjustment, is taken off. An `Idempotency-Key` works as
        for adjustments.
        """
        return decided(response, await desk.reserve(asked, idempotency_key))

    @router.post("/reservations/end", status_code=201, dependencies=[Depends(json_only)])
    async def end(asked: ReservationEnd, response: Response, idempotency_key: Key = None) -> Decided:
        """Keep nothing more for a document: `release`, or `fulfil` where the goods went without a sale that names it.

        An `Idempotency-Key` works as for adjustments.
        """
        return decided(response, await desk.end(asked, idempotency_key))

    @router.get("/safety-stock")
    async def safety(item: OfItem = None) -> SafetyStock:
        """What is promised to nobody, by item and area."""
        return SafetyStock(safety=[Safety.of(row) for row in await store.safety(item=item)])

    @router.post("/safety-stock", status_code=201, dependencies=[Depends(json_only)])
    async def keep_safe(asked: NewSafety, response: Response, idempotency_key: Key = None) -> Decided:
        """Say how much of an item is promised to nobody, from a moment on. An `Idempotency-Key` works as elsewhere."""
        return decided(response, await desk.keep_safe(asked, idempotency_key))

    return router


def promise_pages(pages: Pages, store: HubStore, outside: Outside) -> APIRouter:
    """Make the routes of the page."""
    router = APIRouter(include_in_schema=False)
    desk = _Desk(store, outside)

    @router.get("/reservations")
    async def reservations(item: OfItem = None, ended: Ended = False) -> HTMLResponse:
        rows, kept = await store.reservations(item=item, ended=ended), await store.safety(item=item)
        names = {row.item for row in rows} | {row.item for row in kept}
        known = {name: await store.item(name) for name in names}
        return HTMLResponse(
            pages.render(
                "reservations.html",
                here="/reservations",
                rows=rows,
                safety=kept,
                known=known,
                item=item,
                ended=ended,
                store_area=STORE_AREA,
            )
        )

    @router.post("/reservations")
    async def reserve(request: Request) -> Response:
        form = moments_us(read_form(await request.body()), "until_us")
        await desk.reserve(checked(NewReservation, _in_milli(form)))
        return RedirectResponse("/reservations", status_code=303)

    @router.post("/reservations/end")
    async def end(request: Request) -> Response:
        await desk.end(checked(ReservationEnd, read_form(await request.body())))
        return RedirectResponse("/reservations", status_code=303)

    @router.post("/reservations/safety")
    async def keep_safe(request: Request) -> Response:
        form = moments_us(read_form(await request.body()), "from_us")
        await desk.keep_safe(checked(NewSafety, _in_milli(form)))
        return RedirectResponse("/reservations", status_code=303)

    return router


def _in_milli(form: dict[str, object]) -> dict[str, object]:
    """Give the form with its quantity in milli-units, of which people fill in whole units. Raises `Problem`."""
    text = str(form.pop("quantity", ""))
    try:
        milli = Decimal(text) * 1000
    except InvalidOperation as error:
        raise Problem("bad-request", f"quantity: {text[:20]!r} is no number") from error
    if not milli.is_finite() or milli != milli.to_integral_value():
        raise Problem("bad-request", f"quantity: {text[:20]!r} has more than three decimals")
    return {**form, "qty_milli": int(milli)}
