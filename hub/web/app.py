"""Puts the hub's web together: one ASGI application, made without I/O, run by the composition root."""

from __future__ import annotations

from http.client import UNAUTHORIZED
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from hub.settings import WebSettings
from hub.store.store import HubStore
from hub.tokens import Scope
from hub.web import metrics, problems
from hub.web.access import Access
from hub.web.baskets import basket_pages, basket_rest
from hub.web.counting import counting_pages, counting_rest
from hub.web.floor import floor_pages, floor_rest
from hub.web.guard import Guard
from hub.web.head_office import head_office_pages, head_office_rest
from hub.web.held import held_pages, held_rest
from hub.web.identities import identity_rest
from hub.web.identity_pages import identity_pages
from hub.web.leads import leads_pages, leads_rest
from hub.web.live import EventStream, Live, Sightings
from hub.web.login import login_page, login_routes
from hub.web.lookup import Lookups, Shortcut, lookup_route
from hub.web.models import Wellness
from hub.web.openapi import describe_all
from hub.web.outside import Outside
from hub.web.overview import glance
from hub.web.pages import Pages, page_routes
from hub.web.periods import period_pages, period_rest
from hub.web.planning import planning_routes
from hub.web.positions import position_pages, position_rest
from hub.web.price_history import price_routes
from hub.web.problems import Problem
from hub.web.promises import promise_pages, promise_rest
from hub.web.release_pages import release_pages
from hub.web.releases import release_rest
from hub.web.rest import BAD, PREFIX, describing_route, rest_routes
from hub.web.sources import source_pages, source_rest
from hub.web.station_logs import PATH as STATION_LOGS
from hub.web.station_logs import station_log_routes
from hub.web.station_settings import station_settings_pages, station_settings_rest
from hub.web.tags import tag_pages, tag_rest
from hub.web.transfers import transfer_pages, transfer_rest

VERSION: Final = "1"
"""Of the REST interface."""
STATIC: Final = Path(__file__).with_name("static")
_SPEAK_JSON: Final = (PREFIX, "/problems/", "/metrics", "/healthz", "/openapi.json")


class _Static(StaticFiles):
    """Asked for again with each page, so that a new release is never seen with the old one's style."""

    def file_response(self, *args: object, **more: object) -> Response:
        response = super().file_response(*args, **more)  # type: ignore[arg-type]
        response.headers["cache-control"] = "no-cache"
        return response


class _Metrics(Response):
    media_type = metrics.MEDIA_TYPE


def make_app(store: HubStore, settings: WebSettings, outside: Outside) -> Shortcut:
    """Make all that is served; `store` is to be open while it is."""
    lookups = Lookups(store, outside)
    access = Access(outside.tokens, outside.now_us)
    guard = Guard(
        make_application(store, outside, lookups), names=(settings.host, *settings.hosts), streamed=(STATION_LOGS,)
    )
    return Shortcut(guard, lookups, guard, access)


