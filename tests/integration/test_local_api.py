"""The local API over real HTTP: durable before it answers, and closed to web pages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from edge.api.app import Api
from edge.api.messages import MAX_BODY_BYTES, HealthAnswer, HubAnswer, LogAnswer, StorageAnswer, status_answer
from edge.api.server import LocalApi, PortTaken
from edge.buffer.api import LogLimits
from edge.clock import SystemClock, read_boot_id
from edge.drivers.api import parse_table
from edge.drivers.serial_scanner import SerialScanner, SerialScannerSettings
from edge.lookup import CatalogueLookup
from edge.runner.broadcast import LISTENERS
from edge.runner.runner import Runner
from edge.runner.supervisor import Peripheral
from protocol.catalogue import STORE
from protocol.events import Delta
from protocol.identity import DeviceId
from protocol.variable_measure import parse_patterns
from shelfwire.simulators.scanner import SimulatedScanner
from tests.integration.station_rig import (
    BAD,
    BANANAS,
    DEADLINE_S,
    MILK,
    TEA,
    UNKNOWN,
    StationRig,
    entries,
    make_log,
    stocked,
    until,
)


@pytest.fixture
def rig(tmp_path: Path) -> StationRig:
    return StationRig(make_log("disk", tmp_path / "stock.db"), make_log("memory", tmp_path))


def api_of(runner: Runner, lookup: CatalogueLookup) -> Api:
    clock = SystemClock(read_boot_id())

    def health() -> HealthAnswer:
        log = LogAnswer("1.0000000000000001", 0, 0, 0, 0, 0, 0, 0, None, 0, 0, 0, 0, 0)
        storage = StorageAnswer("ample", 0, 0, None, None)
        status = status_answer(runner.status)
        return HealthAnswer("s", "t", "0", "b", 0, False, status, log, log, storage, None, HubAnswer(False, "apart"))

    return Api(runner, lookup, clock, (STORE,), health)


@pytest.fixture
async def at_work(rig: StationRig) -> AsyncIterator[tuple[Runner, httpx.AsyncClient]]:
    async with rig.at_work() as runner, await stocked() as catalogue:
        lookup = CatalogueLookup(catalogue, lambda when: when.wall_us)
        async with (
            LocalApi(api_of(runner, lookup), "127.0.0.1", 0) as local,
            httpx.AsyncClient(base_url=local.url, timeout=DEADLINE_S, trust_env=False) as client,
        ):
            yield runner, client


@pytest.fixture
def client(at_work: tuple[Runner, httpx.AsyncClient]) -> httpx.AsyncClient:
    return at_work[1]


def name_of(response: httpx.Response) -> str:
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == response.status_code
    assert problem["type"] == f"urn:shelfwire:error:{problem['name']}"
    return str(problem["name"])


async def test_a_scan_is_answered_with_its_place_in_the_log(rig: StationRig, client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/scan", json={"code": MILK, "qty_milli": 3000})
    assert response.status_code == 200
    told = response.json()
    assert told["entry"] == {"epoch": str(rig.stock.view.head.epoch), "seq": 1}
    assert (told["did"], told["item"], told["qty_milli"]) == ("sale", "milk", 3000)
    assert told["price"] == {"minor": 119, "currency": "EUR"}
    (event,) = await entries(rig.stock)
    assert isinstance(event, Delta)
    assert (event.device, event.code, event.qty_milli) == ("api", MILK, -3000)


async def test_cards_work_through_the_api_too(rig: StationRig, client: httpx.AsyncClient) -> None:
    await client.post("/v1/scan", json={"code": MILK})
    assert (await client.post("/v1/scan", json={"code": "SW1:UNDO"})).json()["did"] == "undo"
    assert rig.stock.view.head.seq == 2


@pytest.mark.parametrize(
    ("body", "status", "name"),
    [
        ({"code": BAD}, 422, "check-digit"),
        ({"code": ""}, 422, "empty-code"),
        ({"code": MILK, "qty_milli": 0}, 422, "bad-quantity"),
        ({"code": "x" * 5000}, 422, "too-long"),
        ({"code": "SW1:END"}, 422, "no-session"),
        ({"code": 1}, 400, "bad-request"),
        ({"code": MILK, "quantity": 2}, 400, "bad-request"),
        ({"code": "x" * MAX_BODY_BYTES}, 413, "too-large"),
    ],
)
async def test_a_refused_scan_is_a_named_error(
    rig: StationRig, client: httpx.AsyncClient, body: dict[str, object], status: int, name: str
) -> None:
    response = await client.post("/v1/scan", json=body)
    assert (response.status_code, name_of(response)) == (status, name)
    assert rig.stock.view.head.seq == 0


async def test_a_full_log_is_unavailable_not_the_callers_fault(tmp_path: Path) -> None:
    full = LogLimits(max_bytes=1, keep_bytes=1)
    rig = StationRig(make_log("memory", tmp_path, full), make_log("memory", tmp_path))
    async with rig.at_work() as runner, await stocked() as catalogue:
        lookup = CatalogueLookup(catalogue, lambda when: when.wall_us)
        async with (
            LocalApi(api_of(runner, lookup), "127.0.0.1", 0) as local,
            httpx.AsyncClient(base_url=local.url, trust_env=False) as client,
        ):
            response = await client.post("/v1/scan", json={"code": MILK})
            assert (response.status_code, name_of(response)) == (503, "log-full")


async def test_the_mode_is_set(client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/mode", json={"mode": "receive", "document": "PO-17"})
    assert (response.status_code, response.json()["mode"]) == (200, "receive")
    assert (await client.get("/v1/health")).json()["status"]["document"] == "PO-17"
    assert name_of(await client.post("/v1/mode", json={"mode": "steal"})) == "bad-request"
    assert name_of(await client.post("/v1/mode", json={"mode": "count", "document": "PO-17"})) == "bad-card"


async def test_goods_are_transferred_to_a_place(rig: StationRig, client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/mode", json={"mode": "transfer", "to_place": "stockroom"})
    assert response.status_code == 200
    assert (await client.get("/v1/health")).json()["status"]["to_place"] == "stockroom"
    await client.post("/v1/scan", json={"code": MILK})
    assert [(e.place, e.qty_milli) for e in await entries(rig.stock) if isinstance(e, Delta)] == [
        ("shop", -1000),
        ("stockroom", 1000),
    ]
    for body, name in (
        ({"mode": "sale", "to_place": "stockroom"}, "bad-place"),
        ({"mode": "transfer", "to_place": "Stock room"}, "bad-place"),
        ({"mode": "transfer", "to_place": "shop"}, "same-place"),
    ):
        assert name_of(await client.post("/v1/mode", json=body)) == name


async def test_a_session_is_told_while_it_is_open_and_when_it_ends(client: httpx.AsyncClient) -> None:
    assert name_of(await client.get("/v1/session")) == "no-session"
    assert name_of(await client.post("/v1/session/end", json={})) == "no-session"
    told = [(await client.post("/v1/scan", json={"code": code})).json() for code in (MILK, MILK, TEA, UNKNOWN)]
    (name,) = {answer["session"] for answer in told}
    await client.post("/v1/scan", json={"code": BANANAS, "qty_milli": 250})
    session = (await client.get("/v1/session")).json()
    assert session == {
        "session": name,
        "mode": "sale",
        "document": None,
        "scans": 5,
        "lines": [
            line(MILK, "milk", "Milk 1 l", "each", 2, 2000, 119, 238),
            line(TEA, "tea", "Tea", "each", 1, 1000, 249, 249),
            line(UNKNOWN, None, None, None, 1, 1000, None, None),
            line(BANANAS, "bananas", "Bananas", "kg", 1, 250, 199, 50),
        ],
        "total": {"minor": 238 + 249 + 50, "currency": "EUR"},
        "unpriced": 1,
    }
    assert (await client.get("/v1/health")).json()["status"]["session"] == name
    assert name_of(await client.post("/v1/session/end", json={"session": "another"})) == "other-session"
    ended = (await client.post("/v1/session/end", json={"session": name})).json()
    assert (ended["did"], ended["ended"]) == ("end", session)
    assert name_of(await client.get("/v1/session")) == "no-session"


def line(
    code: str,
    item: str | None,
    name: str | None,
    unit: str | None,
    scans: int,
    qty_milli: int,
    price_minor: int | None,
    total_minor: int | None,
) -> dict[str, object]:
    return {
        "code": code,
        "item": item,
        "name": name,
        "unit": unit,
        "scans": scans,
        "qty_milli": qty_milli,
        "price_minor": price_minor,
        "total_minor": total_minor,
    }


async def test_a_scan_held_back_is_told_and_restored(rig: StationRig, tmp_path: Path) -> None:
    async with SimulatedScanner(tmp_path / "scanner", ack=True) as scanner:
        settings = parse_table("serial-scanner", SerialScannerSettings, {"port": str(scanner.path), "ack": "honeywell"})
        rig.peripherals = [Peripheral(DeviceId("scanner"), "serial-scanner", SerialScanner(settings))]
        rig.dwell_us = {DeviceId("scanner"): 60_000_000}
        async with rig.at_work() as runner, await stocked() as catalogue:
            lookup = CatalogueLookup(catalogue, lambda when: when.wall_us)
            async with (
                LocalApi(api_of(runner, lookup), "127.0.0.1", 0) as local,
                httpx.AsyncClient(base_url=local.url, timeout=DEADLINE_S, trust_env=False) as client,
            ):
                await scanner.scan(MILK)
                async with client.stream("GET", "/v1/events") as stream:
                    lines = stream.aiter_lines()
                    await next_event(lines)
                    await scanner.scan(MILK)
                    while (event := await next_event(lines))[0] == "scanned":
                        pass
                entry = {"epoch": str(rig.stock.view.head.epoch), "seq": 2}
                assert event == ("suppressed", {"device": "scanner", "code": MILK, "entry": entry})
                assert (await client.get("/v1/health")).json()["status"]["suppressed"] == 1
                held = {"entry": entry, "device": "scanner", "code": MILK, "qty_milli": 1000}
                assert (await client.get("/v1/suppressed")).json() == {"scans": [held]}
                path = f"/v1/suppressed/{entry['epoch']}/2/restore"
                restored = (await client.post(path, json={})).json()
                assert (restored["did"], restored["code"], restored["entry"]["seq"]) == ("restored", MILK, 4)
                assert (await client.get("/v1/suppressed")).json() == {"scans": []}
                assert name_of(await client.post(path, json={})) == "not-restorable"
                assert name_of(await client.post("/v1/suppressed/nonsense/2/restore", json={})) == "bad-epoch"
                assert name_of(await client.post(path, content="{}")) == "bad-content-type"


async def test_an_item_is_told_with_its_price_and_the_catalogues_version(client: httpx.AsyncClient) -> None:
    assert (await client.get(f"/v1/items/{MILK}")).json() == {
        "code": MILK,
        "item": "milk",
        "name": "Milk 1 l",
        "unit": "each",
        "factor_milli": 1000,
        "price": {"minor": 119, "currency": "EUR"},
        "catalogue": 9,
        "weight_g": None,
        "label_price": None,
    }
    assert (await client.get(f"/v1/items/{BANANAS}")).json()["unit"] == "kg"
    unknown = await client.get(f"/v1/items/{UNKNOWN}")
    assert (unknown.status_code, name_of(unknown)) == (404, "unknown-item")
    assert name_of(await client.get(f"/v1/items/{BAD}")) == "check-digit"
    assert name_of(await client.get("/v1/items/https%3A%2F%2Fexample.org%2Fx")) == "unknown-item"


async def test_what_a_label_says_is_told(rig: StationRig) -> None:
    label = f"(01)0{BANANAS}(3103)000734(3922)140"
    rig.rules = parse_patterns((), "EUR")
    async with rig.at_work() as runner, await stocked() as catalogue:
        lookup = CatalogueLookup(catalogue, lambda when: when.wall_us, rig.rules)
        async with (
            LocalApi(api_of(runner, lookup), "127.0.0.1", 0) as local,
            httpx.AsyncClient(base_url=local.url, timeout=DEADLINE_S, trust_env=False) as client,
        ):
            told = (await client.get(f"/v1/items/{label}")).json()
            assert (told["item"], told["weight_g"]) == ("bananas", 734)
            assert told["label_price"] == {"minor": 140, "currency": "EUR"}
            sold = (await client.post("/v1/scan", json={"code": label})).json()
            assert (sold["qty_milli"], sold["price"]["minor"], sold["label_price"]["minor"]) == (734, 199, 140)
            assert (await client.get("/v1/session")).json()["total"]["minor"] == 140


async def test_what_is_not_there_is_a_named_error(client: httpx.AsyncClient) -> None:
    assert name_of(await client.get("/v2")) == "no-such-resource"
    assert name_of(await client.get("/v1/scan")) == "no-such-method"


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


async def next_event(lines: AsyncIterator[str]) -> tuple[str, dict[str, Any]]:
    async with asyncio.timeout(DEADLINE_S):
        name = ""
        async for line in lines:
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                return name, json.loads(line.removeprefix("data: "))
    raise AssertionError("the stream ended")


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
