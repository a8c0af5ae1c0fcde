"""Stations that come back all at once: many in one process, each with the real uplink and a log in memory, no devices.

Run as `python -m bench.fleet`; it says "ready" once all logs are written, connects every station on SIGUSR1, and says
"drained" once the hub has acknowledged all that any of them held. Before that it tells where each log ends, with the
chain over its lines, to be held against what the hub has.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import signal
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack

from bench import shop
from edge.buffer.memory_log import MemoryLog
from edge.clock import SystemClock, read_boot_id
from edge.uplink.stream import StreamPump
from hub.wire.broker import Address, Broker
from protocol.frames import decode_reader_message
from protocol.identity import StationId, StoreId
from protocol.topics import Channel, StationTopic, StoreTopics, Stream

READY, DRAINED, HEAD = "fleet ready", "fleet drained", "head"
_LOOK_S = 0.02


def name_of(number: int) -> StationId:
    """Name a station of a fleet."""
    return StationId(f"fleet-{number}")


class _Station:
    def __init__(self, name: StationId) -> None:
        self.name = name
        self.log = MemoryLog(clock=lambda: time.time_ns() // 1000, nonce=lambda: secrets.randbits(64))
        clock = SystemClock(read_boot_id())
        self.pump = StreamPump(self.log, lambda: secrets.randbits(64), clock, None, lambda: None)

    async def run(self, port: int) -> None:
        """Connect and drain, until cancelled."""
        topics = StoreTopics(StoreId(shop.STORE))
        cursor = topics.station(StationTopic(self.name, Channel.CURSOR, Stream.STOCK))
        log = topics.station(StationTopic(self.name, Channel.LOG, Stream.STOCK))
        async with Broker(Address("127.0.0.1", port, self.name)) as broker:
            await broker.subscribe(cursor, qos=1)

            async def send(payload: bytes) -> None:
                broker.post(log, payload)
                await asyncio.sleep(0)

            async with asyncio.TaskGroup() as group:
                group.create_task(self.pump.drain(send))
                async for _, payload in broker.heard():
                    self.pump.hear(decode_reader_message(payload))


async def _run(port: int, numbers: Sequence[int], entries: int) -> None:
    go = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, go.set)
    lines = list(shop.backlog(entries))
    stations = [_Station(name_of(number)) for number in numbers]
    async with AsyncExitStack() as stack:
        for station in stations:
            await stack.enter_async_context(station.log)
            for start in range(0, entries, shop.FRAME_ENTRIES):
                await station.log.append(lines[start : start + shop.FRAME_ENTRIES])
        for station in stations:
            print(HEAD, station.name, station.log.view.head.seq, station.log.view.head.digest.hex())
        print(READY, flush=True)
        await go.wait()
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(station.run(port)) for station in stations]
            while any(station.pump.backlog for station in stations):  # noqa: ASYNC110  (a pump has no event for this)
                await asyncio.sleep(_LOOK_S)
            print(DRAINED, flush=True)
            await asyncio.gather(*running)


def main() -> None:
    """Run until killed."""
    parser = argparse.ArgumentParser(prog="python -m bench.fleet", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--first", type=int, required=True)
    parser.add_argument("--stations", type=int, required=True)
    parser.add_argument("--entries", type=int, required=True)
    options = parser.parse_args()
    asyncio.run(_run(options.port, range(options.first, options.first + options.stations), options.entries))


if __name__ == "__main__":
    main()
