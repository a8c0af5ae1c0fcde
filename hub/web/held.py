"""What people decide about entries that are held back, over REST and from the page: read again, or dismissed."""

from __future__ import annotations

import logging
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import RedirectResponse

from hub.store.entry_bounds import MAX_BOOKED_MILLI
from hub.store.store import HubStore
from hub.web.adjusting import read_key
from hub.web.floor import Key, decided
from hub.web.floor_models import Decided
from hub.web.forms import checked, read_form
from hub.web.models import Line, Word
from hub.web.outside import Outside
from hub.web.problems import Problem
from hub.web.rest import BAD, PREFIX, json_only
from protocol.decisions import Dismissed, HeldWord, Released
from protocol.identity import EntryId

_log = logging.getLogger(__name__)


class NewDismissal(BaseModel):
    """The entry is to have no effect."""

    model_config = ConfigDict(frozen=True)

    entry: Word
    author: Line
    note: Line


class NewRelease(NewDismissal):
    """The entry is to be read again: as of `item`, if one is named, and so many of it (null: as many as it says)."""

    item: Word | None = None
    qty_milli: Annotated[int | None, Field(ge=-MAX_BOOKED_MILLI, le=MAX_BOOKED_MILLI)] = None


class _Desk:
    """What both REST and the page do."""

    def __init__(self, store: HubStore, outside: Outside) -> None:
        self._store = store
        self._outside = outside

    async def release(self, asked: NewRelease, key: str | None = None) -> tuple[EntryId, bool]:
        if asked.qty_milli is not None and asked.item is None:
            raise Problem("bad-request", "qty_milli: of which item?")
        said = "" if key is None else read_key(key)
        now_us = self._outside.now_us()
        return await self._decide(
            Released(now_us, asked.entry, asked.item, asked.qty_milli, asked.author, asked.note, said)
        )

    async def dismiss(self, asked: NewDismissal, key: str | None = None) -> tuple[EntryId, bool]:
        said = "" if key is None else read_key(key)
        return await self._decide(Dismissed(self._outside.now_us(), asked.entry, asked.author, asked.note, said))

    async def _decide(self, word: HeldWord) -> tuple[EntryId, bool]:
        made = await self._store.decide(word)
        _log.info("held back", extra={"target": word.target, "word": type(word).__name__, "by": word.author})
        return made


def held_rest(store: HubStore, outside: Outside) -> APIRouter:
    """Make the routes under `/api/v1/quarantine`."""
    router = APIRouter(prefix=PREFIX, tags=["stock"], responses=BAD)
    desk = _Desk(store, outside)

    @router.post("/quarantine/releases", status_code=201, dependencies=[Depends(json_only)])
    async def release(asked: NewRelease, response: Response, idempotency_key: Key = None) -> Decided:
        """Have an entry that is held back read again, as of an item if its code means none.

        It takes effect at its own time. What a person has said of its item holds whatever the catalogue links later.
        An `Idempotency-Key` works as for adjustments.
        """
        return decided(response, await desk.release(asked, idempotency_key))

    @router.post("/quarantine/dismissals", status_code=201, dependencies=[Depends(json_only)])
    async def dismiss(asked: NewDismissal, response: Response, idempotency_key: Key = None) -> Decided:
        """Say that an entry that is held back is to have no effect, whatever the catalogue links later.

        An undo is only shown no more: should what it takes back come after all, it is taken back.

        An `Idempotency-Key` works as for adjustments.
        """
        return decided(response, await desk.dismiss(asked, idempotency_key))

    return router


def held_pages(store: HubStore, outside: Outside) -> APIRouter:
    """Make the route that the page of what is held back posts to."""
    router = APIRouter(include_in_schema=False)
    desk = _Desk(store, outside)

    @router.post("/quarantine")
    async def decide(request: Request) -> Response:
        form = read_form(await request.body())
        word = form.pop("word", "")
        if word == "dismiss":
            await desk.dismiss(checked(NewDismissal, form))
        elif word == "release":
            await desk.release(checked(NewRelease, form))
        else:
            raise Problem("bad-request", "the form does not say what is to be done")
        return RedirectResponse("/quarantine", status_code=303)

    return router
