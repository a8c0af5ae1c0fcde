"""The pages for people: rendered here, whole, so that they work without a script."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl, quote, urlencode

from fastapi import APIRouter, Query, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

from hub.store.store import HubStore
from hub.store.views import ItemRow
from hub.tokens import Scope
from hub.web import wording
from hub.web.access import Access
from hub.web.deeds import deed, fate, moved_by, remarks
from hub.web.live import Fragments
from hub.web.outside import Outside
from hub.web.overview import UNCOUNTED_SHOWN, Glance, glance
from hub.web.problems import Problem
from protocol.identity import ItemId

TEMPLATES: Final = Path(__file__).with_name("templates")
STOCK_ROWS: Final = 50
TIMELINE_ROWS: Final = 100
QUARANTINE_ROWS: Final = 100
_LIVE_FRAGMENTS: Final = {
    "as-of": "_as_of.html",
    "notices": "_notices.html",
    "tiles": "_tiles.html",
    "stations": "_stations.html",
    "events": "_events.html",
}
_log = logging.getLogger(__name__)

Search = Annotated[str, Query(max_length=100)]
After = Annotated[str | None, Query(max_length=2000)]


class Pages:
    """Renders."""

    def __init__(self, store: HubStore, outside: Outside) -> None:
        self._store = store
        self._outside = outside
        self._templates = _environment(outside.now_us)

    def render(self, template: str, **values: Any) -> str:
        """Fill a template; every page knows the store's name and the time."""
        return self._templates.get_template(template).render(
            store=self._outside.store, now_us=self._outside.now_us(), **values
        )

    async def fragments(self) -> Fragments:
        """Render what is the same for everybody who looks at the first page. Raises `TryAgain`."""
        seen = await glance(self._store, self._outside)
        return {name: self.render(template, glance=seen) for name, template in _LIVE_FRAGMENTS.items()}

    def sighted(self) -> Fragments:
        """Render the scans that are shown and not counted yet. No store is asked."""
        return {"uncounted": self.render("_uncounted.html", uncounted=self._outside.uncounted(UNCOUNTED_SHOWN))}

    async def first(self, search: str, after: str | None) -> str:
        """Render the first page."""
        seen: Glance = await glance(self._store, self._outside)
        return self.render(
            "index.html", here="/", glance=seen, uncounted=seen.uncounted, **await self._stock(search, after)
        )

    async def stock(self, search: str, after: str | None) -> str:
        """Render the table of stock alone."""
        return self.render("_stock.html", **await self._stock(search, after))

    async def item(self, item: ItemId, after: str | None) -> str:
        """Render an item's figures and timeline. Raises `Problem` ("item-unknown")."""
        known = await self._store.item(item)
        figures = (await self._store.stock_of(item)).rows
        if known is None and not figures:
            raise Problem("item-unknown", wording.plain(item))
        page = await self._store.timeline(item, after=after, limit=TIMELINE_ROWS)
        reasons = {each.area: each for each in await self._store.lineage(item)}
        here = item_path(item)
        return self.render(
            "item.html",
            here=here,
            item=known or ItemRow(item, "", figures[0].unit, (), None, None),
            known=known is not None,
            figures=figures,
            reasons=reasons,
            fields=await self._store.head_office.fields_of(item),
            page=page,
            after=after,
            first_href=here,
            next_href=page.next and f"{here}?{urlencode({'after': page.next})}",
        )

    async def quarantine(self) -> str:
        """Render what is held back and what is lost."""
        return self.render(
            "quarantine.html",
            here="/quarantine",
            rows=(await self._store.quarantine(limit=QUARANTINE_ROWS)).rows,
            most=QUARANTINE_ROWS,
            losses=(await self._store.losses(limit=QUARANTINE_ROWS)).rows,
        )

    def contested(self) -> str:
        """Render the choice between two copies of a log."""
        return self.render("contested.html", here="/contested", contested=sorted(self._outside.contested().items()))

    def problem(self, problem: Problem) -> str:
        """Render what went wrong."""
        return self.render("problem.html", here="", problem=problem)

    async def _stock(self, search: str, after: str | None) -> dict[str, Any]:
        page = await self._store.stock(after=after, limit=STOCK_ROWS, search=search.strip())
        return {
            "page": page,
            "search": search,
            "after": after,
            "stock_fragment": _address("/fragments/stock", search, after),
            "first_href": _address("/", search, None) + "#stock-title",
            "next_href": page.next and _address("/", search, page.next) + "#stock-title",
        }


