"""A station that comes back with a backlog: all in order, and what is scanned meanwhile seen before it is counted."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path

import pytest

from edge.buffer.memory_log import MemoryLog
from edge.clock import SystemClock, read_boot_id
from edge.uplink.live import LiveView
from edge.uplink.stream import StreamPump
from hub.app import DATABASE
from hub.store.reader_logs import load_state
from hub.store.sqlite_file import on_sqlite
from hub.web.overview import UNCOUNTED_SHOWN
from hub.web.stock_models import Events
from hub.wire.broker import Address, Broker, sender
from protocol.chain import Position
from protocol.events import Anchor, Delta, Reason, When, encode_entry
from protocol.frames import decode_reader_message
from protocol.replication.writer import Standing
from protocol.topics import Channel, Stream
from tests.integration.store.freezing import frozen
from tests.integration.store.shop import CODES, Shop
from tests.integration.store.stranger import topic_of

pytestmark = pytest.mark.needs_mosquitto

EVENTS = 30_000
SEEN_S = 3.0
"""One where the machine is not shared, which the benchmark and the torture hold it to."""
INVENTED = b'{"v":1,"epoch":"9.00000000000000ff","scans":[[5,["d",["b",1,2,true],"x","4","",-9000,"sale","shop"]]]}'
MILK, TEA, COLA, BISCUITS, PASTA = CODES


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with Shop(tmp_path, {"till-1": "sale"}) as shop:
        await shop.open()
        yield shop


def sales(count: int, *codes: str) -> list[bytes]:
    """Sales until now, one a millisecond, after an exchange with the hub's clock."""
    clock = SystemClock(read_boot_id())
    up_us, wall_us = clock.up_us(), time.time_ns() // 1000
    lines = [encode_entry(Anchor(clock.boot, up_us - 250, up_us + 250, wall_us))]
    for number in range(count - 1):
        ago_us = (count - number) * 1000
        when = When(clock.boot, up_us - ago_us, wall_us - ago_us, True)
        code = codes[number % len(codes)]
        lines.append(encode_entry(Delta(when, "scanner", code, "]E0", -1000, Reason.SALE, "shop")))
    return lines


def read_so_far(shop: Shop, station: str) -> Position | None:
    """How far the hub holds a station's stock log, with the chain over what it took."""
    with closing(sqlite3.connect(shop.hub.data / DATABASE)) as connection:
        return load_state(on_sqlite(connection), f"s/{station}/stock").at


