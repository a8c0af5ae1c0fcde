"""The page at the station itself on which an invitation is typed, and what it asks.

GET  /enrol             the page, for the browser of this machine
GET  /enrol/standing    how the station stands
POST /enrol/invitation  {"rows": ["20 digits", …]}: four of them; answers at once, the page then watches `standing`
/enrol/check…           see `handover`
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from edge.api.answers import answer, refuse
from edge.api.bodies import json_body, refuse_body
from edge.api.handover import NOT_YET, CheckPages
from edge.api.health_messages import standing_answer
from edge.enrol.api import Enrolling
from edge.enrol.errors import NotNow
from edge.errors import EdgeError
from edge.machine import MachineDesk
from protocol.errors import BadInput

MAX_BODY_BYTES = 1024
FILES = {
    "page.css": "text/css",
    "page.js": "text/javascript",
    "check.css": "text/css",
    "check.js": "text/javascript",
}
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    # Not "no-referrer": browsers would then send `Origin: null` with our own requests.
    "referrer-policy": "same-origin",
}

_FOLDER = Path(__file__).parent / "enrol_page"


class Typed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /enrol/invitation`: the rows as they are printed."""

    rows: tuple[str, ...]


class EnrolPages:
    """The handlers; `desk` is who takes invitations, `machine` knows of a technician's file that could not be used,
    `check` is what there is of a hand-over check: None while the station is nobody."""

    def __init__(self, desk: Enrolling, machine: MachineDesk, check: CheckPages | None = None) -> None:
        self._desk = desk
        self._machine = machine
        self._check = check

    def routes(self, closing: asyncio.Event) -> list[Route]:
        """Make the routes; event streams end once `closing` is set."""
        nobody = [Route("/enrol/check/standing", self.not_yet, methods=["GET"])]
        check = nobody if self._check is None else self._check.routes(closing)
        return [
            Route("/enrol/check", self.check_page, methods=["GET"]),
            *check,
            Route("/enrol", self.page, methods=["GET"]),
            Route("/enrol/standing", self.standing, methods=["GET"]),
            Route("/enrol/invitation", self.take, methods=["POST"]),
            Route("/enrol/{file}", self.file, methods=["GET"]),
        ]

    async def page(self, request: Request) -> Response:
        return _of_page("page.html", "text/html")

    async def check_page(self, request: Request) -> Response:
        return _of_page("check.html", "text/html")

    async def file(self, request: Request) -> Response:
        name = str(request.path_params["file"])
        kind = FILES.get(name)
        return refuse("no-such-resource", name[:40], 404) if kind is None else _of_page(name, kind)

    async def standing(self, request: Request) -> Response:
        told, machine = standing_answer(self._desk.standing), self._machine.state
        if machine is not None and machine.boot_file and not told.words:
            told = msgspec.structs.replace(told, words=machine.boot_file)
        return answer(told)

    async def not_yet(self, request: Request) -> Response:
        # Not a 404: a page that is told "enrolled" by who still answers as nobody would look no further.
        return answer(NOT_YET)

    async def take(self, request: Request) -> Response:
        try:
            body = await json_body(request, MAX_BODY_BYTES)
        except BadInput as error:
            return refuse_body(error)
        try:
            typed = msgspec.json.decode(body, type=Typed)
        except (msgspec.DecodeError, UnicodeDecodeError):
            # Not what the decoder says: it might repeat digits.
            return refuse("bad-request", "rows of digits are expected", 400)
        try:
            await self._desk.offer("\n".join(typed.rows))
        except BadInput as error:
            return refuse(error.name, error.detail, 422)
        except NotNow as error:
            return refuse("already-enrolled", str(error), 409)
        except EdgeError as error:
            return refuse("identity-failing", str(error), 503)
        return answer(standing_answer(self._desk.standing))


def _of_page(name: str, kind: str) -> Response:
    return Response((_FOLDER / name).read_bytes(), media_type=kind, headers=HEADERS)
