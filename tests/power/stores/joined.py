"""A station's log and a hub's store in one process, joined by the real machines of both sides and no network."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from edge.buffer.sqlite_log import SqliteLog
from edge.clock import SystemClock
from edge.uplink.stream import StreamPump
from hub.store.reader_logs import station_log
from hub.store.store import HubStore
from hub.wire.intake import IntakeDesk
from protocol.frames import decode_reader_message
from protocol.identity import StationId
from protocol.replication.messages import Cursor
from protocol.replication.reader_actions import OutOfReach
from protocol.topics import Stream
from tests.unit.hub_store.shop import NOON_US

CAUGHT_UP_S = 20.0
NAME = station_log(StationId("till-1"), Stream.STOCK)


def nonce() -> int:
    return secrets.randbits(64)


@asynccontextmanager
async def joined(
    log: SqliteLog, store: HubStore, heard: Callable[[Cursor], None] | None = None
) -> AsyncIterator[StreamPump]:
    """Replicate from the log to the store for as long as this is entered; `heard` is told of the hub's cursors."""
    pump = StreamPump(log, nonce, SystemClock("boot"), None, lambda: None)

    def respond(_name: str, payload: bytes) -> None:
        message = decode_reader_message(payload)
        if heard is not None and isinstance(message, Cursor):
            heard(message)
        pump.hear(message)

    desk = IntakeDesk(store, OutOfReach.RECORD_LOSS, nonce, lambda: NOON_US, respond)

    async def send(payload: bytes) -> None:
        await desk.take(NAME, payload)

    jobs = [asyncio.create_task(desk.run()), asyncio.create_task(pump.drain(send))]
    try:
        yield pump
    finally:
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)


async def caught_up(log: SqliteLog, store: HubStore) -> bool:
    """Replicate until the hub has all of the log; say whether it came to that in time."""
    async with joined(log, store):
        try:
            async with asyncio.timeout(CAUGHT_UP_S):
                while (await store.reader_state(NAME)).at != log.view.head:  # noqa: ASYNC110 - it tells nobody
                    await asyncio.sleep(0.002)
        except TimeoutError:
            return False
        return True
