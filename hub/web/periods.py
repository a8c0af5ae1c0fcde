"""Periods declared final, over REST and as pages: what they held, and what came to be known later."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import HTMLResponse, RedirectResponse

from hub.store.period_queries import ClosingRow, CorrectionRow, PeriodRow
from hub.store.store import HubStore
from hub.web.adjusting import read_key
from hub.web.floor import Key, decided
from hub.web.floor_models import Decided, Moment
from hub.web.forms import checked, moments_us, read_form
from hub.web.health import complete_to_us
from hub.web.models import Line, Word
from hub.web.outside import Outside
from hub.web.pages import Pages
from hub.web.problems import Problem
from hub.web.rest import BAD, PREFIX, json_only
from protocol.identity import EntryId, ItemId
from protocol.period_words import FigureRow, Finality

SHOWN: Final = 200
Skip = Annotated[int, Query(ge=0)]
MOST: Final = 2000
_log = logging.getLogger(__name__)


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class NewPeriod(_Model):
    """Figures up to `until_us` are final. Stations, open counts and open baskets `excluded` are not waited for.

    What they say later is posted as corrections.
    """

    until_us: Moment
    excluded: Annotated[list[Word], Field(max_length=1000)] = []
    author: Line
    note: Line


class Period(_Model):
    """A period that was declared final."""

    until_us: int
    at_us: int
    entry: str
    excluded: list[str]
    author: str
    note: str
    figures: Annotated[int, Field(description="items and areas that were not empty")]
    corrections: Annotated[int, Field(description="figures corrected since")]

    @classmethod
    def of(cls, row: PeriodRow) -> Period:
        return cls(
            until_us=row.until_us,
            at_us=row.at_us,
            entry=str(row.entry),
            excluded=list(row.excluded),
            author=row.author,
            note=row.note,
            figures=row.figures,
            corrections=row.corrections,
        )


class Periods(_Model):
    """Periods, the last first, and how far the next could reach: all stations have sent everything up to then."""

    periods: list[Period]
    complete_to_us: int | None


class Figures(_Model):
    """An item in an area, and what the virtual places have of it. The seven quantities sum to zero."""

    item: str
    area: str
    on_hand_milli: int
    supplier_milli: int
    customer_milli: int
    shrink_milli: int
    opening_milli: int
    transit_milli: int
    conversion_milli: int

    @staticmethod
    def values(row: FigureRow) -> dict[str, int | str]:
        return {name: getattr(row, name) for name in FigureRow.__struct_fields__}


class ClosingFigures(Figures):
    """Figures at the end of a period with all corrections; `declared_milli` is on hand as it was declared."""

    declared_milli: int

    @classmethod
    def of(cls, row: ClosingRow) -> ClosingFigures:
        return cls.model_validate({"declared_milli": row.declared_milli, **Figures.values(row.figures)})


class Closing(_Model):
    """The figures of a period, by item and area; `total` of them."""

    figures: list[ClosingFigures]
    total: int


class CorrectedFigures(Figures):
    """What figures were off by, as it came to be known at `at_us`."""

    at_us: int

    @classmethod
    def of(cls, row: CorrectionRow) -> CorrectedFigures:
        return cls.model_validate({"at_us": row.at_us, **Figures.values(row.figures)})


class Corrections(_Model):
    """Corrections of a period, the newest first."""

    corrections: list[CorrectedFigures]


class _Desk:
    """What both REST and the page do."""

    def __init__(self, store: HubStore, outside: Outside) -> None:
        self._store = store
        self._outside = outside

    async def period(self, until_us: int) -> PeriodRow:
        for row in await self._store.periods():
            if row.until_us == until_us:
                return row
        raise Problem("period-unknown", "no period was declared final as of that moment", 404)

    async def declare(self, asked: NewPeriod, key: str | None = None) -> tuple[EntryId, bool]:
        said = "" if key is None else read_key(key)
        excluded = tuple(sorted(set(asked.excluded)))
        now_us = self._outside.now_us()
        made = await self._store.declare(
            Finality(now_us, asked.until_us, 1, 1, (), excluded, (), asked.author, asked.note, said)
        )
        _log.info("period declared final", extra={"until_us": asked.until_us, "by": asked.author})
        return made


def period_rest(store: HubStore, outside: Outside) -> APIRouter:
    """Make the routes under `/api/v1/periods`."""
    router = APIRouter(prefix=PREFIX, tags=["periods"], responses=BAD)
    desk = _Desk(store, outside)

    @router.get("/periods")
    async def periods() -> Periods:
        """The periods that were declared final, and how far the next could reach."""
        rows = await store.periods()
        complete_us = complete_to_us(await store.stations())
        return Periods(periods=[Period.of(row) for row in rows], complete_to_us=complete_us)

    @router.post("/periods", status_code=201, dependencies=[Depends(json_only)])
    async def declare(asked: NewPeriod, response: Response, idempotency_key: Key = None) -> Decided:
        """Declare the figures of a moment final: they are written into the journal, and corrected from then on.

        Refused ("not-complete") while a station may still have something to say of the time before, or something of it
        is held back; stations may be excluded. An `Idempotency-Key` works as for adjustments.
        """
        return decided(response, await desk.declare(asked, idempotency_key))

    @router.get("/periods/{until_us}/figures")
    async def figures(until_us: int, skip: Skip = 0) -> Closing:
        """What a period held at its end, 2,000 figures at a time from the one after `skip` others."""
        await desk.period(until_us)
        rows = await store.closing(until_us)
        return Closing(figures=[ClosingFigures.of(row) for row in rows[skip : skip + MOST]], total=len(rows))

    @router.get("/periods/{until_us}/corrections")
    async def corrections(until_us: int) -> Corrections:
        """What came to be known of a period after it was declared final, the newest 2,000."""
        await desk.period(until_us)
        rows = await store.corrections(until_us, MOST)
        return Corrections(corrections=[CorrectedFigures.of(row) for row in rows])

    return router


def period_pages(pages: Pages, store: HubStore, outside: Outside) -> APIRouter:
    """Make the routes of the pages."""
    router = APIRouter(include_in_schema=False)
    desk = _Desk(store, outside)

    @router.get("/periods")
    async def periods() -> HTMLResponse:
        midnight = datetime.fromtimestamp(outside.now_us() // 1_000_000, UTC).replace(hour=0, minute=0, second=0)
        until_us = int(midnight.timestamp()) * 1_000_000
        return HTMLResponse(
            pages.render(
                "periods.html",
                here="/periods",
                rows=await store.periods(),
                complete_us=complete_to_us(await store.stations()),
                until_us=until_us,
                way=await store.in_the_way(until_us),
            )
        )

    @router.get("/periods/{until_us}")
    async def period(until_us: int) -> HTMLResponse:
        row = await desk.period(until_us)
        closing = await store.closing(until_us)
        corrections = await store.corrections(until_us, SHOWN)
        told = {each.figures.item for each in closing[:SHOWN]} | {each.figures.item for each in corrections}
        names = {item: known for item in told if (known := await store.item(ItemId(item))) is not None}
        return HTMLResponse(
            pages.render(
                "period.html",
                here="/periods",
                row=row,
                closing=closing[:SHOWN],
                more=max(0, len(closing) - SHOWN),
                corrections=corrections,
                names=names,
            )
        )

    @router.post("/periods")
    async def declare(request: Request) -> Response:
        form = moments_us(read_form(await request.body()), "until_us")
        form["excluded"] = str(form.get("excluded", "")).split()
        await desk.declare(checked(NewPeriod, form))
        return RedirectResponse("/periods", status_code=303)

    return router
