"""What goes on at the station as server-sent events (HTML standard, section 9.2).

event: accepted
data: {"did":"sale","mode":"sale",…}
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import assert_never

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from edge.api.answers import refuse
from edge.api.floor import Floor
from edge.api.goods import SuppressedEvent, entry_answer, scan_answer
from edge.api.messages import (
    DeviceAnswer,
    MissedEvent,
    RefusedEvent,
    ScannedEvent,
    TappedEvent,
    status_answer,
    weighed_event,
)
from edge.station.actions import Accepted, Repeated
from edge.station.happenings import (
    Decided,
    DeviceCondition,
    Happening,
    Missed,
    Scanned,
    StationStatus,
    Tapped,
    TooManyListeners,
    Weighed,
)

ALIVE_EVERY_S = 15.0

_json = msgspec.json.Encoder().encode


class EventStream(Response):
    """The answer that goes on: the status, then all that happens, until the listener leaves or `closing` is set."""

    def __init__(self, floor: Floor, closing: asyncio.Event) -> None:
        super().__init__(media_type="text/event-stream", headers={"cache-control": "no-store"})
        # The length is not known.
        del self.headers["content-length"]
        self._floor = floor
        self._closing = closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with self._floor.listen() as happenings:
                await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                await self._tell(happenings, receive, send)
        except TooManyListeners:
            await refuse("too-many-listeners", "close another event stream first", 503)(scope, receive, send)

    async def _tell(self, happenings: AsyncIterator[Happening], receive: Receive, send: Send) -> None:
        async def say(data: bytes, *, more: bool = True) -> None:
            await send({"type": "http.response.body", "body": data, "more_body": more})

        await say(sse(self._floor.status))
        over = {asyncio.ensure_future(self._closing.wait()), asyncio.ensure_future(_left(receive))}
        coming = asyncio.ensure_future(anext(happenings))
        try:
            while not any(one.done() for one in over):
                await asyncio.wait((coming, *over), timeout=ALIVE_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
                if coming.done():
                    await say(sse(coming.result()))
                    coming = asyncio.ensure_future(anext(happenings))
                else:
                    await say(b": alive\n\n")
            await say(b"", more=False)
        finally:
            for task in (coming, *over):
                task.cancel()


async def _left(receive: Receive) -> bool:
    while (await receive())["type"] != "http.disconnect":
        pass
    return True


def sse(happening: Happening) -> bytes:
    """Write one event."""
    name, data = _told(happening)
    return b"event: %b\ndata: %b\n\n" % (name, _json(data))


def _told(happening: Happening) -> tuple[bytes, msgspec.Struct]:
    match happening:
        case Scanned(device, scan):
            return b"scanned", ScannedEvent(device, scan.text, scan.aim)
        case Weighed(device, weight):
            return b"weighed", weighed_event(device, weight)
        case Tapped(device, card):
            return b"tapped", TappedEvent(device, card.uid.hex(), card.standard)
        case Decided(device, outcome):
            if isinstance(outcome, Accepted):
                return b"accepted", scan_answer(outcome, device)
            if isinstance(outcome, Repeated):
                return b"suppressed", SuppressedEvent(device, outcome.code, entry_answer(outcome.where))
            return b"refused", RefusedEvent(device, outcome.name, outcome.detail)
        case DeviceCondition():
            return b"device", DeviceAnswer(
                happening.device, happening.kind, happening.status, happening.note, dict(happening.figures)
            )
        case StationStatus():
            return b"status", status_answer(happening)
        case Missed(count):
            return b"missed", MissedEvent(count)
        case _:
            assert_never(happening)
