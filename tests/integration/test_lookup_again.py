"""A till that asks again over its connection is answered by what was judged of its first request; nobody else is."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn

from hub.tokens import Scope, Tokens, make_token
from hub.web.http import http_protocol
from hub.web.lookup import Lookups
from hub.web.server import WebServer
from tests.unit.hub_web.shop import BREAD, MILK, Shop

PLAIN = "Host: localhost\r\nAccept: application/json\r\n"


class Till:
    """One connection, over which bytes go as they are told."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def ask(self, code: str, headers: str = PLAIN) -> tuple[int, bytes, bytes]:
        """Ask for a code; give status, head and body."""
        self.writer.write(request(code, headers))
        return await self.hear()

    async def hear(self) -> tuple[int, bytes, bytes]:
        """Wait for an answer."""
        async with asyncio.timeout(60):
            head = await self._reader.readuntil(b"\r\n\r\n")
            fields = [line.partition(b": ") for line in head.lower().split(b"\r\n")]
            length = next(int(value) for name, _, value in fields if name == b"content-length")
            return int(head.split()[1]), head, await self._reader.readexactly(length)

    async def ended(self) -> bool:
        """Say whether the hub has hung up."""
        async with asyncio.timeout(60):
            return not await self._reader.read(1)


def request(code: str, headers: str = PLAIN) -> bytes:
    return f"GET /api/v1/lookup/{code} HTTP/1.1\r\n{headers}\r\n".encode()


def names(head: bytes) -> list[bytes]:
    return sorted(line.partition(b":")[0] for line in head.split(b"\r\n")[1:-2])


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    shop = Shop(tmp_path / "hub.db")
    async with shop.store:
        await shop.stocked()
        yield shop