@dataclass(frozen=True, slots=True)
class _Form:
    log: str
    incarnation: int
    author: str
    note: str


def page_routes(pages: Pages, outside: Outside) -> APIRouter:
    """Make the routes of the pages."""
    access = Access(outside.tokens, outside.now_us)
    router = APIRouter(include_in_schema=False, dependencies=[access.page(Scope.STOCK_READ)])

    @router.get("/")
    async def first(q: Search = "", after: After = None) -> HTMLResponse:
        return HTMLResponse(await pages.first(q, after))

    @router.get("/fragments/stock")
    async def stock(q: Search = "", after: After = None) -> HTMLResponse:
        # So that a reload, or a link sent to a colleague, shows the same.
        return HTMLResponse(await pages.stock(q, after), headers={"hx-replace-url": _address("/", q, after)})

    @router.get("/items/{item:path}")
    async def item(item: str, after: After = None) -> HTMLResponse:
        return HTMLResponse(await pages.item(ItemId(item), after))

    @router.get("/quarantine")
    async def quarantine() -> HTMLResponse:
        return HTMLResponse(await pages.quarantine())

    @router.get("/contested")
    async def contested() -> HTMLResponse:
        return HTMLResponse(pages.contested())

    @router.post("/contested", dependencies=[access.page(Scope.HUB)])
    async def choose(request: Request) -> Response:
        form = _read_form(await request.body())
        if form.incarnation not in outside.contested().get(form.log, ()):
            raise Problem("not-contested", "that copy is not among the live ones any more")
        await outside.choose(form.log, form.incarnation)
        _log.warning(
            "writer chosen",
            extra={"log": form.log, "incarnation": f"{form.incarnation:x}", "by": form.author, "why": form.note},
        )
        return RedirectResponse("/contested", status_code=303)

    return router


def item_path(item: str) -> str:
    """Give the address of an item's page."""
    return f"/items/{quote(item, safe='')}"


def _address(path: str, search: str, after: str | None) -> str:
    query = {key: value for key, value in (("q", search), ("after", after)) if value}
    return f"{path}?{urlencode(query)}" if query else path


def _read_form(body: bytes) -> _Form:
    try:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=10))
        form = _Form(fields["log"], int(fields["incarnation"], 16), fields["author"], fields["note"])
    except (KeyError, ValueError) as error:
        raise Problem("bad-request", "the form is not complete") from error
    if not (form.author.strip() and form.note.strip()):
        raise Problem("bad-request", "the form wants a name and a reason")
    return form


def _environment(now_us: Callable[[], int]) -> Environment:
    templates = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    templates.filters.update(
        plain=wording.plain,
        whole=wording.whole,
        quantity=wording.quantity,
        moved=wording.moved,
        money=wording.money,
        give_or_take=wording.give_or_take,
        hex_rows=wording.hex_rows,
        iso=wording.iso_time,
        clock=lambda t_us: wording.clock_time(t_us, now_us()),
        ago=lambda t_us: wording.duration(now_us() - t_us),
        left=lambda t_us: wording.duration(t_us - now_us()),
        to_go=wording.to_go,
        item_path=item_path,
        deed=deed,
        fate=fate,
        remarks=remarks,
        moved_by=moved_by,
    )
    return templates