@contextmanager
def disk_taken(shop: Shop) -> Iterator[None]:
    """Have the hub's disk take nothing: somebody else holds its file's lock for writing."""
    with closing(sqlite3.connect(shop.hub.data / DATABASE, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


class InHand:
    """A station in the test's own hands: the real uplink's parts over a log in memory."""

    def __init__(self, log: MemoryLog) -> None:
        self.log = log
        self.pump = StreamPump(log, lambda: secrets.randbits(64), SystemClock(read_boot_id()), None, lambda: None)
        self.live = LiveView(log, self.pump)

    async def read(self) -> str | None:
        """Say how much the hub is not known to have; None if it has all."""
        drained = self.pump.standing is Standing.READING and self.pump.backlog == 0
        return None if drained else f"{self.pump.standing}, {self.pump.backlog} unacknowledged"


@asynccontextmanager
async def in_hand(port: int, name: str) -> AsyncIterator[InHand]:
    async with (
        MemoryLog(clock=lambda: time.time_ns() // 1000, nonce=lambda: secrets.randbits(64)) as log,
        Broker(Address("127.0.0.1", port, name)) as broker,
    ):
        station = InHand(log)
        await broker.subscribe(topic_of(name, Channel.CURSOR, Stream.STOCK), qos=1)
        live = topic_of(name, Channel.LIVE)

        async def hear() -> None:
            async for _, payload in broker.heard():
                station.pump.hear(decode_reader_message(payload))

        jobs = [
            asyncio.create_task(hear()),
            asyncio.create_task(station.pump.drain(sender(broker, topic_of(name, Channel.LOG, Stream.STOCK)))),
            asyncio.create_task(station.live.show(lambda payload: broker.post(live, payload, qos=0))),
        ]
        try:
            yield station
        finally:
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)


async def rubbish(shop: Shop) -> None:
    """Publish on `live` what no station would."""
    async with Broker(Address("127.0.0.1", shop.broker_port, "stranger")) as stranger:
        for payload in (b"", b"\xff" * 3000, b"[" * 15_000, b"{}", b" " * 1_000_000):
            stranger.post(topic_of("kiosk", Channel.LIVE), payload, qos=0)
        stranger.post(topic_of("nobody", Channel.LIVE), INVENTED, qos=0)

        async def shown() -> str | None:
            found = await uncounted(shop)
            return None if "nobody/9.00000000000000ff/5" in found else f"{found}"

        await shop.until("what was invented to be shown", shown)


async def uncounted(shop: Shop) -> list[str]:
    """The names of the scans that the hub shows and has not counted, newest first."""
    return [event.entry for event in (await shop.hub.ask(Events, "events")).uncounted]


async def test_a_backlog_drains_in_order_while_the_till_goes_on(shop: Shop) -> None:
    till = shop.stations["till-1"]
    await till.process.stop()
    async with till.stopped_log() as log:
        lines = sales(EVENTS, MILK, TEA)
        for start in range(0, EVENTS, 1000):
            await log.append(lines[start : start + 1000])
    await shop.start(till.process)
    await shop.until("the till to take scans", till.up)
    for _ in range(3):
        assert await till.scanner.scan(COLA) is True
    await shop.until_caught_up()
    await shop.until_stock({"milk": -15_000_000, "tea": -14_999_000, "cola": -3000})

    async def behind() -> str | None:
        row = (await shop.hub.stations())["till-1"]
        said = (row.told, row.to_come, row.caught_up_percent)
        return None if said == (row.committed, 0, 100) else repr(said)

    # The hub looks at it once a second.
    await shop.until("the page to say that all is booked", behind)
    at = read_so_far(shop, "till-1")
    await till.process.stop()
    async with till.stopped_log() as log:
        assert at is not None
        assert (await log.digests(at.epoch, [at.seq]))[at.seq] == at.digest
    assert await uncounted(shop) == []


async def test_behind_a_backlog_a_scan_is_seen_at_once_and_counted_once_whatever_else_is_said(shop: Shop) -> None:
    """The hub's disk takes nothing for a while, so that the backlog stands as long as the test needs it."""
    async with in_hand(shop.broker_port, "kiosk") as kiosk:
        await kiosk.log.append(sales(2, MILK))

        await shop.until("the kiosk to be read", kiosk.read)
        await rubbish(shop)
        with disk_taken(shop):
            await kiosk.log.append(sales(EVENTS, TEA))
            for _ in range(3):
                after = await kiosk.log.append(sales(2, PASTA)[1:])
                name = f"kiosk/{after.epoch}/{after.seq}"
                async with asyncio.timeout(SEEN_S):
                    while name not in await uncounted(shop):  # noqa: ASYNC110 - told over HTTP only
                        await asyncio.sleep(0.01)
            assert kiosk.pump.backlog > EVENTS
            assert "pasta" not in await shop.hub.stock()
            page = (await shop.hub.page("/")).text
            assert page.count("not counted yet") == UNCOUNTED_SHOWN
            assert PASTA in page
        await shop.until("the kiosk's backlog to be read", kiosk.read)
        await shop.until_stock({"milk": -1000, "tea": -(EVENTS - 1) * 1000, "pasta": -3000})
        assert await uncounted(shop) == ["nobody/9.00000000000000ff/5"]
        assert "nobody" not in await shop.hub.stations()
        assert await shop.hub.quarantine() == []
        assert read_so_far(shop, "kiosk") == kiosk.log.view.head


async def test_a_broker_that_drops_what_it_cannot_queue_costs_time_and_nothing_else(tmp_path: Path) -> None:
    """It says PUBACK all the same; the hub stands still meanwhile, as one does whose machine is swapping."""
    async with Shop(tmp_path, {}) as shop:
        config = tmp_path / "broker.conf"
        config.write_text(f"{config.read_text()}max_inflight_messages 4\nmax_queued_messages 4\n")
        await shop.open()
        async with in_hand(shop.broker_port, "kiosk") as kiosk:
            await kiosk.log.append(sales(2, MILK))

            await shop.until("the kiosk to be read", kiosk.read)
            with frozen(shop.hub.process):
                await kiosk.log.append(sales(EVENTS, TEA))

                async def dropped() -> str | None:
                    told = shop.broker.tail(50)
                    return None if "messages are being dropped" in told else told

                await shop.until("the broker to drop some", dropped)
            await shop.until("the kiosk's backlog to be read", kiosk.read)
            await shop.until_stock({"milk": -1000, "tea": -(EVENTS - 1) * 1000})
            assert read_so_far(shop, "kiosk") == kiosk.log.view.head
