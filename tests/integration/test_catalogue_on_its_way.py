"""The hub's catalogue on its way into a station's file: all that is between the two stores, but no broker."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from edge.catalogue.replica import CatalogueReplica
from edge.uplink.follower import CatalogueFollower
from hub.catalogue.snapshot import FRAME_ENTRIES
from hub.store.store import HubStore
from hub.wire.outbound import LogServer
from hub.wire.whole_catalogue import PART_ROWS, WholeCatalogue
from protocol.catalogue import STORE, CatalogueRow, CodeLink, Gone, Item, Price, PriceKind, RowKind, Setting
from protocol.frames import decode_reader_message
from protocol.identity import StoreId

WITHIN_S = 30.0
numbers = itertools.count(1)


def goods(number: int, minor: int = 100) -> list[CatalogueRow]:
    item = f"item-{number:05d}"
    return [
        Item(item, f"Goods {number}"),
        CodeLink(f"{number:014d}", item),
        Price(item, "regular-0", PriceKind.REGULAR, minor, "EUR"),
    ]


class Station:
    """A copy and who keeps it current; `cut` ends its connection after so many messages."""

    def __init__(self, store: HubStore, whole: WholeCatalogue, path: Path) -> None:
        self._server = LogServer(store.catalogue, lambda: next(numbers), time.monotonic, whole)
        self._server.snapshot_above = lambda: FRAME_ENTRIES
        self.replica = CatalogueReplica(path)
        self._changed = asyncio.Event()
        self._follower = CatalogueFollower(self.replica, lambda: next(numbers), self._changed.set)
        self.heard = 0

    @asynccontextmanager
    async def connected(self, lose: Callable[[int], bool] = lambda _: False) -> AsyncIterator[None]:
        """Connect; `lose` says which of the hub's messages, numbered from 1, get lost."""
        self.heard = 0

        async def to_station(payload: bytes) -> None:
            self.heard += 1
            if not lose(self.heard):
                self._follower.hear(payload)
            await asyncio.sleep(0)

        def to_hub(payload: bytes) -> None:
            self._server.hear(decode_reader_message(payload))

        tasks = [
            asyncio.create_task(self._server.run(to_station)),
            asyncio.create_task(self._follower.follow(to_hub)),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WITHIN_S):
            while not condition():
                self._changed.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), 0.02)

    async def as_the_hub(self, store: HubStore) -> None:
        await self.until(lambda: self.replica.position == store.catalogue.view.head)
        assert self.replica.set_hash == await store.catalogue_hash()
        assert await self.replica.audit() == self.replica.set_hash


Open = Callable[[str], Awaitable[Station]]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[HubStore]:
    async with HubStore(tmp_path / "hub.db", StoreId("oak"), lambda: time.time_ns() // 1000) as store:
        yield store


@pytest.fixture
async def whole(store: HubStore) -> WholeCatalogue:
    return WholeCatalogue(store)


async def test_a_new_station_gets_the_whole_and_then_what_changes(
    store: HubStore, whole: WholeCatalogue, tmp_path: Path
) -> None:
    rows = [row for number in range(PART_ROWS) for row in goods(number)]
    await store.apply_catalogue(rows)
    station = Station(store, whole, tmp_path / "catalogue.db")
    async with station.replica as replica, station.connected():
        await station.as_the_hub(store)
        assert replica.count == len(rows)
        # One part more than rows make, two greetings, and no entry.
        assert station.heard < 10
        await store.apply_catalogue([*goods(7, 99), Gone(RowKind.PRICE, "item-00008", "regular-0")])
        await station.as_the_hub(store)
        assert replica.price(f"{7:014d}", 1, 1000, [STORE]) == goods(7, 99)[2]
        assert replica.price(f"{8:014d}", 1, 1000, [STORE]) is None
        assert replica.count == len(rows) - 1


async def test_a_connection_cut_within_a_snapshot_leaves_what_was_and_the_next_brings_it(
    store: HubStore, whole: WholeCatalogue, tmp_path: Path
) -> None:
    await store.apply_catalogue(goods(1))
    station = Station(store, whole, tmp_path / "catalogue.db")
    async with station.replica as replica:
        async with station.connected():
            await station.as_the_hub(store)
        before = (replica.position, replica.set_hash, replica.count)
        await store.apply_catalogue([row for number in range(PART_ROWS) for row in goods(number)])
        async with station.connected(lose=lambda number: number > 2):
            await station.until(lambda: station.heard >= 4)
        assert (replica.position, replica.set_hash, replica.count) == before
        async with station.connected():
            await station.as_the_hub(store)


async def test_stations_that_return_together_are_told_the_same_bytes(
    store: HubStore, whole: WholeCatalogue, tmp_path: Path
) -> None:
    await store.apply_catalogue([row for number in range(PART_ROWS) for row in goods(number)])

    async def told(number: int) -> list[bytes]:
        return [payload async for payload in whole(number)]

    first, second = await asyncio.gather(told(1), told(2))
    assert first == second == await told(3)
    assert len(first) == 3
    await store.apply_catalogue(goods(1, 99))
    assert await told(4) != first


async def test_rows_too_long_for_parts_of_so_many_are_cut_by_length(
    store: HubStore, whole: WholeCatalogue, tmp_path: Path
) -> None:
    await store.apply_catalogue([Setting(STORE, f"key-{number}", "x" * 4000) for number in range(1500)])
    station = Station(store, whole, tmp_path / "catalogue.db")
    async with station.replica as replica, station.connected():
        await station.as_the_hub(store)
        assert len(replica.settings()) == 1500


async def test_an_empty_catalogue_is_told_too(store: HubStore, whole: WholeCatalogue) -> None:
    assert len([payload async for payload in whole(1)]) == 1
