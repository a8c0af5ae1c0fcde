"""A hub's store that is kept a second time, for tests: its place, its medium, its archive told by hand."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from hub.store.archive import Archive
from hub.store.backing_up import take_backup
from hub.store.manifest import Manifest
from hub.store.restoring import Place, Restored, restore
from hub.store.seats import FileSeat
from hub.store.store import HubStore
from protocol.decisions import Adjustment
from protocol.events import Reason, encode_entry
from protocol.variable_measure import PLAIN
from tests.unit.hub_store.shop import AREA, NOON_US, STORE, TEA, Clock, catalogue, fold_all


class Kept:
    """`hub.db` in a folder, and a medium beside it."""

    def __init__(self, folder: Path, *, new: bool = True) -> None:
        self.path = folder / "data" / "hub.db"
        self.medium = folder / "medium"
        if new:
            self.path.parent.mkdir()
            self.medium.mkdir()
        self.clock = Clock()
        self.place = Place(FileSeat(self.path), STORE, PLAIN, self.clock)

    @asynccontextmanager
    async def open(self, *, archived: bool = True) -> AsyncIterator[tuple[HubStore, Archive]]:
        """Open the store; what is durable at the end is archived then."""
        async with HubStore(self.path, STORE, self.clock) as store:
            await store.apply_catalogue(catalogue())
            archive = Archive(store, STORE, self.medium)
            try:
                if archived:
                    await tell_all(archive)
                yield store, archive
                if archived:
                    await tell_all(archive)
            finally:
                await archive.close()

    def back_up(self, name: str, archive: Archive | None = None) -> tuple[Path, Manifest]:
        """Make a backup on the medium."""
        to = self.medium / name
        segment = (lambda life: None) if archive is None else archive.segment
        return to, take_backup(FileSeat(self.path), to, STORE, self.clock, segment)

    async def restore(self, backup: Path, until_us: int | None = None, *, archived: bool = True) -> Restored:
        """Put a backup in place."""
        return await restore(self.place, backup, self.medium if archived else None, until_us, lambda _: None)

    def sql(self, sql: str, *values: object) -> None:
        """Do something to the stopped hub's file behind its back."""
        connection = sqlite3.connect(self.path, isolation_level=None)
        assert connection.execute(sql, values).rowcount
        connection.close()


async def tell_all(archive: Archive) -> None:
    """Archive all there is."""
    while await archive.tell():
        pass


async def decide(store: HubStore, qty_milli: int) -> None:
    """Adjust the tea, and book it."""
    entry = Adjustment(NOON_US, TEA, AREA, qty_milli, Reason.ADJUSTMENT, None, "ann", "")
    await store.journal.append([encode_entry(entry)])
    await fold_all(store)


async def journal_lines(store: HubStore) -> list[bytes]:
    """All lines of the journal."""
    lines: list[bytes] = []
    view = store.journal.view
    for index, chapter in enumerate(view.lineage):
        for seq in range(1, view.end_of(index) + 1):
            lines += (await store.journal.read(chapter.epoch, seq, 1, 1 << 20)).lines
    return lines


async def feed_lines(store: HubStore) -> list[bytes]:
    """The lines of the feed's epoch that is written now."""
    epoch, lines = store.feed.view.head.epoch, list[bytes]()
    while part := (await store.feed.read(epoch, len(lines) + 1, 1000, 1 << 20)).lines:
        lines += part
    return lines
