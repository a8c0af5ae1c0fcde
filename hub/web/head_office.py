"""Head office's word over REST and as a page: stock statements, the conflicts about them, and fields of the store."""

from __future__ import annotations

import logging
import re
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.responses import HTMLResponse, RedirectResponse

from hub.store.own_fields import FieldRow
from hub.store.stated_queries import ConflictRow
from hub.store.store import HubStore
from hub.store.views import ItemRow, Lineage
from hub.web.adjusting import read_key
from hub.web.floor import Key, decided
from hub.web.floor_models import Decided
from hub.web.forms import checked, read_form
from hub.web.head_office_models import (
    Conflict,
    Conflicts,
    NewAnswer,
    NewField,
    NewRestore,
    OwnedField,
    OwnedFields,
    Statement,
    Statements,
)
from hub.web.outside import Outside
from hub.web.pages import Pages, item_path
from hub.web.problems import Problem
from hub.web.rest import BAD, PREFIX, After, Limit, json_only
from protocol.hq_decisions import ConflictAnswered, FieldWritten, OwnField
from protocol.identity import EntryId, ItemId

_log = logging.getLogger(__name__)
SHOWN: Final = 50
_BOUND: Final = re.compile(r"(?P<whole>[0-9]{1,9})(?:[.,](?P<milli>[0-9]{1,3}))?")
Name = Annotated[str, Query(min_length=1, max_length=256)]
Wanted = Annotated[bool, Query(description="only those that want an answer")]


class _Desk:
    """What both REST and the pages do."""

    def __init__(self, store: HubStore, outside: Outside) -> None:
        self._store = store
        self._outside = outside

    async def answer(self, asked: NewAnswer, key: str | None = None) -> tuple[EntryId, bool]:
        word = ConflictAnswered(
            self._outside.now_us(),
            asked.document,
            asked.item,
            asked.area,
            asked.answer,
            asked.author,
            asked.note,
            "" if key is None else read_key(key),
        )
        made = await self._store.decide(word)
        _log.info("conflict", extra={"document": word.document, "answer": word.answer.value, "by": word.author})
        return made

    async def write(self, asked: NewField, key: str | None = None) -> tuple[EntryId, bool]:
        return await self._write(
            asked.item, asked.area, asked.field.value, asked.milli, asked.place, asked.author, asked.note, key
        )

    async def restore(self, asked: NewRestore, key: str | None = None) -> tuple[EntryId, bool]:
        for state in await self._store.head_office.fields_of(ItemId(asked.item)):
            for row in (state.now, *state.before):
                if str(row.entry) == asked.entry:
                    return await self._again(row, asked, key)
        raise Problem("field-unknown", "nobody wrote a field of this item by this entry", 404)

    async def _again(self, row: FieldRow, asked: NewRestore, key: str | None) -> tuple[EntryId, bool]:
        return await self._write(
            row.item, row.area, row.field.value, row.milli, row.place, asked.author, asked.note, key
        )

    async def _write(
        self,
        item: str,
        area: str,
        field: str,
        milli: int | None,
        place: str | None,
        author: str,
        note: str,
        key: str | None,
    ) -> tuple[EntryId, bool]:
        said = "" if key is None else read_key(key)
        word = FieldWritten(
            self._outside.now_us(), item, area, OwnField(field), milli, place or "", "", author, note, said
        )
        made = await self._store.decide(word)
        _log.info("field", extra={"item": item, "field": field, "by": author})
        return made


