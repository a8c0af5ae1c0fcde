"""`GET /api/v1/lookup/{code}`: what a code means now. Asked by tills with every scan, so it has a short way of its own.

    bytes --> hub.web.http --(as before)--> Lookups --(answer in hand)--> bytes
                 |
              request --> Shortcut --(plain)--> Lookups --(answer in hand)--> response
                             |                     `-----> store's reader thread; the answer is in hand from now on
                             +--> Guard --> application --> route --> Lookups    what is out of the ordinary, and errors

An answer in hand is given only while nothing it tells has changed (`hub.store.freshness`) and the clock has not reached
the next change of a price.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, ClassVar, Final, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from hub.store.lookups import Found
from hub.store.store import HubStore
from hub.store.views import Looked
from hub.tokens import Scope as Permission
from hub.web import problems
from hub.web.access import Access
from hub.web.guard import HEADERS, Guard
from hub.web.http import Answering
from hub.web.outside import Outside
from hub.web.problems import Problem
from hub.web.stock_models import LookedUp
from protocol.errors import BadInput
from protocol.identity import ItemId

PATH: Final = "/api/v1/lookup/"
NEEDED: Final = Permission.STOCK_READ
MOST_KEPT: Final = 32_768
MOST_AT_ONCE: Final = 256
"""Codes read in one look, which holds up the pages' own queries for some milliseconds."""
_LONGEST: Final = 512
"""Codes up to this length are kept, so that nobody fills the memory."""
_HOSTS: Final = 64


@dataclass(frozen=True, slots=True)
class _Answer:
    """`whole` is headers and body as they go on the wire after the date, the body from `body_at` on."""

    item: ItemId
    number: int
    until_us: int | None
    body_at: int
    whole: bytes

    @property
    def body(self) -> bytes:
        return self.whole[self.body_at :]


class _Plain(NamedTuple):
    """What a plain request has in its head that matters."""

    authorization: bytes | None


class Lookups:
    """Answers in hand, and the asking for those that are not: all who wait share one look into the store."""

    def __init__(self, store: HubStore, outside: Outside) -> None:
        self._store = store
        self._now_us = outside.now_us
        self._kept: dict[str, _Answer] = {}
        self._asked: dict[str, asyncio.Future[Found]] = {}
        self._reading: asyncio.Task[None] | None = None

    def in_hand(self, code: str) -> _Answer | None:
        """Give the answer if it still holds."""
        answer = self._kept.get(code)
        if answer is None or not self._store.freshness.holds(answer.item, answer.number):
            return None
        return answer if answer.until_us is None or self._now_us() < answer.until_us else None

    async def answer(self, code: str) -> bytes:
        """Give the body. Raises `Problem` ("code-unknown"), and `BadInput` and `TryAgain` as the store does."""
        known = self.in_hand(code)
        return (await self._read_anew(code) if known is None else known).body

    async def fetch(self, code: str) -> _Answer | None:
        """Give the answer, in hand or not; None if there is none, whose reasons `answer` tells."""
        try:
            return self.in_hand(code) or await self._read_anew(code)
        except Exception:  # noqa: BLE001 - the long way meets it again, and tells of it
            return None

    async def _read_anew(self, code: str) -> _Answer:
        found = await self._ask(code)
        if found is None:
            raise Problem("code-unknown", "no item goes by this code now")
        if isinstance(found, BadInput):
            raise found
        return self._keep(code, found, LookedUp.of(found).model_dump_json().encode())

    async def _ask(self, code: str) -> Found:
        """Wait for the next look that begins; one that is under way may be older than what the asker knows."""
        future = self._asked.get(code)
        if future is None:
            future = self._asked[code] = asyncio.get_running_loop().create_future()
        if self._reading is None:
            self._reading = asyncio.create_task(self._read(), name="lookups")
        return await asyncio.shield(future)

    async def _read(self) -> None:
        try:
            while self._asked:
                codes = list(self._asked)[:MOST_AT_ONCE]
                waiting = [self._asked.pop(code) for code in codes]
                try:
                    for future, found in zip(waiting, await self._store.look_up(codes), strict=True):
                        future.set_result(found)
                except Exception as error:  # noqa: BLE001 - told to everybody who waits
                    for future in waiting:
                        if not future.done():
                            future.set_exception(error)
                            future.exception()  # whoever asked may have gone
        finally:
            self._reading = None

    def _keep(self, code: str, found: Looked, body: bytes) -> _Answer:
        head = b"".join([b"%b: %b\r\n" % header for header in _headers(len(body))]) + b"\r\n"
        answer = _Answer(found.item.item, found.number, found.until_us, len(head), head + body)
        if len(code) <= _LONGEST:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[code] = answer
        return answer