def make_application(store: HubStore, outside: Outside, lookups: Lookups) -> FastAPI:
    """Make what stands behind the guard."""
    app = FastAPI(
        responses=BAD,
        title="Shelfwire hub",
        version=VERSION,
        description="Stock, items, events and stations of one store. Errors are problems (RFC 9457).",
        docs_url=None,  # Swagger's and ReDoc's pages load scripts from other people's servers.
        redoc_url=None,
    )
    access = Access(outside.tokens, outside.now_us)
    pages = Pages(store, outside)
    sightings = None if outside.sighted is None else Sightings(pages.sighted, outside.sighted)
    live = Live(store, pages.fragments, outside.stopping, sightings=sightings)

    @app.get("/events", include_in_schema=False, dependencies=[access.page(Scope.STOCK_READ)])
    async def events() -> EventStream:
        return live.listen()

    @app.get("/metrics", tags=["hub"], response_class=_Metrics, responses=BAD, dependencies=[access.needs(Scope.HUB)])
    async def scrape() -> Response:
        """Figures of the hub and its stations as Prometheus reads them."""
        gathered = metrics.Gathered(await glance(store, outside, events=1), live.listeners)
        return _Metrics(metrics.exposition(gathered))

    @app.get("/healthz", tags=["hub"])
    async def wellness() -> Wellness:
        """Whether the store answers. Answers 503 if not."""
        await store.catalogue_hash()
        hq = outside.hq()
        return Wellness(
            status="ok",
            broker=outside.broker_connected(),
            hq=None if hq is None else hq.connected,
            broker_trouble=outside.broker_trouble(),
            broker_current=outside.broker_current(),
            hq_trouble=None if hq is None else hq.trouble,
        )

    def as_page(request: Request, problem: Problem) -> Response | None:
        wanted = request.headers.get("accept", "")
        if "text/html" not in wanted or request.url.path.startswith(_SPEAK_JSON):
            return None
        page = login_page(pages, problem, request) if problem.kind.status == UNAUTHORIZED else pages.problem(problem)
        return HTMLResponse(page, problem.kind.status)

    app.router.routes.append(lookup_route(lookups, access))
    app.include_router(rest_routes(store, outside))
    app.include_router(station_log_routes(outside))
    moves, looks = access.of(Scope.STOCK_READ, Scope.TRANSFERS), access.of(Scope.STOCK_READ, Scope.STOCK_READ)
    decides = access.of(Scope.STOCK_READ, Scope.STOCK_DECIDE)
    app.include_router(transfer_rest(store, outside), dependencies=[moves])
    counts = access.of(Scope.STOCK_READ, Scope.COUNTS)
    app.include_router(counting_rest(store, outside), dependencies=[counts])
    app.include_router(floor_rest(store, outside), dependencies=[decides])
    app.include_router(period_rest(store, outside), dependencies=[decides])
    app.include_router(position_rest(store, outside), dependencies=[decides])
    app.include_router(held_rest(store, outside), dependencies=[decides])
    app.include_router(basket_rest(store, outside), dependencies=[decides])
    app.include_router(leads_rest(store, outside), dependencies=[decides])
    app.include_router(head_office_rest(store, outside), dependencies=[decides])
    app.include_router(promise_rest(store, outside), dependencies=[decides])
    app.include_router(tag_rest(store), dependencies=[looks])
    app.include_router(source_rest(store, outside), dependencies=[decides])
    provisions = access.of(Scope.PROVISION, Scope.PROVISION)
    app.include_router(identity_rest(store, outside), dependencies=[provisions])
    app.include_router(describing_route())
    app.include_router(price_routes(store, outside, pages), dependencies=[looks])
    app.include_router(page_routes(pages, outside))
    app.include_router(login_routes(pages, outside))
    app.include_router(transfer_pages(pages, store, outside), dependencies=[moves])
    app.include_router(counting_pages(pages, store, outside), dependencies=[counts])
    app.include_router(floor_pages(pages, store, outside), dependencies=[decides])
    app.include_router(period_pages(pages, store, outside), dependencies=[decides])
    app.include_router(position_pages(store, outside), dependencies=[decides])
    app.include_router(held_pages(store, outside), dependencies=[decides])
    app.include_router(basket_pages(pages, store, outside), dependencies=[decides])
    app.include_router(leads_pages(pages, store, outside), dependencies=[decides])
    app.include_router(head_office_pages(pages, store, outside), dependencies=[decides])
    app.include_router(promise_pages(pages, store, outside), dependencies=[decides])
    app.include_router(tag_pages(pages, store), dependencies=[looks])
    app.include_router(source_pages(pages, store, outside), dependencies=[decides])
    app.include_router(identity_pages(pages, store, outside), dependencies=[provisions])
    app.include_router(station_settings_rest(store, outside), dependencies=[provisions])
    app.include_router(release_rest(store, outside), dependencies=[provisions])
    app.include_router(station_settings_pages(pages, store, outside), dependencies=[provisions])
    app.include_router(release_pages(pages, store, outside), dependencies=[provisions])
    app.include_router(planning_routes(store, pages, outside), dependencies=[looks])
    app.mount("/static", _Static(directory=STATIC, check_dir=False))
    problems.install(app, as_page)
    describe_all(app)
    return app
