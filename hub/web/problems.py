"""Errors as `application/problem+json` (RFC 9457), each of a stable type that can be looked up under `/problems/`."""

from __future__ import annotations

import http
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from hub.errors import BadInput, TryAgain
from protocol.errors import BadInput as ProtocolBadInput

MEDIA_TYPE: Final = "application/problem+json"
DESCRIBED: Final[dict[str, object]] = {
    "description": "a problem (RFC 9457)",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
"""What OpenAPI says of any error."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of problem: its status and what it is, in one line."""

    status: int
    title: str


KINDS: Final[dict[str, Kind]] = {
    "already-drained": Kind(409, "The log of the retired station was taken in, and no other is"),
    "bad-request": Kind(422, "The request is not what the interface describes"),
    "basket-unknown": Kind(404, "There is no such basket, or its station has closed it"),
    "blind-count": Kind(409, "What the books expect is not told while a blind count goes on"),
    "body-too-large": Kind(413, "The request's body is larger than this interface takes"),
    "busy": Kind(503, "The store cannot answer now; the same request may work later"),
    "code-unknown": Kind(404, "The catalogue knows no item by this code"),
    "conflict-answered": Kind(409, "Somebody has answered this conflict already"),
    "conflict-superseded": Kind(409, "Head office has said something else since"),
    "conflict-unknown": Kind(404, "There is no such conflict"),
    "count-planned": Kind(409, "The count has a plan already"),
    "count-unknown": Kind(404, "Nobody has counted or planned under this name"),
    "count-unplanned": Kind(409, "Nobody has planned what is to be counted"),
    "cross-site": Kind(403, "A page of another site may link here, and do nothing else"),
    "field-unknown": Kind(404, "Nobody wrote such a field"),
    "drain-shut": Kind(409, "The station is retired, and nobody lets its log in"),
    "enrolment-off": Kind(409, "The hub enrols no stations"),
    "goods-unknown": Kind(409, "Goods are to be taken off stock, and nobody knows yet of what"),
    "host-unknown": Kind(421, "The hub was called by a name that is not its own"),
    "identity-ended": Kind(409, "The identity was retired or revoked, and is never used again"),
    "identity-live": Kind(409, "The station is not retired: its log needs no drain"),
    "identity-revoked": Kind(409, "The station was revoked: nothing of it is believed any more"),
    "identity-unknown": Kind(404, "Nobody was ever invited by this name"),
    "item-unknown": Kind(404, "Neither the catalogue nor the books know the item"),
    "key-used": Kind(409, "An invitation was made under this key, and its digits were told then"),
    "key-reused": Kind(422, "The idempotency key was used for another adjustment"),
    "method-not-allowed": Kind(405, "The address does not take this method"),
    "no-medium": Kind(409, "The hub has no second medium to keep anything on"),
    "no-length": Kind(411, "The length of the body must be told before it"),
    "no-room": Kind(507, "The hub's disk has no room for it"),
    "not-a-file": Kind(415, "The body must be a station's log, and say so"),
    "not-contested": Kind(409, "The log has no such live writers to choose from"),
    "not-found": Kind(404, "There is nothing at this address"),
    "not-local": Kind(403, "Only programs on the hub's own machine may do this"),
    "not-json": Kind(415, "The body must be JSON, and say so"),
    "position-differs": Kind(409, "The station to be replaced is of another position"),
    "position-taken": Kind(409, "Another live station stands at the position"),
    "scope-missing": Kind(403, "The token does not allow this"),
    "tag-unknown": Kind(404, "Nobody has told of a tag with this EPC"),
    "token-invalid": Kind(401, "The token is not one that this hub takes"),
    "token-missing": Kind(401, "A token is needed, and none was brought"),
    "settings-changed": Kind(409, "Somebody else has given settings since"),
    "shelves-unknown": Kind(409, "Nobody has said that these places are shelves, so one of them would stand for all"),
    "too-many-listeners": Kind(503, "As many pages are kept up to date as this hub will serve"),
    "unexpected": Kind(500, "The hub failed at something it should be able to do"),
}
"""What can go wrong here. What the store refuses comes under the store's own name, with status 400."""

_CHALLENGES: Final = {
    "token-missing": "",
    "token-invalid": ', error="invalid_token"',
    "scope-missing": ', error="insufficient_scope"',
}
_BY_STATUS: Final = {404: "not-found", 405: "method-not-allowed"}


class Problem(Exception):
    """Raised by a route to be answered as a problem; `name` is one of `KINDS`, or the store's own."""

    def __init__(self, name: str, detail: str, status: int | None = None) -> None:
        super().__init__(f"{name}: {detail}")
        self.name = name
        self.detail = detail
        self.kind = KINDS.get(name) or Kind(status or 400, "What was asked for cannot be accepted")


class ProblemDocument(msgspec.Struct, frozen=True):
    """The body of a problem."""

    type: str
    title: str
    status: int
    name: str
    detail: str


def document(problem: Problem) -> bytes:
    """Write the body."""
    kind = problem.kind
    return msgspec.json.encode(
        ProblemDocument(f"/problems/{problem.name}", kind.title, kind.status, problem.name, problem.detail)
    )


def answer(problem: Problem) -> Response:
    """Make the response."""
    return Response(document(problem), problem.kind.status, headers(problem), MEDIA_TYPE)


def headers(problem: Problem) -> dict[str, str]:
    """Give what the response's head has to say of a problem (RFC 9110; of tokens RFC 6750, section 3)."""
    if problem.kind.status == http.HTTPStatus.SERVICE_UNAVAILABLE:
        return {"retry-after": "2"}
    said = _CHALLENGES.get(problem.name)
    return {} if said is None else {"www-authenticate": f'Bearer realm="shelfwire"{said}'}


def describe(name: str) -> JSONResponse:
    """Say what a type of problem is."""
    kind = KINDS.get(name)
    if kind is None:
        raise Problem("not-found", "no such type of problem")
    return JSONResponse({"type": f"/problems/{name}", "title": kind.title, "status": kind.status, "name": name})


def install(app: FastAPI, as_page: Callable[[Request, Problem], Response | None]) -> None:
    """Answer every error of `app` as a problem; `as_page` gives a page instead where a person asked, else None."""

    async def ours(request: Request, error: Exception) -> Response:
        problem = _as_problem(error)
        return as_page(request, problem) or answer(problem)

    async def unexpected(request: Request, error: Exception) -> Response:
        # The server logs it with its traceback.
        return answer(Problem("unexpected", "see the hub's log"))

    for kind in (Problem, BadInput, ProtocolBadInput, TryAgain, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, ours)
    app.add_exception_handler(Exception, unexpected)


def _as_problem(error: Exception) -> Problem:
    match error:
        case Problem():
            return error
        case BadInput() | ProtocolBadInput():
            return Problem(error.name, error.detail[:300])
        case TryAgain():
            _log.warning("request not answered", extra={"error": str(error)})
            return Problem("busy", "the store is busy or its disk does not answer")
        case RequestValidationError():
            return Problem("bad-request", _explained(error))
        case HTTPException():
            name = _BY_STATUS.get(error.status_code, "bad-request")
            return Problem(name, str(error.detail)[:300], error.status_code)
        case _:
            return Problem("unexpected", "see the hub's log")


def _explained(error: RequestValidationError) -> str:
    parts = []
    for each in error.errors()[:5]:
        where = ".".join(str(part) for part in each.get("loc", ()))
        parts.append(f"{where[:80]}: {str(each.get('msg', ''))[:120]}")
    return "; ".join(parts)
