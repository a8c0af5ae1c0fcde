"""Live updates: server-sent events with the fragments of the page that changed, as the store tells of changes.

A listener gets everything when it connects, then only what differs from what it has. All listeners are served in the
same ticks of `TICK_S`, so that what is rendered for one serves all of them; in between, changes gather. What needs no
store, the scans not counted yet, waits for no rendering and no rest.

    data: <hx-partial hx-target="#stations" hx-swap="innerMorph">…</hx-partial>     swapped in as it comes
    event: stock-moved                                                              the listener asks for its own page
    event: still-here                                                               nothing new, but the line is up
"""

from __future__ import annotations

import asyncio
import logging
import math
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from hub.errors import TryAgain
from hub.store.store import HubStore
from hub.store.views import Change
from hub.web.problems import Problem

TICK_S: Final = 0.25
REST: Final = 3
"""How many times as long as rendering took it rests, so that pages never take the store for themselves."""
HEARTBEAT_S: Final = 10.0
"""How often, at the latest, something is sent: ages grow without any change, and a dead peer is found out."""
SEND_WITHIN_S: Final = 20.0
MOST_LISTENERS: Final = 64
STOCK_MOVED: Final = "stock-moved"
STILL_HERE: Final = "still-here"

_NEWLINE = re.compile(r"\r\n|\r|\n")
_log = logging.getLogger(__name__)

Fragments = Mapping[str, str]
"""Element ids and what is to stand in them."""


@dataclass(frozen=True, slots=True)
class Sightings:
    """What changes without the store: how to render it, and what tells of a change."""

    render: Callable[[], Fragments]
    changes: Callable[[], AsyncIterator[Change]]


class Live:
    """Serves everybody who listens."""

    def __init__(
        self,
        store: HubStore,
        render: Callable[[], Awaitable[Fragments]],
        stopping: asyncio.Event,
        most_listeners: int = MOST_LISTENERS,
        sightings: Sightings | None = None,
    ) -> None:
        self._store = store
        self._render = render
        self._sightings = sightings
        self._stopping = stopping
        self._most = most_listeners
        self._rendering = asyncio.Lock()
        self._rendered: tuple[int, Fragments] = (-1, {})
        self._rest_until_s = 0.0
        self.listeners = 0

    def listen(self) -> EventStream:
        """Take one more listener. Raises `Problem` ("too-many-listeners")."""
        if self.listeners >= self._most:
            raise Problem("too-many-listeners", f"{self._most} already")
        return EventStream(self)

    async def serve(self, send: Callable[[bytes], Awaitable[None]]) -> None:
        """Send frames until the hub stops or `send` fails."""
        self.listeners += 1
        changes = self._store.changes()
        changed = asyncio.ensure_future(anext(changes))
        stopped = asyncio.ensure_future(self._stopping.wait())
        has: dict[str, str] = {}
        news = Change(folded=True)
        sighting = asyncio.ensure_future(self._serve_sightings(send, has))
        try:
            # Not what was rendered for this tick already: it may be older than the first change to be told.
            tick = await self._next_tick(stopped)
            while not stopped.done():
                if sighting.done():
                    sighting.result()
                await send(await self._frame(tick, has, news))
                done, _ = await asyncio.wait((changed, stopped), timeout=HEARTBEAT_S, return_when="FIRST_COMPLETED")
                news, tick = Change(), _tick()
                if changed in done:
                    news = changed.result()
                    tick = await self._next_tick(stopped)
                    changed = asyncio.ensure_future(anext(changes))
        except StopAsyncIteration:
            pass  # The store closes.
        finally:
            self.listeners -= 1
            changed.cancel()
            stopped.cancel()
            sighting.cancel()
            await asyncio.gather(sighting, return_exceptions=True)

    async def _serve_sightings(self, send: Callable[[bytes], Awaitable[None]], has: dict[str, str]) -> None:
        """Send what was sighted as it comes, a few times a second; ends by being cancelled or by what `send` raises."""
        if self._sightings is None:
            return
        async for _ in self._sightings.changes():
            fresh = {name: html for name, html in self._sightings.render().items() if has.get(name) != html}
            if fresh:
                has.update(fresh)
                await send(message("".join(partial(name, html) for name, html in fresh.items())))
            await asyncio.sleep(TICK_S)

    async def _frame(self, tick: int, has: dict[str, str], news: Change) -> bytes:
        """Write what differs from `has`, and bring that up to date."""
        try:
            fragments = await self._at_tick(tick)
        except TryAgain as error:
            _log.warning("page not brought up to date", extra={"error": str(error)})
            fragments = {}
        if self._sightings is not None:
            fragments = {**fragments, **self._sightings.render()}
        fresh = {name: html for name, html in fragments.items() if has.get(name) != html}
        has.update(fresh)
        frame = message("".join(partial(name, html) for name, html in fresh.items())) if fresh else named(STILL_HERE)
        if news.folded or news.catalogue:
            frame += named(STOCK_MOVED)
        return frame

    async def _at_tick(self, tick: int) -> Fragments:
        async with self._rendering:
            if self._rendered[0] < tick:
                began_s = _now_s()
                self._rendered = (tick, await self._render())
                self._rest_until_s = _now_s() + REST * (_now_s() - began_s)
            return self._rendered[1]

    async def _next_tick(self, stopped: asyncio.Future[Literal[True]]) -> int:
        """Wait for the next tick to begin, one that leaves the store some rest, or for the end. Gives its number."""
        tick = max(_tick() + 1, math.ceil(self._rest_until_s / TICK_S))
        # A little more, because timers go off up to the clock's resolution early.
        await asyncio.wait((stopped,), timeout=tick * TICK_S - _now_s() + 0.001)
        return tick


class EventStream(Response):
    """The response that lasts as long as its listener does."""

    media_type = "text/event-stream"

    def __init__(self, live: Live) -> None:
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._live = live

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_body(body: bytes, more: bool = True) -> None:
            async with asyncio.timeout(SEND_WITHIN_S):
                await send({"type": "http.response.body", "body": body, "more_body": more})

        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        serving = asyncio.ensure_future(self._live.serve(send_body))
        gone = asyncio.ensure_future(_disconnected(receive))
        try:
            await asyncio.wait((serving, gone), return_when="FIRST_COMPLETED")
            if serving.done():
                serving.result()
                await send_body(b"", more=False)
        except (TimeoutError, OSError):
            pass  # The peer is gone, or takes nothing any more.
        finally:
            serving.cancel()
            gone.cancel()
            await asyncio.wait((serving, gone))


def message(text: str) -> bytes:
    """Write an unnamed event."""
    return _lines(f"data: {line}" for line in _NEWLINE.split(text))


def named(name: str) -> bytes:
    """Write an event that only has a name."""
    return _lines((f"event: {name}", "data:"))


def partial(target: str, html: str) -> str:
    """Wrap what is to stand in the element of that id."""
    return f'<hx-partial hx-target="#{target}" hx-swap="innerMorph">{html}</hx-partial>'


def _lines(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in (*lines, "")).encode()


def _now_s() -> float:
    return asyncio.get_running_loop().time()


def _tick() -> int:
    return int(_now_s() / TICK_S)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
