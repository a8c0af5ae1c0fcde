"""The real hub's store, told a simulated day: frames go through the real reader of a log, then into the real file."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from hub.store.places import STORE_AREA
from hub.store.reader_logs import LogCommit, station_log
from hub.store.store import HubStore
from protocol.chain import Chapter
from protocol.dated_words import PlaceGiven, PlaceKind
from protocol.frames import decode_writer_message
from protocol.identity import StationId, StoreId
from protocol.replication.ports import ReaderState, Record
from protocol.replication.reader import LogReader
from protocol.replication.reader_actions import Commit, OutOfReach
from protocol.topics import Stream
from tests.shop.codes import catalogue
from tests.shop.day import Day
from tests.shop.network import Delivery
from tests.shop.station import DAY_US, SimulatedStation
from tests.shop.world import COUNTED

STORE = StoreId("corner")
FOLD_ENTRIES = 100_000


class HubClock:
    """The hub's UTC, which the day sets."""

    def __init__(self) -> None:
        self.now_us = DAY_US

    def __call__(self) -> int:
        return self.now_us


class Listener:
    """Takes deliveries as the hub's intake does: each log has its reader, whose commits the store makes durable."""

    def __init__(self, store: HubStore, clock: HubClock) -> None:
        self._store = store
        self._clock = clock
        self._readers: dict[StationId, LogReader] = {}
        self.said = 0
        """Cursors said, which acknowledge or rewind."""

    async def meet(self, station: SimulatedStation) -> None:
        """Begin to read a station's log, or go on where the store's file says it was read to."""
        state = await self._store.reader_state(station_log(station.name, Stream.STOCK))
        if state.at is None:
            origin = Chapter(station.epoch).origin()
            state = ReaderState(at=origin, records=(Record(origin, 0),), generation=station.epoch.generation)
        self._readers[station.name] = LogReader(state, 1, lambda: 1, OutOfReach.RECORD_LOSS, 10_000)

    def read_to(self, station: StationId) -> int:
        """Say how far a log is read."""
        at = self._readers[station].state.at
        return 0 if at is None else at.seq

    async def take(self, deliveries: list[Delivery]) -> None:
        """Commit, in one transaction, what is new in frames that came at one time, and fold it."""
        commits: list[LogCommit] = []
        durable: list[Callable[[], None]] = []
        for delivery in deliveries:
            self._clock.now_us = max(self._clock.now_us, DAY_US + delivery.t_us)
            reader = self._readers[delivery.station]
            reader.receive(decode_writer_message(delivery.payload))
            while (action := reader.next_action()) is not None:
                if isinstance(action, Commit):
                    assert action.entries is not None
                    log = station_log(delivery.station, Stream.STOCK)
                    commits.append(LogCommit(log, (action.entries,), action.state, action.losses))
                    durable.append(lambda reader=reader, serial=action.serial: reader.committed(serial))  # type: ignore[misc]
                else:
                    self.said += 1
        if commits:
            await self._store.commit(commits)
            for tell in durable:
                tell()
            while (await self._store.fold_some(FOLD_ENTRIES)).lag:
                pass


Watcher = Callable[[HubStore, int], Awaitable[None]]
"""Looks at the store after what came at a time is booked."""


@asynccontextmanager
async def told(folder: Path, day: Day, watch: Watcher | None = None) -> AsyncIterator[HubStore]:
    """Give a store that was told the whole day as it came, and booked it as it came."""
    clock = HubClock()
    async with HubStore(folder / f"hub-{day.seed}.db", STORE, clock) as store:
        await store.apply_catalogue(catalogue(day.habits.items))
        if day.habits.counts_by_spot:
            await store.lay_out(
                [PlaceGiven(DAY_US, spot.value, "", STORE_AREA, PlaceKind.SHELF, 0, "staff", "") for spot in COUNTED]
            )
        listener = Listener(store, clock)
        for station in day.stations.values():
            await listener.meet(station)
        for t_us, together in itertools.groupby(day.deliveries, key=lambda delivery: delivery.t_us):
            await listener.take(list(together))
            if watch is not None:
                await watch(store, t_us)
        for station in day.stations.values():
            assert listener.read_to(station.name) == len(station.lines), f"the hub was not told all of {station.name}"
        yield store
