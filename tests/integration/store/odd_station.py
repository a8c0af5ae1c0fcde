"""A station of our own making that runs the real uplink over a log in memory, into which anything can be written."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from edge.buffer.memory_log import MemoryLog
from edge.clock import SystemClock, read_boot_id
from edge.uplink.stream import StreamPump
from hub.wire.broker import Address, Broker, sender
from protocol.frames import decode_reader_message, payload_mark
from protocol.replication.messages import Cursor
from protocol.topics import Channel, Stream
from tests.integration.store.stranger import topic_of

Meddle = Callable[[bytes], bytes]


@asynccontextmanager
async def odd_station(
    broker_port: int, name: str, lines: Sequence[bytes], meddle: Meddle = lambda payload: payload
) -> AsyncIterator[Callable[[], int]]:
    """Have `lines` drained as the stock log of station `name`, every payload passed through `meddle`.

    Gives what tells how many of them the hub is not known to have.
    """
    clock = SystemClock(read_boot_id())
    async with MemoryLog(clock=lambda: time.time_ns() // 1000, nonce=lambda: secrets.randbits(64)) as log:
        await log.append(lines)
        pump = StreamPump(log, lambda: secrets.randbits(64), clock, None, lambda: None)
        async with Broker(Address("127.0.0.1", broker_port, name)) as broker:
            await broker.subscribe(topic_of(name, Channel.CURSOR, Stream.STOCK), qos=1)
            post = sender(broker, topic_of(name, Channel.LOG, Stream.STOCK))
            meant: dict[int, int] = {}
            """The mark of what the uplink said, by the mark of what came of it."""

            async def send(payload: bytes) -> None:
                meddled = meddle(payload)
                meant[payload_mark(meddled)] = payload_mark(payload)
                await post(meddled)

            async def hear() -> None:
                async for _, payload in broker.heard():
                    said = decode_reader_message(payload)
                    if isinstance(said, Cursor) and said.refused is not None:
                        mark = meant[said.refused.payload]
                        said = replace(said, refused=replace(said.refused, payload=mark))
                    pump.hear(said)

            jobs = [
                asyncio.create_task(hear(), name=f"{name} hears"),
                asyncio.create_task(pump.drain(send), name=f"{name} drains"),
            ]
            try:
                yield lambda: pump.backlog
            finally:
                for job in jobs:
                    job.cancel()
                await asyncio.gather(*jobs, return_exceptions=True)