@asynccontextmanager
async def till_of(shop: Shop) -> AsyncIterator[Till]:
    app = shop.app()
    async with WebServer(app, "127.0.0.1", 0, shop.stopping, ready=app) as web:
        reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(web.url).port)
        yield Till(reader, writer)
        writer.close()


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note each code whose request was read in full."""
    fetch = Lookups.fetch
    noted: list[str] = []

    async def noting(lookups: Lookups, code: str) -> object:
        noted.append(code)
        return await fetch(lookups, code)

    monkeypatch.setattr(Lookups, "fetch", noting)
    return noted


async def test_it_says_what_it_would_say_if_it_read_all_again(shop: Shop, read: list[str]) -> None:
    async with till_of(shop) as till:
        first = await till.ask(MILK)
        assert await till.ask(MILK) == first
        bread = await till.ask(BREAD)
        again = await till.ask(BREAD)
        assert (again[0], names(again[1]), again[2]) == (200, names(bread[1]), bread[2])
        assert read == [MILK, BREAD]


async def test_what_changes_is_told_at_once(shop: Shop) -> None:
    async with till_of(shop) as till:
        for n in range(4):
            assert f'"on_hand_milli":{62_000 - 1000 * n},'.encode() in (await till.ask(MILK))[2]
            await shop.arrive("till-1", shop.sale(MILK))
            await shop.fold()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (PLAIN.replace("localhost", "evil.example"), 421),
        ("Host: evil.example\r\n" + PLAIN, 421),
        (PLAIN + "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: cors\r\n", 403),
        (PLAIN + "X-Forwarded-For: 10.0.0.9\r\n", 401),
        (PLAIN + "X-Note: harmless\r\n", 200),
    ],
)
async def test_other_headers_are_judged_for_themselves(shop: Shop, headers: str, status: int) -> None:
    async with till_of(shop) as till:
        for _ in range(2):
            assert (await till.ask(MILK))[0] == 200
        for _ in range(2):
            assert (await till.ask(MILK, headers))[0] == status


async def test_a_token_revoked_opens_nothing_any_more(shop: Shop) -> None:
    made, secret = make_token("a till", (Scope.STOCK_READ,), None, shop.now_us, lambda n: "x" * 43 if n == 32 else "1")
    shop.tokens = Tokens([made])
    with_token = PLAIN + f"Authorization: Bearer {secret}\r\n"
    async with till_of(shop) as till:
        for _ in range(3):
            assert (await till.ask(MILK, with_token))[0] == 200
        assert (await till.ask(MILK))[0] == 401
        assert (await till.ask(MILK, with_token))[0] == 200
        assert (await till.ask(MILK, with_token))[0] == 200
        other, _ = make_token("another", (Scope.STOCK_READ,), None, shop.now_us, lambda n: "y" * 43 if n == 32 else "2")
        shop.tokens = Tokens([other])
        assert (await till.ask(MILK, with_token))[0] == 401


@pytest.mark.parametrize(
    ("code", "status"), [("", 400), ("..%2Fitems", 404), ("%00", 400), (f"{MILK}?x=1", 200), ("nobody", 404)]
)
async def test_what_is_no_plain_word_is_read(shop: Shop, code: str, status: int) -> None:
    async with till_of(shop) as till:
        for _ in range(2):
            await till.ask(MILK)
        assert (await till.ask(code))[0] == status


async def test_a_word_cannot_be_two_requests(shop: Shop) -> None:
    async with till_of(shop) as till:
        for _ in range(2):
            await till.ask(MILK)
        assert (await till.ask(f"{MILK} HTTP/1.1\r\n\r\nGET /api/v1/lookup/{BREAD}"))[0] == 421
        assert (await till.hear())[0] == 200


async def test_a_body_that_follows_is_no_request(shop: Shop) -> None:
    headers = PLAIN + "Content-Length: 4\r\n"
    async with till_of(shop) as till:
        for _ in range(3):
            till.writer.write(request(MILK, headers))
            assert (await till.hear())[0] == 200
            till.writer.write(b"GET ")
        assert (await till.ask(MILK))[0] == 200


async def test_requests_in_pieces_and_several_at_once_are_answered_in_their_order(shop: Shop) -> None:
    milk, bread = request(MILK), request(BREAD)
    async with till_of(shop) as till:
        bodies = {code: (await till.ask(code))[2] for code in (MILK, BREAD, MILK, BREAD)}
        till.writer.write(milk + bread + milk)
        assert [(await till.hear())[2] for _ in range(3)] == [bodies[MILK], bodies[BREAD], bodies[MILK]]
        for piece in (milk[:3], milk[3:30], milk[30:], bread[:40]):
            till.writer.write(piece)
            await till.writer.drain()
            await asyncio.sleep(0.01)
        till.writer.write(bread[40:])
        assert [(await till.hear())[2] for _ in range(2)] == [bodies[MILK], bodies[BREAD]]
        till.writer.write(b"POST /api/v1/lookup/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(milk))
        await asyncio.sleep(0.01)
        # A body that looks like a request is none.
        till.writer.write(milk)
        assert (await till.hear())[0] == 405
        assert (await till.ask(BREAD))[2] == bodies[BREAD]


async def test_whoever_wants_to_go_is_let_go(shop: Shop) -> None:
    async with till_of(shop) as till:
        await till.ask(MILK)
        await till.ask(MILK)
        await till.ask(MILK, PLAIN + "Connection: close\r\n")
        assert await till.ended()


async def test_a_connection_that_is_used_is_kept_and_one_left_alone_is_not(shop: Shop) -> None:
    app = shop.app()
    config = uvicorn.Config(app, http=http_protocol(app), ws="none", lifespan="off", log_config=None)
    config.timeout_keep_alive = 1
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = asyncio.create_task(server.serve([listening]))
        till = Till(*await asyncio.open_connection(*listening.getsockname()))
        used_till_s = time.monotonic() + 2 * config.timeout_keep_alive
        while time.monotonic() < used_till_s:
            assert (await till.ask(MILK))[0] == 200
        assert await till.ended()
        till.writer.close()
        server.should_exit = True
        await serving
