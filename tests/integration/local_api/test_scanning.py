"""Scans, cards and sessions through the local API over real HTTP: durable before it answers."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from edge.api.messages import MAX_BODY_BYTES
from edge.api.server import LocalApi
from edge.buffer.api import LogLimits
from edge.drivers.api import parse_table
from edge.drivers.serial_scanner import SerialScanner, SerialScannerSettings
from edge.lookup import CatalogueLookup
from edge.runner.supervisor import Peripheral
from protocol.events import Delta
from protocol.identity import DeviceId
from shelfwire.simulators.scanner import SimulatedScanner
from tests.integration.local_api.serving import api_of, name_of, next_event
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
)


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
