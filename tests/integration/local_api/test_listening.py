"""What goes on is told as it happens, to programs and not to web pages, and closing ends it."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from edge.api.server import LocalApi, PortTaken
from edge.lookup import CatalogueLookup
from edge.runner.broadcast import LISTENERS
from edge.runner.runner import Runner
from tests.integration.local_api.serving import api_of, name_of, next_event
from tests.integration.station_rig import (
    BAD,
    DEADLINE_S,
    MILK,
    StationRig,
    stocked,
    until,
)


@pytest.mark.parametrize(
    ("headers", "status", "name"),
    [
        ({"host": "shop.example"}, 421, "bad-host"),
        ({"host": "127.0.0.1"}, 421, "bad-host"),
        ({"host": "127.0.0.1.shop.example:80"}, 421, "bad-host"),
        ({"origin": "http://shop.example"}, 403, "from-a-web-page"),
        ({"origin": "null"}, 403, "from-a-web-page"),
        ({"sec-fetch-site": "cross-site"}, 403, "from-a-web-page"),
        ({"content-type": "text/plain"}, 415, "bad-content-type"),
        ({"content-type": "application/x-www-form-urlencoded"}, 415, "bad-content-type"),
    ],
)
async def test_a_web_page_cannot_post_a_scan(
    rig: StationRig, client: httpx.AsyncClient, headers: dict[str, str], status: int, name: str
) -> None:
    content = json.dumps({"code": MILK})
    response = await client.post("/v1/scan", content=content, headers={"content-type": "application/json", **headers})
    assert (response.status_code, name_of(response)) == (status, name)
    assert rig.stock.view.head.seq == 0


async def test_a_page_cannot_read_what_goes_on_either(client: httpx.AsyncClient) -> None:
    response = await client.get("/v1/events", headers={"origin": "http://shop.example"})
    assert name_of(response) == "from-a-web-page"


async def test_what_goes_on_is_told_as_it_happens(client: httpx.AsyncClient) -> None:
    async with client.stream("GET", "/v1/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.aiter_lines()
        name, status = await next_event(lines)
        assert (name, status["mode"]) == ("status", "sale")
        await client.post("/v1/scan", json={"code": MILK})
        assert await next_event(lines) == ("scanned", {"device": "api", "code": MILK, "aim": None})
        name, accepted = await next_event(lines)
        assert (name, accepted["entry"]["seq"], accepted["device"]) == ("accepted", 1, "api")
        await client.post("/v1/scan", json={"code": BAD})
        assert (await next_event(lines))[0] == "scanned"
        name, refused = await next_event(lines)
        assert (name, refused["name"]) == ("refused", "check-digit")
        await client.post("/v1/mode", json={"mode": "waste"})
        assert (await next_event(lines))[1]["did"] == "mode"
        name, status = await next_event(lines)
        assert (name, status["mode"]) == ("status", "waste")


async def test_a_listener_who_leaves_makes_room_for_another(
    at_work: tuple[Runner, httpx.AsyncClient],
) -> None:
    runner, client = at_work
    url = client.base_url
    streams = []
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=DEADLINE_S) as many:
        for _ in range(LISTENERS):
            stream = await many.send(many.build_request("GET", "/v1/events"), stream=True)
            assert stream.status_code == 200
            streams.append(stream)
        assert name_of(await client.get("/v1/events")) == "too-many-listeners"
        for stream in streams:
            await stream.aclose()
    await until(lambda: not runner._broadcast._listeners)
    async with client.stream("GET", "/v1/events") as again:
        assert again.status_code == 200


async def test_closing_ends_the_streams_promptly(rig: StationRig) -> None:
    async with rig.at_work() as runner, await stocked() as catalogue:
        lookup = CatalogueLookup(catalogue, lambda when: when.wall_us)
        async with httpx.AsyncClient(trust_env=False, timeout=DEADLINE_S) as client:
            async with LocalApi(api_of(runner, lookup), "127.0.0.1", 0) as local:
                stream = await client.send(client.build_request("GET", f"{local.url}/v1/events"), stream=True)
            async with asyncio.timeout(DEADLINE_S):
                assert b"event: status" in await stream.aread()


async def test_a_port_that_is_taken_is_said(rig: StationRig) -> None:
    async with rig.at_work() as runner, await stocked() as catalogue:
        lookup = CatalogueLookup(catalogue, lambda when: when.wall_us)
        async with LocalApi(api_of(runner, lookup), "127.0.0.1", 0) as local:
            with pytest.raises(PortTaken):
                await LocalApi(api_of(runner, lookup), "127.0.0.1", local.port).__aenter__()
