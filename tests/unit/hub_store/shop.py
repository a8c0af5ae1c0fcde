"""A small shop for the store's tests: a catalogue, stations that speak, and a hub that listens."""

from __future__ import annotations

import random
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Executable

from hub.store.engine import Engine
from hub.store.reader_logs import LogCommit, station_log
from hub.store.sqlite_file import SqliteFile
from hub.store.store import HubStore
from protocol.catalogue import CatalogueRow, CodeLink, Item
from protocol.chain import Chapter, Position, extend
from protocol.dated_words import PlaceGiven, PlaceKind
from protocol.events import (
    Anchor,
    Count,
    Delta,
    Mark,
    Reason,
    Reversal,
    StationEntry,
    When,
    encode_entry,
)
from protocol.feed import CountResult, Movement, decode_feed_entry, statements
from protocol.feed_books import FeedBooks
from protocol.identity import EntryId, Epoch, ItemId, PlaceId, StationId, StoreId
from protocol.replication.ports import ReaderState, Slice
from protocol.topics import Stream
from protocol.variable_measure import PLAIN, CodeRules

NOON_US = 1_750_000_000_000_000
SECOND_US = 1_000_000
HOUR_US = 3_600 * SECOND_US
STORE = StoreId("corner")
AREA = PlaceId("store")
BOTH_ENGINES = pytest.mark.both_engines
"""Of a module: see `conftest`."""
FIRST_LIFE = Epoch(1, 7)
TEA, JAM = ItemId("tea"), ItemId("jam")
TEA_CODE, JAM_CODE, NEW_CODE = "4000000000013", "4000000000020", "4000000000037"


def key(code: str) -> str:
    """The catalogue's key of a GTIN."""
    return code.zfill(14)


def catalogue() -> list[CatalogueRow]:
    return [Item(TEA, "Green tea"), Item(JAM, "Plum jam"), CodeLink(key(TEA_CODE), TEA), CodeLink(key(JAM_CODE), JAM)]


class Clock:
    """The hub's UTC."""

    def __init__(self) -> None:
        self.now_us = NOON_US

    def __call__(self) -> int:
        return self.now_us


def at(path: Path) -> Path | Engine:
    """Say where the store of a path is: in that file, unless the test is run on another engine."""
    return path


def copy(path: Path, to: Path) -> None:
    """Copy a store that is closed."""
    shutil.copy(path, to)


def store_at(path: Path, clock: Callable[[], int] | None = None, rules: CodeRules = PLAIN) -> HubStore:
    """Make the store of a path."""
    return HubStore(at(path), STORE, Clock() if clock is None else clock, rules)


def engine_at(path: Path) -> Engine:
    """Give what the store of a path is kept in."""
    where = at(path)
    return SqliteFile(where) if isinstance(where, Path) else where


def rows_at(path: Path, query: Executable) -> list[Any]:
    """Ask the tables of a path beside the store, which may be open."""
    engine = engine_at(path)
    try:
        return engine.open_reader().execute(query).fetchall()
    finally:
        engine.close_reader()


@asynccontextmanager
async def shop(path: Path, rows: list[CatalogueRow] | None = None) -> AsyncIterator[HubStore]:
    """Open a hub's store with the catalogue above, or with other rows."""
    async with store_at(path / "hub.db") as store:
        await store.apply_catalogue(catalogue() if rows is None else rows)
        yield store


