"""Listens on the store's broker to what the hub acknowledges, so that a test can strike in the middle of a drain."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from hub.wire.broker import Address, Broker, stay_connected
from protocol.errors import BadInput
from protocol.frames import decode_reader_message
from protocol.identity import StationId, StoreId
from protocol.replication.messages import Cursor
from protocol.topics import Channel, StoreTopics, Stream, parse_station_topic
from tests.integration.store.hub_process import STORE


class Witness:
    """Knows how far the hub acknowledged each station's stock log, whatever becomes of the broker meanwhile."""

    def __init__(self, broker_port: int) -> None:
        self._address = Address("127.0.0.1", broker_port, "witness")
        self._acked: dict[StationId, int] = {}
        self._heard = asyncio.Condition()
        self._listening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._listening = asyncio.create_task(stay_connected(self._address, self._listen), name="witness")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening])

    async def acked_beyond(self, station: StationId, seq: int, timeout_s: float) -> int:
        """Wait until the hub acknowledged more than `seq`; give how much. Raises `TimeoutError`."""
        async with asyncio.timeout(timeout_s), self._heard:
            await self._heard.wait_for(lambda: self._acked.get(station, 0) > seq)
            return self._acked[station]

    async def _listen(self, broker: Broker) -> None:
        await broker.subscribe(StoreTopics(StoreId(STORE)).every_station(Channel.CURSOR))
        async for heard, payload in broker.heard():
            _, topic = parse_station_topic(heard)
            try:
                cursor = decode_reader_message(payload)
            except BadInput:
                continue
            if topic.stream is Stream.STOCK and isinstance(cursor, Cursor) and cursor.at is not None:
                async with self._heard:
                    self._acked[topic.station] = cursor.at.seq
                    self._heard.notify_all()
