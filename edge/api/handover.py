"""The hand-over check at the station's own page, and for `shelfwire edge handover`.

GET  /enrol/check            the page (`enrol`)
GET  /enrol/check/standing   how the check stands
GET  /enrol/check/events     the same as server-sent events, again whenever it has changed
POST /enrol/check            {"do": "begin"}, or "yes", "no", "skip" with a "text" that says why, "again" with a "step"
                             counted from 0, "finish", "leave", "who" with a name as "text"
"""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from edge.api.answers import answer, refuse
from edge.api.bodies import json_body, refuse_body
from edge.codecs.readings import Weight
from edge.enrol.api import Kept
from edge.station.handover import Check
from edge.station.handover_steps import ASKED, Planned
from protocol.errors import BadInput
from protocol.identity import DeviceId

MAX_BODY_BYTES: Final = 2048
MOST_LISTENERS: Final = 8
ALIVE_EVERY_S: Final = 1.0
"""The seconds that are left are told, too."""


class Checking(Protocol):
    """Who walks through the devices; `edge.runner.handover.HandoverDesk` is one."""

    @property
    def plan(self) -> tuple[Planned, ...]: ...
    @property
    def check(self) -> Check | None: ...
    @property
    def failure(self) -> str: ...
    @property
    def news(self) -> asyncio.Event: ...
    @property
    def seconds_left(self) -> int: ...

    def weight(self, device: DeviceId) -> Weight | None: ...

    def say(self, word: str, *, step: int = -1, text: str = "") -> None:
        """Do what a person says. Raises `BadInput`."""
        ...


class Keeping(Protocol):
    """Who keeps the records; `edge.enrol.desk.EnrolDesk` is one."""

    @property
    def kept(self) -> Kept | None: ...
    @property
    def to_check(self) -> bool: ...


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /enrol/check`."""

    do: str
    step: int = -1
    text: str = ""


class StepAnswer(msgspec.Struct, frozen=True):
    """A step; `result` is null while it is to be done."""

    kind: str
    device: str
    driver: str
    model: str
    result: str | None
    fault: str
    note: str
    seen: str
    grams: int | None
    zero_grams: int | None
    tags: int | None


class CheckAnswer(msgspec.Struct, frozen=True):
    """How the check stands.

    `state` is "none", "step", "review", "done" or "left". `at` is the present step, counted from 0. `trouble` names
    what hinders it; `asks` is whether it wants a yes or a no; `scale` is what its scale says just now. `record` is what
    became of the last that was sealed: "none", "kept" (it is going to the hub), "taken" (the hub has it) or "refused".
    """

    state: str
    left: str
    person: str
    at: int
    trouble: str
    asks: bool
    scale: str
    seconds: int
    steps: tuple[StepAnswer, ...]
    record: str
    why: str
    to_check: bool


NOT_YET: Final = CheckAnswer(
    state="none",
    left="",
    person="",
    at=0,
    trouble="",
    asks=False,
    scale="",
    seconds=0,
    steps=(),
    record="none",
    why="",
    to_check=True,
)
"""What a station answers that has just been enrolled, and goes by it in a moment."""


def check_answer(desk: Checking, keeping: Keeping) -> CheckAnswer:
    """Say how it stands."""
    check, kept = desk.check, keeping.kept
    step = None if check is None else check.step
    weight = None if step is None else desk.weight(step.planned.device)
    record = "none" if kept is None else "taken" if kept.taken else "refused" if kept.refused else "kept"
    return CheckAnswer(
        state="none" if check is None else check.phase.value,
        left="" if check is None else check.left,
        person="" if check is None else check.person,
        at=0 if check is None else check.at,
        trouble="" if check is None else check.trouble,
        asks=step is not None and step.planned.kind in ASKED,
        scale="" if weight is None else weight.state.value if weight.grams is None else f"{weight.grams} g",
        seconds=desk.seconds_left,
        steps=()
        if check is None
        else tuple(
            StepAnswer(
                kind=each.planned.kind.value,
                device=each.planned.device,
                driver=each.planned.driver,
                model=each.planned.model,
                result=None if each.result is None else each.result.value,
                fault=each.fault,
                note=each.note,
                seen=each.seen,
                grams=each.grams,
                zero_grams=each.zero_grams,
                tags=each.tags,
            )
            for each in check.steps
        ),
        record=record,
        why=desk.failure or ("" if kept is None else kept.refused),
        to_check=keeping.to_check,
    )


class CheckPages:
    """The handlers."""

    def __init__(self, desk: Checking, keeping: Keeping) -> None:
        self._desk = desk
        self._keeping = keeping
        self._listeners = 0

    def routes(self, closing: asyncio.Event) -> list[Route]:
        """Make the routes; event streams end once `closing` is set."""

        async def events(request: Request) -> Response:
            return _Events(self, closing)

        return [
            Route("/enrol/check/standing", self.standing, methods=["GET"]),
            Route("/enrol/check/events", events, methods=["GET"]),
            Route("/enrol/check", self.say, methods=["POST"]),
        ]

    def now(self) -> CheckAnswer:
        """Say how the check stands."""
        return check_answer(self._desk, self._keeping)

    @property
    def news(self) -> asyncio.Event:
        """Is set once there is something newer."""
        return self._desk.news

    def come(self) -> bool:
        """Let one more listen, if there is room."""
        if self._listeners >= MOST_LISTENERS:
            return False
        self._listeners += 1
        return True

    def go(self) -> None:
        """One listens no more."""
        self._listeners -= 1

    async def standing(self, request: Request) -> Response:
        return answer(self.now())

    async def say(self, request: Request) -> Response:
        try:
            body = await json_body(request, MAX_BODY_BYTES)
        except BadInput as error:
            return refuse_body(error)
        try:
            said = msgspec.json.decode(body, type=Said)
            self._desk.say(said.do, step=said.step, text=said.text[:200])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return refuse("bad-request", str(error), 400)
        except BadInput as error:
            return refuse(error.name, error.detail, 409)
        return answer(self.now())


class _Events(Response):
    """The answer that goes on: how the check stands, again whenever that has changed."""

    def __init__(self, pages: CheckPages, closing: asyncio.Event) -> None:
        super().__init__(media_type="text/event-stream", headers={"cache-control": "no-store"})
        del self.headers["content-length"]
        self._pages = pages
        self._closing = closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._pages.come():
            await refuse("too-many-listeners", "close another page first", 503)(scope, receive, send)
            return
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await self._tell(receive, send)
        finally:
            self._pages.go()

    async def _tell(self, receive: Receive, send: Send) -> None:
        over = {asyncio.ensure_future(self._closing.wait()), asyncio.ensure_future(_left(receive))}
        told: CheckAnswer | None = None
        try:
            while not any(one.done() for one in over):
                coming = asyncio.ensure_future(self._pages.news.wait())
                try:
                    now = self._pages.now()
                    if now != told:
                        told = now
                        data = b"data: %b\n\n" % msgspec.json.encode(now)
                        await send({"type": "http.response.body", "body": data, "more_body": True})
                    await asyncio.wait((coming, *over), timeout=ALIVE_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    coming.cancel()
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            for task in over:
                task.cancel()


async def _left(receive: Receive) -> bool:
    while (await receive())["type"] != "http.disconnect":
        pass
    return True