@dataclass
class Station:
    """A station's stock log: what it says, and how much of it the hub was told.

    Its clock is true unless `wall_off_us` says otherwise; `up_us` counts from a boot at `booted_us`, which is noon.
    """

    name: str = "till-1"
    epoch: Epoch = FIRST_LIFE
    boot: str = "boot-1"
    synced: bool = True
    wall_off_us: int = 0
    up_us: int = 0
    booted_us: int = NOON_US
    lines: list[bytes] = field(default_factory=list)
    told: int = 0

    @property
    def station(self) -> StationId:
        return StationId(self.name)

    def id(self, seq: int) -> EntryId:
        return EntryId(self.station, self.epoch, seq)

    def when(self) -> When:
        return When(self.boot, self.up_us, max(0, self.true_us + self.wall_off_us), self.synced)

    @property
    def true_us(self) -> int:
        """UTC, whatever its clock reads."""
        return self.booted_us + self.up_us

    def reboot(self, boot: str, off_s: float = 30.0) -> None:
        """Be without power for a while."""
        self.boot, self.booted_us, self.up_us = boot, self.true_us + int(off_s * SECOND_US), 0

    def say(self, entry: StationEntry | bytes, after_s: float = 1.0) -> int:
        """Write an entry some seconds after the one before; give its seq."""
        self.up_us += int(after_s * SECOND_US)
        self.lines.append(entry if isinstance(entry, bytes) else encode_entry(entry))
        return len(self.lines)

    def scan(self, code: str, qty_milli: int = -1000, reason: Reason = Reason.SALE, after_s: float = 1.0) -> int:
        self.up_us += int(after_s * SECOND_US)
        return self.say(Delta(self.when(), "scanner", code, "]E0", qty_milli, reason, "shop"), 0)

    def count(self, code: str, qty_milli: int, after_s: float = 1.0) -> int:
        self.up_us += int(after_s * SECOND_US)
        started_us = max(0, self.up_us - SECOND_US // 2)
        return self.say(Count(self.when(), started_us, "scanner", code, qty_milli, "shop", "count-1"), 0)

    def undo(self, seq: int, after_s: float = 1.0) -> int:
        self.up_us += int(after_s * SECOND_US)
        return self.say(Reversal(self.when(), "scanner", str(self.epoch), seq), 0)

    def anchor(self, after_s: float = 1.0, off_us: int = 0) -> int:
        """Exchange clocks with a hub whose clock is true but for `off_us`."""
        self.up_us += int(after_s * SECOND_US)
        return self.say(Anchor(self.boot, self.up_us - 2000, self.up_us, self.true_us - 1000 + off_us), 0)

    def mark(self, closing: bool = False, after_s: float = 1.0) -> int:
        self.up_us += int(after_s * SECOND_US)
        return self.say(Mark(self.when(), closing), 0)

    def position(self, seq: int) -> Position:
        return Position(self.epoch, seq, extend(Chapter(self.epoch).origin().digest, self.lines[:seq]))

    def commit(self, entries: int | None = None) -> LogCommit:
        """The next entries as the reader of this log would commit them."""
        last = len(self.lines) if entries is None else min(len(self.lines), self.told + entries)
        part = Slice(self.epoch, self.told + 1, self.position(self.told).digest, tuple(self.lines[self.told : last]))
        self.told = last
        state = ReaderState(at=self.position(last), generation=self.epoch.generation)
        return LogCommit(station_log(self.station, Stream.STOCK), (part,), state)

    async def tell(self, store: HubStore, entries: int | None = None) -> None:
        """Let the hub commit the next entries, or all that are left."""
        await store.commit([self.commit(entries)])


async def give_place(store: HubStore, place: str, area: str, from_us: int = 0) -> None:
    """Say of what area a place is, where nothing is kept, from a moment on."""
    words = (
        PlaceGiven(NOON_US, area, "", area, PlaceKind.AREA, 0, "ann", "split"),
        PlaceGiven(NOON_US, place, "", area, PlaceKind.SPOT, from_us, "ann", "split"),
    )
    await store.lay_out([word for word in words if word.place != AREA])


async def fold_all(store: HubStore, batch: int = 1000) -> int:
    """Fold until nothing is left; count the passes."""
    for passes in range(1, 100_000):
        if (await store.fold_some(batch)).lag == 0:
            return passes
    raise AssertionError("the fold never ends")


async def on_hand(store: HubStore) -> dict[str, int]:
    """The stock of every item, in milli-units."""
    page = await store.stock(limit=1000)
    assert page.next is None
    return {row.item: row.on_hand_milli for row in page.rows}


async def times_of(store: HubStore, station: Station) -> dict[int, tuple[int, int]]:
    """Seconds since noon and the error in ms, by seq, of a station's entries about tea."""
    entries = (await store.timeline(TEA, limit=1000)).entries
    return {
        e.entry.seq: ((e.t_us - NOON_US) // SECOND_US, e.err_us // 1000)
        for e in entries
        if e.entry.station == station.station and e.entry.epoch == station.epoch
    }


async def told(store: HubStore) -> list[Movement | CountResult]:
    """What the feed states, one entry of the books at a time."""
    return [said for line in await feed_lines(store) for said in statements(decode_feed_entry(line))]


async def feed_lines(store: HubStore) -> list[bytes]:
    """The lines of the feed, of all its epochs."""
    lines: list[bytes] = []
    for chapter in store.feed.view.lineage:
        seq = 1
        while True:
            part = await store.feed.read(chapter.epoch, seq, 1000, 1 << 20)
            if not part.lines:
                break
            lines += part.lines
            seq += len(part.lines)
    return lines


async def told_stock(store: HubStore, shuffle: int | None = None) -> dict[str, int]:
    """The stock as head office reckons it from the feed, read in order or in a shuffled one."""
    lines = await feed_lines(store)
    if shuffle is not None:
        random.Random(shuffle).shuffle(lines)
    books = FeedBooks()
    for line in lines:
        books.upsert(decode_feed_entry(line))
    return {item: milli for (item, _), milli in books.stock().items()}


async def assert_books_agree(store: HubStore) -> None:
    """The books equal what the lines say, and head office's twin equals the books."""
    differences = await store.rebuild()
    assert not differences, "\n".join(map(str, differences))
    stock = await on_hand(store)
    for shuffle in (None, 1):
        told = await told_stock(store, shuffle)
        assert {item: milli for item, milli in told.items() if milli} == {i: m for i, m in stock.items() if m}


async def hear(
    store: HubStore,
    stations: Sequence[Station],
    journal: list[bytes],
    changes: list[list[CatalogueRow]],
    rng: random.Random,
) -> None:
    """Tell a hub all of a day in an order, and in batches, of the dice; it is folded then."""
    while changes or journal or any(station.told < len(station.lines) for station in stations):
        match rng.randint(0, 6):
            case 0 if changes:
                await store.apply_catalogue(changes.pop(0))
            case 1 if journal:
                taken = rng.randint(1, len(journal))
                await store.journal.append(journal[:taken])
                del journal[:taken]
            case 2:
                await store.fold_some(rng.choice([1, 5, 1000]))
            case _:
                speakers = rng.sample(stations, rng.randint(1, 3))
                await store.commit([s.commit(rng.choice([1, 3, 50])) for s in speakers if s.told < len(s.lines)])
    await fold_all(store, rng.choice([1, 7, 1000]))
