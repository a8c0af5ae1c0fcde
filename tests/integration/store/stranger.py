"""Somebody else on the store's broker, who may publish anything and hears everything: a broken station, an intruder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from hub.wire.broker import Address, Broker
from protocol.identity import StationId, StoreId
from protocol.topics import Channel, StationTopic, StoreTopics, Stream
from tests.integration.store.hub_process import STORE

Found = TypeVar("Found")

TOPICS = StoreTopics(StoreId(STORE))
ANSWER_S = 60.0


def topic_of(station: str, channel: Channel, stream: Stream | None = None) -> str:
    """Build a station's topic."""
    return TOPICS.station(StationTopic(StationId(station), channel, stream))


class Stranger:
    """One connection to the store's broker; `stranger` makes it."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._heard: list[tuple[str, bytes]] = []
        self._changed = asyncio.Condition()

    def post(self, topic: str, payload: bytes) -> None:
        """Publish, waiting for nothing."""
        self._broker.post(topic, payload)

    async def hear(self, topic: str, pick: Callable[[bytes], Found | None], timeout_s: float = ANSWER_S) -> Found:
        """Wait for a message on `topic` out of which `pick` makes something. What was said before counts as well.

        Raises `TimeoutError` with what was heard.
        """
        seen = 0
        try:
            async with asyncio.timeout(timeout_s), self._changed:
                while True:
                    for on, payload in self._heard[seen:]:
                        if on == topic and (found := pick(payload)) is not None:
                            return found
                    seen = len(self._heard)
                    await self._changed.wait()
        except TimeoutError:
            said = [payload[:300] for on, payload in self._heard if on == topic]
            raise TimeoutError(f"nothing fitting on {topic}, but {said[-5:]}") from None

    def forget(self) -> None:
        """Take what was heard so far for old."""
        self._heard.clear()

    async def listen(self) -> None:
        """Hear everything, until cancelled."""
        async for topic, payload in self._broker.heard():
            async with self._changed:
                self._heard.append((topic, payload))
                self._changed.notify_all()


@asynccontextmanager
async def stranger(broker_port: int) -> AsyncIterator[Stranger]:
    """Connect, and hear all that is said in the store."""
    async with Broker(Address("127.0.0.1", broker_port, "stranger")) as broker:
        await broker.subscribe(f"{TOPICS.root}/#", qos=1)
        someone = Stranger(broker)
        listening = asyncio.create_task(someone.listen())
        try:
            yield someone
        finally:
            listening.cancel()
            await asyncio.wait([listening])
