"""The routes of the local API.

GET  /v1/items/{code}   what a code means and costs now
POST /v1/scan           {"code": "...", "qty_milli": 1000}: sell, count, ... it; answers once it is durable
POST /v1/mode           {"mode": "count", "count": {"session": "...", "place": "...", "pass": 1}}
GET  /v1/session        what is open: lines so far, and what they cost
POST /v1/session/end    {} or {"session": "..."}: complete; answers with what it came to
POST /v1/basket         {} or {"document": "..."}: open a basket, into which scans fall
GET  /v1/basket         what is in it
POST /v1/basket/close   {"basket": "...", "how": "sold"}, or voided, or abandoned
GET  /v1/suppressed     scans held back as doubles that could be restored
POST /v1/suppressed/{epoch}/{seq}/restore
                        {}: a scan held back as a double was meant
GET  /v1/tags?zone=z&limit=n
                        RFID tags: how many are in each zone, and some of them
GET  /v1/events         server-sent events
GET  /v1/health         devices, logs, catalogue, hub
/v1/log/...             see `logs`
/enrol                  see `enrol`
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from edge.api.answers import answer, refuse
from edge.api.bodies import json_body, refuse_body
from edge.api.enrol import EnrolPages
from edge.api.events import EventStream
from edge.api.floor import Floor
from edge.api.goods import SuppressedEvent, entry_answer, item_answer, scan_answer, session_answer, suppressed_answer
from edge.api.guard import Guard
from edge.api.logs import LogDesk
from edge.api.messages import (
    MAX_BODY_BYTES,
    MAX_TAGS,
    BasketCloseRequest,
    BasketRequest,
    EndRequest,
    ModeRequest,
    RestoreRequest,
    ScanRequest,
    tags_answer,
)
from edge.clock import Clock
from edge.codecs.readings import Scan
from edge.station.actions import Accepted, GivenCount, Lookup, Outcome, Repeated, Where, Work
from protocol.catalogue import Scope
from protocol.errors import BadInput
from protocol.identity import Epoch, parse_place

UNAVAILABLE = frozenset(
    {"log-full", "log-busy", "log-failing", "catalogue-failing", "stopping", "not-enrolled", "identity-ended"}
)
"""Refusals that are the station's state and not the request's fault: 503 in place of 422."""

_T = TypeVar("_T")


class Api:
    """The handlers, and what they ask. `scopes` are those whose prices hold here, narrowest first."""

    def __init__(
        self,
        floor: Floor,
        lookup: Lookup,
        clock: Clock,
        scopes: tuple[Scope, ...],
        health: Callable[[], msgspec.Struct],
        logs: LogDesk | None = None,
        enrol: EnrolPages | None = None,
    ) -> None:
        self._floor = floor
        self._lookup = lookup
        self._clock = clock
        self._scopes = scopes
        self._health = health
        self._logs = logs
        self._enrol = enrol
        self.closing = asyncio.Event()
        """Set, every event stream ends."""

    def app(self, port: Callable[[], int]) -> Starlette:
        """Make the ASGI application, to be reached at `port` only."""
        routes = [
            Route("/v1/items/{code:path}", self.item, methods=["GET"]),
            Route("/v1/scan", self.scan, methods=["POST"]),
            Route("/v1/mode", self.mode, methods=["POST"]),
            Route("/v1/session", self.session, methods=["GET"]),
            Route("/v1/session/end", self.end, methods=["POST"]),
            Route("/v1/basket", self.basket, methods=["GET"]),
            Route("/v1/basket", self.open_basket, methods=["POST"]),
            Route("/v1/basket/close", self.close_basket, methods=["POST"]),
            Route("/v1/suppressed", self.suppressed, methods=["GET"]),
            Route("/v1/suppressed/{epoch}/{seq:int}/restore", self.restore, methods=["POST"]),
            Route("/v1/tags", self.tags, methods=["GET"]),
            Route("/v1/events", self.events, methods=["GET"]),
            Route("/v1/health", self.health, methods=["GET"]),
            *(() if self._logs is None else self._logs.routes()),
            *(() if self._enrol is None else self._enrol.routes(self.closing)),
        ]
        return Starlette(
            routes=routes, middleware=[Middleware(Guard, port=port)], exception_handlers={404: _no_such, 405: _not_so}
        )

    async def item(self, request: Request) -> Response:
        code = str(request.path_params["code"])
        try:
            goods = self._lookup(Scan(code, b""), self._clock.now())
        except BadInput as error:
            return refuse(error.name, error.detail, 503 if error.name in UNAVAILABLE else 422)
        found = item_answer(code, goods, self._scopes)
        if found is None:
            return refuse("unknown-item", f"not in the catalogue at version {goods.catalogue}", 404)
        return answer(found)

    async def scan(self, request: Request) -> Response:
        try:
            asked = await _body(request, ScanRequest)
        except BadInput as error:
            return refuse_body(error)
        return _outcome(await self._floor.scan(asked.code, asked.qty_milli))

    async def mode(self, request: Request) -> Response:
        try:
            asked = await _body(request, ModeRequest)
            to_place = None if asked.to_place is None else parse_place(asked.to_place)
            todo = asked.count
            count = None if todo is None else GivenCount(todo.session, parse_place(todo.place), todo.pass_)
        except BadInput as error:
            return refuse_body(error)
        return _outcome(await self._floor.set_work(Work(asked.mode, asked.document, to_place, count, asked.arriving)))

    async def session(self, request: Request) -> Response:
        try:
            summary = await self._floor.summary()
        except BadInput as error:
            return refuse(error.name, error.detail, 503)
        if summary is None:
            return refuse("no-session", "nothing is open", 404)
        return answer(session_answer(summary))

    async def end(self, request: Request) -> Response:
        try:
            asked = await _body(request, EndRequest)
        except BadInput as error:
            return refuse_body(error)
        return _outcome(await self._floor.end_session(asked.session))

    async def basket(self, request: Request) -> Response:
        if self._floor.status.basket is None:
            return refuse("no-basket", "no basket is open", 404)
        return await self.session(request)

    async def open_basket(self, request: Request) -> Response:
        try:
            asked = await _body(request, BasketRequest)
        except BadInput as error:
            return refuse_body(error)
        return _outcome(await self._floor.open_basket(asked.document))

    async def close_basket(self, request: Request) -> Response:
        try:
            asked = await _body(request, BasketCloseRequest)
        except BadInput as error:
            return refuse_body(error)
        return _outcome(await self._floor.close_basket(asked.basket, asked.how))

    async def suppressed(self, request: Request) -> Response:
        return answer(suppressed_answer(self._floor.restorable))

    async def restore(self, request: Request) -> Response:
        try:
            await _body(request, RestoreRequest)
            where = Where(Epoch.parse(request.path_params["epoch"]), request.path_params["seq"])
        except BadInput as error:
            return refuse_body(error)
        return _outcome(await self._floor.restore(where))

    async def tags(self, request: Request) -> Response:
        asked = request.query_params
        limit = asked.get("limit", "100")
        if not (limit.isascii() and limit.isdigit() and len(limit) < 5 and int(limit) <= MAX_TAGS):
            return refuse("bad-request", f"limit is a number from 0 to {MAX_TAGS}", 400)
        return answer(tags_answer(await self._floor.tags(asked.get("zone"), int(limit))))

    async def events(self, request: Request) -> Response:
        return EventStream(self._floor, self.closing)

    async def health(self, request: Request) -> Response:
        return answer(self._health())


async def _body(request: Request, kind: type[_T]) -> _T:
    """Read a JSON body, no more of it than may come. Raises `BadInput`."""
    body = await json_body(request, MAX_BODY_BYTES)
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput("bad-request", str(error)) from error


def _outcome(outcome: Outcome) -> Response:
    if isinstance(outcome, Accepted):
        return answer(scan_answer(outcome))
    if isinstance(outcome, Repeated):
        return answer(SuppressedEvent(None, outcome.code, entry_answer(outcome.where)))
    status = 500 if outcome.name == "fault" else 503 if outcome.name in UNAVAILABLE else 422
    return refuse(outcome.name, outcome.detail, status)


async def _no_such(request: Request, error: Exception) -> Response:
    return refuse("no-such-resource", f"{request.method} {request.url.path}", 404)


async def _not_so(request: Request, error: Exception) -> Response:
    return refuse("no-such-method", f"{request.method} {request.url.path}", 405)