def head_office_rest(store: HubStore, outside: Outside) -> APIRouter:
    """Make the routes under `/api/v1/hq` and `/api/v1/fields`."""
    router = APIRouter(prefix=PREFIX, tags=["head office"], responses=BAD)
    desk = _Desk(store, outside)

    @router.get("/hq/statements")
    async def statements(after: After = None, limit: Limit = 100) -> Statements:
        """Head office's stock statements, the last said first, each with what comparing it came to."""
        page = await store.head_office.statements(after=after, limit=limit)
        return Statements(statements=[Statement.of(row) for row in page.rows], next=page.next)

    @router.get("/hq/conflicts")
    async def conflicts(wanted: Wanted = False, after: After = None, limit: Limit = 100) -> Conflicts:
        """Where head office says something else than the store feed had told by then, found last first."""
        page = await store.head_office.conflicts(wanted=wanted, after=after, limit=limit)
        return Conflicts(conflicts=[Conflict.of(row) for row in page.rows], next=page.next)

    @router.get("/hq/conflict")
    async def conflict(document: Name, item: Name, area: Name) -> Conflict:
        """One of them, by what it is about."""
        row = await store.head_office.conflict(document, item, area)
        if row is None:
            raise Problem("conflict-unknown", "head office and the store agree, or were never compared", 404)
        return Conflict.of(row)

    @router.post("/hq/answers", status_code=201, dependencies=[Depends(json_only)])
    async def answer(asked: NewAnswer, response: Response, idempotency_key: Key = None) -> Decided:
        """Answer a conflict. `accept-hq` posts the difference as an adjustment under the statement's document.

        `recount` puts the item on the list of what to count again, and is done when a count stands; until then either
        of the other two may follow. An `Idempotency-Key` works as for adjustments.
        """
        return decided(response, await desk.answer(asked, idempotency_key))

    @router.get("/fields")
    async def fields(item: Name) -> OwnedFields:
        """Shelf, minimum and maximum of an item, by area: who wrote them last, and what they were before."""
        return OwnedFields(fields=[OwnedField.of(each) for each in await store.head_office.fields_of(ItemId(item))])

    @router.post("/fields", status_code=201, dependencies=[Depends(json_only)])
    async def write(asked: NewField, response: Response, idempotency_key: Key = None) -> Decided:
        """Write a field: the last writer's word holds, head office's or the store's.

        A shelf is from now on where the item is at home in its area. An `Idempotency-Key` works as for adjustments.
        """
        return decided(response, await desk.write(asked, idempotency_key))

    @router.post("/fields/restores", status_code=201, dependencies=[Depends(json_only)])
    async def restore(asked: NewRestore, response: Response, idempotency_key: Key = None) -> Decided:
        """Have what a field was before hold again. An `Idempotency-Key` works as for adjustments."""
        return decided(response, await desk.restore(asked, idempotency_key))

    return router


def head_office_pages(pages: Pages, store: HubStore, outside: Outside) -> APIRouter:
    """Make the routes of the page, and what the item's page posts to."""
    router = APIRouter(include_in_schema=False)
    desk = _Desk(store, outside)

    @router.get("/head-office")
    async def head_office(after: After = None) -> HTMLResponse:
        wanted = await store.head_office.conflicts(wanted=True, limit=SHOWN)
        settled = await store.head_office.conflicts(after=after, limit=SHOWN)
        rows = [*wanted.rows, *settled.rows]
        return HTMLResponse(
            pages.render(
                "head_office.html",
                here="/head-office",
                hq=outside.hq(),
                word=await store.head_office.word(),
                wanted=wanted.rows,
                more=wanted.next is not None,
                settled=[row for row in settled.rows if not row.is_wanted],
                next_after=settled.next,
                after=after,
                statements=(await store.head_office.statements(limit=SHOWN)).rows,
                names={name: await _item(name) for name in {row.item for row in rows}},
                reasons={(row.item, row.area): await _why(row) for row in wanted.rows},
            )
        )

    async def _item(name: ItemId) -> ItemRow:
        return await store.item(name) or ItemRow(name, "", "each", (), None, None)

    async def _why(row: ConflictRow) -> Lineage | None:
        return next(iter(await store.lineage(row.item, area=row.area)), None)

    @router.post("/head-office")
    async def answer(request: Request) -> Response:
        await desk.answer(checked(NewAnswer, read_form(await request.body())))
        return RedirectResponse("/head-office", status_code=303)

    @router.post("/fields")
    async def write(request: Request) -> Response:
        form = read_form(await request.body())
        if "entry" in form:
            await desk.restore(checked(NewRestore, form))
        else:
            await desk.write(checked(NewField, _field_form(form)))
        return RedirectResponse(item_path(form.get("item", "")), status_code=303)

    return router


def _field_form(form: dict[str, str]) -> dict[str, object]:
    """Read what was filled in: a place, or a quantity in the item's unit."""
    value = form.pop("value", "")
    if not value:
        return {**form}
    if form.get("field") == OwnField.SHELF.value:
        return {**form, "place": value}
    match = _BOUND.fullmatch(value)
    if match is None:
        raise Problem("bad-request", f"{value[:40]!r} is no quantity")
    return {**form, "milli": int(match["whole"]) * 1000 + int((match["milli"] or "").ljust(3, "0"))}
