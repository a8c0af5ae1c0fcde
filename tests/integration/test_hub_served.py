"""The hub's web on a real socket: what comes before a body is bounded, whichever parser reads it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from hub.web.http import MAX_HEAD_BYTES
from hub.web.server import WebServer
from tests.unit.hub_web.shop import MILK, Shop


@pytest.mark.parametrize(
    "opening",
    [
        b"GET /healthz HTTP/1.1\r\nx: ",
        b"GET /",
        b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\nGET / HTTP/1.1\r\nx: ",
    ],
    ids=["a header", "a line", "a second request's header"],
)
async def test_a_head_without_an_end_is_not_kept(tmp_path: Path, opening: bytes) -> None:
    shop = Shop(tmp_path / "hub.db")
    async with shop.store, WebServer(shop.app(), "127.0.0.1", 0, shop.stopping) as web:
        reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(web.url).port)
        writer.write(opening)
        taken = 0
        try:
            while taken < 100 * MAX_HEAD_BYTES:
                writer.write(b"x" * 4096)
                await writer.drain()
                taken += 4096
        except ConnectionError:
            pass
        assert taken < 100 * MAX_HEAD_BYTES
        writer.close()
        async with httpx.AsyncClient(base_url=web.url) as client:
            assert (await client.get("/healthz")).status_code == 200
        del reader


async def test_a_till_asks_again_and_again_over_one_connection(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "hub.db")
    async with shop.store, WebServer(shop.app(), "127.0.0.1", 0, shop.stopping) as web:
        await shop.stocked()
        async with httpx.AsyncClient(base_url=web.url) as client:
            for n in range(5):
                document = (await client.get(f"/api/v1/lookup/{MILK}")).json()
                assert document["stock"][0]["on_hand_milli"] == 62_000 - 1000 * n
                await shop.arrive("till-1", shop.sale(MILK))
                await shop.fold()
