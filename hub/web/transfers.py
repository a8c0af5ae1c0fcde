"""Transfers over REST and as pages: listed, drafted, approved, closed."""

from __future__ import annotations

import logging
import re
from typing import Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from hub.ledger.transfers import TransferState
from hub.store.store import HubStore
from hub.web.forms import checked, read_form
from hub.web.outside import Outside
from hub.web.pages import Pages
from hub.web.problems import Problem
from hub.web.rest import BAD, PREFIX, After, Limit, json_only
from hub.web.transfer_models import NewTransfer, SaidSo, Step, Transfer, Transfers, shipment_card
from protocol.code128 import code128
from protocol.decisions import TransferLine, TransferSaid, TransferStep

ROWS: Final = 50
_LINE: Final = re.compile(r"(?P<item>\S.*?)\s+(?P<whole>[0-9]{1,9})(?:\.(?P<milli>[0-9]{1,3}))?")
_log = logging.getLogger(__name__)


class _Desk:
    """What both REST and the pages do."""

    def __init__(self, store: HubStore, outside: Outside) -> None:
        self._store = store
        self._outside = outside

    async def one(self, document: str) -> TransferState:
        state = await self._store.transfer(document)
        if state is None:
            raise Problem("transfer-unknown", "nobody has spoken of it", 404)
        return state

    async def draft(self, asked: NewTransfer) -> SaidSo:
        here = self._outside.store
        source, destination = asked.from_store or here, asked.to_store or here
        if (source, asked.from_area) == (destination, asked.to_area):
            raise Problem("bad-request", "goods that stay where they are need no transfer")
        lines = tuple(TransferLine(each.item, each.qty_milli) for each in asked.lines)
        if len({each.item for each in lines}) < len(lines):
            raise Problem("bad-request", "lines: an item stands twice")
        return await self._say(
            TransferSaid(
                self._outside.now_us(),
                asked.document,
                TransferStep.DRAFT,
                source,
                asked.from_area,
                destination,
                asked.to_area,
                lines,
                asked.author,
                asked.note,
            )
        )

    async def step(self, document: str, step: TransferStep, asked: Step) -> SaidSo:
        state = await self.one(document)
        route = state.route
        if route is None:
            raise Problem("transfer-unknown", "nobody has drafted it", 404)
        planned = () if step is TransferStep.CLOSE else state.items
        return await self._say(
            TransferSaid(
                self._outside.now_us(),
                document,
                step,
                route.from_store,
                route.from_area,
                route.to_store,
                route.to_area,
                tuple(TransferLine(each.item, each.planned_milli) for each in planned if each.planned_milli > 0),
                asked.author,
                asked.note,
            )
        )

    async def _say(self, said: TransferSaid) -> SaidSo:
        entry = await self._store.say_transfer(said)
        _log.info("transfer", extra={"document": said.document, "step": said.step.value, "by": said.author})
        return SaidSo(entry=str(entry))


def transfer_rest(store: HubStore, outside: Outside) -> APIRouter:
    """Make the routes under `/api/v1/transfers`."""
    router = APIRouter(prefix=PREFIX, tags=["transfers"], responses=BAD)
    desk = _Desk(store, outside)

    @router.get("/transfers")
    async def transfers(after: After = None, limit: Limit = 100) -> Transfers:
        """All transfers, the one that was spoken of last first."""
        page = await store.transfers(after=after, limit=limit)
        return Transfers(transfers=[Transfer.of(each) for each in page.transfers], next=page.next)

    @router.post("/transfers", status_code=201, dependencies=[Depends(json_only)])
    async def draft(asked: NewTransfer) -> SaidSo:
        """Draft a transfer between two areas of this store, or ask head office for one with another store."""
        return await desk.draft(asked)

    @router.post("/transfers/{document:path}/approve", status_code=201, dependencies=[Depends(json_only)])
    async def approve(document: str, asked: Step) -> SaidSo:
        """Approve a draft within this store; those between stores are head office's to approve."""
        return await desk.step(document, TransferStep.APPROVE, asked)

    @router.post("/transfers/{document:path}/close", status_code=201, dependencies=[Depends(json_only)])
    async def close(document: str, asked: Step) -> SaidSo:
        """Expect nothing more of a transfer within this store: what is missing is posted to shrink."""
        return await desk.step(document, TransferStep.CLOSE, asked)

    @router.get("/transfers/{document:path}")
    async def transfer(document: str) -> Transfer:
        """One transfer and what it has come to."""
        return Transfer.of(await desk.one(document))

    return router


def transfer_pages(pages: Pages, store: HubStore, outside: Outside) -> APIRouter:
    """Make the routes of the pages on transfers."""
    router = APIRouter(include_in_schema=False)
    desk = _Desk(store, outside)

    @router.get("/transfers")
    async def transfers(after: After = None) -> HTMLResponse:
        page = await store.transfers(after=after, limit=ROWS)
        more = page.next and f"/transfers?after={quote(page.next, safe='')}"
        return HTMLResponse(pages.render("transfers.html", here="/transfers", page=page, next_href=more))

    @router.get("/transfers/{document:path}")
    async def transfer(document: str) -> HTMLResponse:
        state = await desk.one(document)
        names = {each.item: row for each in state.items if (row := await store.item(each.item)) is not None}
        card = shipment_card(state)
        route = state.route
        return HTMLResponse(
            pages.render(
                "transfer.html",
                here="/transfers",
                state=state,
                names=names,
                ours=route is not None and route.from_store == route.to_store == outside.store,
                card=None if card is None else code128(card),
            )
        )

    @router.post("/transfers")
    async def draft(request: Request) -> Response:
        form = read_form(await request.body())
        await desk.draft(checked(NewTransfer, {**form, "lines": _lines(form.get("lines", ""))}))
        return RedirectResponse("/transfers", status_code=303)

    @router.post("/transfers/{document:path}/{step}")
    async def step(document: str, step: TransferStep, request: Request) -> Response:
        if step is TransferStep.DRAFT:
            raise Problem("not-found", "a draft is made on the page of all transfers")
        await desk.step(document, step, checked(Step, read_form(await request.body())))
        return RedirectResponse(f"/transfers/{quote(document)}", status_code=303)

    return router


def _lines(text: str) -> list[dict[str, object]]:
    """Read "item quantity" line by line, the quantity in the item's unit."""
    found: list[dict[str, object]] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        match = _LINE.fullmatch(line)
        if match is None:
            raise Problem("bad-request", f"{line[:80]!r} is not an item and a quantity")
        qty_milli = int(match["whole"]) * 1000 + int((match["milli"] or "").ljust(3, "0"))
        found.append({"item": match["item"], "qty_milli": qty_milli})
    return found
