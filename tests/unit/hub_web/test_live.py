"""Live updates: everything at first, then what changed, to a bounded number of listeners, and an end when told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise

import httpx
import pytest

from hub.errors import TryAgain
from hub.web.live import REST, STILL_HERE, STOCK_MOVED, TICK_S, Live, message, named, partial
from hub.web.problems import Problem
from protocol.state import StationState
from tests.unit.hub_web.shop import MILK, Shop, called, eventually, served

WITHIN_S = 60.0


@dataclass(slots=True)
class Heard:
    """What a browser would make of the stream: events by name ("" the unnamed), in order."""

    events: list[tuple[str, str]] = field(default_factory=list)
    ended: bool = False

    async def take(self, response: httpx.Response) -> None:
        name, data = "", []
        async for line in response.aiter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                data.append(line.removeprefix("data: "))
            elif line == "":
                self.events.append((name, "\n".join(data)))
                name, data = "", []
        self.ended = True

    def named(self, name: str) -> list[str]:
        return [data for each, data in self.events if each == name]


@asynccontextmanager
async def listening(address: str) -> AsyncIterator[Heard]:
    """Listen as a page does."""
    heard = Heard()
    async with httpx.AsyncClient() as client, client.stream("GET", f"{address}/events") as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        taking = asyncio.create_task(heard.take(response))
        try:
            yield heard
        finally:
            taking.cancel()
            await asyncio.wait((taking,))


def taking(frames: list[bytes]) -> Callable[[bytes], Awaitable[None]]:
    """A listener that keeps its frames."""

    async def send(frame: bytes) -> None:
        frames.append(frame)

    return send


async def test_a_listener_gets_all_at_first_and_then_what_changed(shop: Shop) -> None:
    await shop.stocked()
    async with served(shop.app(), shop.stopping) as address, listening(address) as heard:
        await eventually(lambda: len(heard.named("")) == 1)
        first = heard.named("")[0]
        for target in ("#as-of", "#notices", "#tiles", "#stations", "#events"):
            assert f'<hx-partial hx-target="{target}" hx-swap="innerMorph">' in first
        await eventually(lambda: len(heard.named(STOCK_MOVED)) == 1)

        await shop.arrive("till-1", shop.sale(MILK, 7))
        await shop.fold()
        await eventually(lambda: any("−7" in update for update in heard.named("")[1:]))  # noqa: RUF001
        await eventually(lambda: len(heard.named(STOCK_MOVED)) >= 2)


async def test_a_station_s_word_reaches_the_page_and_moves_no_stock(shop: Shop) -> None:
    await shop.stocked()
    async with served(shop.app(), shop.stopping) as address, listening(address) as heard:
        await eventually(lambda: len(heard.named(STOCK_MOVED)) == 1)
        await shop.say("till-1", StationState("offline"))
        await eventually(lambda: any("offline for" in update for update in heard.named("")[1:]))
        assert len(heard.named(STOCK_MOVED)) == 1


async def test_a_burst_of_changes_is_told_a_few_times_a_second(shop: Shop) -> None:
    await shop.stocked()
    async with served(shop.app(), shop.stopping) as address, listening(address) as heard:
        await eventually(lambda: len(heard.named("")) == 1)
        began = time.monotonic()
        for n in range(60):
            await shop.arrive("till-1", shop.sale(MILK, n + 1))
            await shop.fold()
        await eventually(lambda: any("−60<" in update for update in heard.named("")))  # noqa: RUF001
        lasted_s = time.monotonic() - began
        assert len(heard.named("")) - 1 <= lasted_s / TICK_S + 2


async def test_listeners_share_what_is_rendered(shop: Shop) -> None:
    rendered = 0

    async def render() -> dict[str, str]:
        nonlocal rendered
        rendered += 1
        return {"tiles": str(rendered)}

    live = Live(shop.store, render, shop.stopping)
    heard: list[list[bytes]] = [[] for _ in range(20)]

    serving = [asyncio.create_task(live.serve(taking(frames))) for frames in heard]
    await eventually(lambda: all(len(frames) == 1 for frames in heard))
    await shop.arrive("till-1", shop.sale(MILK))
    await eventually(lambda: all(len(frames) == 2 for frames in heard))
    assert rendered <= 4
    shop.stopping.set()
    await asyncio.gather(*serving)
    assert live.listeners == 0


async def test_a_slow_store_is_left_three_quarters_of_its_time(shop: Shop) -> None:
    began: list[float] = []
    loop = asyncio.get_running_loop()

    async def render() -> dict[str, str]:
        began.append(loop.time())
        await asyncio.sleep(0.15)  # What a large store takes.
        return {}

    live = Live(shop.store, render, shop.stopping)
    frames: list[bytes] = []
    serving = asyncio.create_task(live.serve(taking(frames)))
    for n in range(3):
        await eventually(lambda n=n: len(frames) == n + 1)  # type: ignore[misc]
        await shop.arrive("till-1", shop.sale(MILK))
    shop.stopping.set()
    await serving
    assert min(after - before for before, after in pairwise(began)) >= 0.15 * (1 + REST) - 0.01


async def test_only_what_differs_is_sent(shop: Shop) -> None:
    fragments = {"tiles": "three", "stations": "same"}

    async def render() -> dict[str, str]:
        return dict(fragments)

    live = Live(shop.store, render, shop.stopping)
    frames: list[bytes] = []
    serving = asyncio.create_task(live.serve(taking(frames)))
    await eventually(lambda: len(frames) == 1)
    fragments["tiles"] = "four"
    await shop.arrive("till-1", shop.sale(MILK))
    await eventually(lambda: len(frames) == 2)
    assert frames[1] == message(partial("tiles", "four"))
    await shop.arrive("till-1", shop.sale(MILK))
    await eventually(lambda: len(frames) == 3)
    assert frames[2] == named(STILL_HERE)
    shop.stopping.set()
    await serving


async def test_a_store_that_is_busy_is_looked_at_again(shop: Shop) -> None:
    outcomes: Iterator[TryAgain | dict[str, str]] = iter([TryAgain("disk"), {"tiles": "now"}])

    async def render() -> dict[str, str]:
        outcome = next(outcomes)
        if isinstance(outcome, TryAgain):
            raise outcome
        return outcome

    live = Live(shop.store, render, shop.stopping)
    frames: list[bytes] = []
    serving = asyncio.create_task(live.serve(taking(frames)))
    await eventually(lambda: len(frames) == 1)
    assert STILL_HERE.encode() in frames[0]
    await shop.arrive("till-1", shop.sale(MILK))
    await eventually(lambda: len(frames) == 2)
    assert b"now" in frames[1]
    shop.stopping.set()
    await serving


async def test_a_listener_that_goes_makes_room(shop: Shop) -> None:
    app = shop.app()
    async with served(app, shop.stopping) as address, called(app) as client:

        async def listeners() -> int:
            text = (await client.get("/metrics")).text
            return int(float(next(x for x in text.splitlines() if x.startswith("shelfwire_page_listeners")).split()[1]))

        async with listening(address) as heard:
            await eventually(lambda: bool(heard.events))
            assert await listeners() == 1
        async with asyncio.timeout(WITHIN_S):
            while await listeners():  # noqa: ASYNC110 - what is waited for is told over HTTP only
                await asyncio.sleep(0.01)


async def test_too_many_listeners_are_asked_to_come_back(shop: Shop) -> None:
    async def render() -> dict[str, str]:
        return {}

    live = Live(shop.store, render, shop.stopping, most_listeners=0)
    with pytest.raises(Problem, match="too-many-listeners") as refused:
        live.listen()
    assert refused.value.kind.status == 503


async def test_the_stream_ends_when_the_hub_stops(shop: Shop) -> None:
    async with served(shop.app(), shop.stopping) as address, listening(address) as heard:
        await eventually(lambda: bool(heard.events))
        shop.stopping.set()
        await eventually(lambda: heard.ended)


async def test_the_stream_ends_when_the_store_closes(shop: Shop) -> None:
    async with served(shop.app(), shop.stopping) as address, listening(address) as heard:
        await eventually(lambda: len(heard.named(STOCK_MOVED)) == 1)
        await shop.store.aclose()
        await eventually(lambda: heard.ended)


def test_no_text_breaks_out_of_its_event() -> None:
    assert message("a\r\nb\rc\n\nevent: x") == b"data: a\ndata: b\ndata: c\ndata: \ndata: event: x\n\n"
    assert named("stock-moved") == b"event: stock-moved\ndata:\n\n"


def test_a_line_separator_of_unicode_is_no_line_break_of_the_stream() -> None:
    assert message("a\u2028b\x85c\x0bd").count(b"\n") == 2
