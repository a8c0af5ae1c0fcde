"""A station's log and a hub's store in one process, joined by the real machines of both sides and no network."""

from __future__ import annotations

import asyncio
import secrets
import time
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
from tests.power.subject import TooSlow
from tests.unit.hub_store.shop import NOON_US

STALLED_S = 60.0
"""A hub that takes nothing of a log for so long is not waited for any more."""
NAME = station_log(StationId("till-1"), Stream.STOCK)


def nonce() -> int:
    return secrets.randbits(64)


@asynccontextmanager
async def joined(
    log: SqliteLog, store: HubStore, heard: Callable[[Cursor], None] | None = None
) -> AsyncIterator[StreamPump]:
    """Replicate from the log to the store for as long as this is entered; `heard` is told of the hub's cursors.

    Raises what either side died of.
    """
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
        ends = await asyncio.gather(*jobs, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end


async def catch_up(log: SqliteLog, store: HubStore) -> None:
    """Replicate until the hub has all of the log. Raises `TooSlow` if it gets no further."""
    async with joined(log, store):
        at, since_s = None, time.monotonic()
        while (now_at := (await store.reader_state(NAME)).at) != log.view.head:
            if now_at != at:
                at, since_s = now_at, time.monotonic()
            elif time.monotonic() - since_s > STALLED_S:
                raise TooSlow(f"the hub, at {at}, does not get on towards {log.view.head} within {STALLED_S:.0f} s")
            await asyncio.sleep(0.002)
