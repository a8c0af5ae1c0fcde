"""A station's log over REST: taken from a program on the hub's own machine, and from nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import msgspec
import pytest
from starlette.types import ASGIApp

from edge.buffer.exporting import Begin, LogName, export
from hub.settings import WebSettings
from hub.web import station_logs
from hub.web.app import make_app
from hub.web.station_logs import MEDIA_TYPE, PATH
from hub.wire.carrying import TakenFile
from protocol.receipts import decode_receipt
from protocol.topics import Stream
from tests.unit.hub_web.asking import assert_problem
from tests.unit.hub_web.shop import Shop, called
from tests.unit.hub_wire.carried import STORE, TILL, Hub, hub_at, new_log, sales

KIND = {"content-type": MEDIA_TYPE}


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    (tmp_path / "another").mkdir()
    async with hub_at(tmp_path / "another") as hub:
        yield hub


@pytest.fixture
async def file() -> bytes:
    async with new_log() as till:
        await till.append(sales(1, 500))
        name = LogName(STORE, TILL, Stream.STOCK)
        return b"".join([piece async for piece in export(till, name, Begin.ALL, 1)])


def app_of(hub: Hub, shop: Shop) -> ASGIApp:
    return make_app(hub.store, WebSettings(), replace(shop.outside, carrier=hub.carrier))


@asynccontextmanager
async def asking_from(app: ASGIApp, address: str) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app, client=(address, 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://192.168.1.7:8080") as client:
        yield client


async def test_a_file_is_taken_once_and_answered_with_a_receipt(hub: Hub, shop: Shop, file: bytes) -> None:
    (hub.carrier.spool / "carried-killed.part").write_bytes(b"what a killed hub left")
    async with called(app_of(hub, shop)) as rest:
        dry = await rest.post(f"{PATH}?dry_run=true", content=file, headers=KIND)
        assert msgspec.json.decode(dry.content, type=TakenFile).carried.new == 500
        assert await hub.lines() == []
        first = msgspec.json.decode((await rest.post(PATH, content=file, headers=KIND)).content, type=TakenFile)
        again = msgspec.json.decode((await rest.post(PATH, content=file, headers=KIND)).content, type=TakenFile)
    assert (first.carried.new, again.carried.new) == (500, 0)
    assert first.receipt is not None
    assert decode_receipt(first.receipt.encode()).depth == 500
    assert not list(hub.carrier.spool.glob("carried-*"))


async def test_a_file_that_is_none_is_refused_by_name(hub: Hub, shop: Shop, file: bytes) -> None:
    async with called(app_of(hub, shop)) as rest:
        assert_problem(await rest.post(PATH, content=file[:-100], headers=KIND), "cut-off", 400)
        assert_problem(await rest.post(PATH, content=b"", headers=KIND), "not-a-station-log", 400)
        assert_problem(await rest.post(PATH, content=file), "not-a-file", 415)
        assert_problem(await rest.post(PATH, content=file, headers={"content-type": "text/plain"}), "not-a-file", 415)
        huge = KIND | {"content-length": "999999999999"}
        assert_problem(await rest.post(PATH, content=b"x", headers=huge), "body-too-large", 413)
        short = KIND | {"content-length": str(len(file) + 1)}
        assert_problem(await rest.post(PATH, content=file, headers=short), "bad-request", 422)
        long = KIND | {"content-length": "100"}
        assert_problem(await rest.post(PATH, content=file, headers=long), "body-too-large", 413)
    assert await hub.lines() == []
    assert not list(hub.carrier.spool.glob("carried-*"))


async def test_who_does_not_tell_the_length_is_refused(hub: Hub, shop: Shop, file: bytes) -> None:
    def parts() -> Iterator[bytes]:
        yield file

    async def later() -> AsyncIterator[bytes]:
        for part in parts():
            yield part

    async with called(app_of(hub, shop)) as rest:
        assert_problem(await rest.post(PATH, content=later(), headers=KIND), "no-length", 411)


async def test_a_web_page_cannot_send_one(hub: Hub, shop: Shop, file: bytes) -> None:
    async with called(app_of(hub, shop), origin="http://evil.example") as rest:
        assert_problem(await rest.post(PATH, content=file, headers=KIND), "cross-site", 403)


async def test_only_this_machine_may(hub: Hub, shop: Shop, file: bytes) -> None:
    app = app_of(hub, shop)
    async with asking_from(app, "192.168.1.20") as rest:
        assert_problem(await rest.post(PATH, content=file, headers=KIND), "not-local", 403)
    for address in ("127.0.0.1", "::1", "192.168.1.7"):
        async with asking_from(app, address) as rest:
            assert (await rest.post(PATH, content=file, headers=KIND)).status_code == 200


async def test_the_hub_keeps_room_for_its_own_work(
    hub: Hub, shop: Shop, file: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(station_logs, "RESERVE_BYTES", 2**60)
    async with called(app_of(hub, shop)) as rest:
        assert_problem(await rest.post(PATH, content=file, headers=KIND), "no-room", 507)


async def test_other_routes_still_bound_their_bodies(hub: Hub, shop: Shop, file: bytes) -> None:
    async with called(app_of(hub, shop)) as rest:
        answer = await rest.post("/api/v1/adjustments", content=file, headers={"content-type": "application/json"})
        assert_problem(answer, "body-too-large", 413)
        assert_problem(await rest.post(f"{PATH}/../adjustments", content=file, headers=KIND), "body-too-large", 413)