class Shortcut:
    """Answers plain requests that have an answer, before all else; hands the others on.

    Plain is what a till sends: a GET without a query, by a name that is the hub's, with a token where one is needed,
    and with nothing that only browsers send. Whoever may not is told so by the long way.
    It is a `hub.web.http.Ready`, too.
    """

    begins: ClassVar[bytes] = f"GET {PATH}".encode()

    def __init__(self, app: ASGIApp, lookups: Lookups, guard: Guard, access: Access) -> None:
        self._app = app
        self._lookups = lookups
        self._guard = guard
        self._access = access
        self._hosts: set[bytes] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PATH) and scope["method"] == "GET":
            code: str = scope["path"][len(PATH) :]
            answer = await self._lookups.fetch(code) if not scope["query_string"] and self._is_plain(scope) else None
            if answer is not None:
                body = answer.body
                await send({"type": "http.response.start", "status": 200, "headers": _headers(len(body))})
                await send({"type": "http.response.body", "body": body})
                return
        await self._app(scope, receive, send)

    def judge(self, scope: Scope) -> Answering | None:
        """See `Ready`. Whether the token still holds is asked with each answer."""
        plain = self._plain(scope)
        if plain is None or scope["query_string"]:
            return None
        admits, in_hand = self._access.admits, self._lookups.in_hand

        def answering(word: bytes) -> bytes | None:
            answer = in_hand(word.decode())
            return answer.whole if answer is not None and admits(scope, plain.authorization, NEEDED) else None

        return answering

    def _is_plain(self, scope: Scope) -> bool:
        plain = self._plain(scope)
        return plain is not None and self._access.admits(scope, plain.authorization, NEEDED)

    def _plain(self, scope: Scope) -> _Plain | None:
        """Read a request's head; None if it is not plain."""
        host: bytes | None = None
        authorization: bytes | None = None
        for name, value in scope["headers"]:
            if name == b"host":
                if host is not None:
                    return None
                host = value
            elif name == b"authorization":
                if authorization is not None:
                    return None
                authorization = value
            elif name.startswith(b"sec-"):
                return None
        if host is None or not (host in self._hosts or self._is_ours(host)):
            return None
        return _Plain(authorization)

    def _is_ours(self, host: bytes) -> bool:
        if not self._guard.is_ours(host.decode("latin-1")):
            return False
        if len(self._hosts) >= _HOSTS:
            self._hosts.clear()
        self._hosts.add(host)
        return True


def _headers(length: int) -> list[tuple[bytes, bytes]]:
    return [(b"content-length", str(length).encode()), (b"content-type", b"application/json"), *HEADERS]


def lookup_route(lookups: Lookups, access: Access) -> Route:
    """Make the route of the long way: Starlette's own, for it has nothing to be read out of a request but the path."""

    async def look_up(request: Request) -> Response:
        access.check(request.scope, request.headers.get("authorization"), NEEDED)
        return Response(await lookups.answer(request.path_params["code"]), media_type="application/json")

    return Route(PATH + "{code:path}", look_up, methods=["GET"], include_in_schema=False)


def describe(schema: dict[str, Any]) -> None:
    """Add the route to an OpenAPI document, whose components have its models already."""
    schema["paths"][PATH + "{code}"] = {
        "get": {
            "tags": ["items"],
            "summary": "Look Up",
            "operationId": "look_up_api_v1_lookup__code__get",
            "description": "What a code means now: the item with its codes, price and figures in every area. Made for "
            "tills, which ask with every scan; a change is answered anew as soon as it is in the books.",
            "parameters": [
                {
                    "name": "code",
                    "in": "path",
                    "required": True,
                    "description": "as scanned, percent-encoded: a GTIN, a GS1 element string or Digital Link, or a "
                    "code of the store's own",
                    "schema": {"type": "string", "maxLength": 4096},
                    "example": "4006381333931",
                }
            ],
            "security": [{"token": [NEEDED.value]}],
            "responses": {
                "200": {
                    "description": "Successful Response",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/LookedUp"}}},
                },
                "4XX": problems.DESCRIBED,
                "5XX": problems.DESCRIBED,
            },
        }
    }
