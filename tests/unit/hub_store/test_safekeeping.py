"""The second keeping of the hub's file beside its other work: when, how it stands, and what a bad medium does to it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hub import safekeeping
from hub.safekeeping import Safekeeping
from hub.settings import BackupSettings
from hub.store.archive import ARCHIVE
from hub.store.kept import BackupStatus
from hub.store.manifest import backups_in
from hub.store.seats import FileSeat
from hub.store.store import HubStore
from tests.integration.store.waiting import until
from tests.unit.hub_store.kept import Kept, decide
from tests.unit.hub_store.shop import NOON_US, SECOND_US, STORE

SOON_S = 60.0
HOUR_US = 3600 * SECOND_US


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kept:
    for name in ("RETRY_S", "LOOK_EVERY_S", "ARCHIVE_RETRY_S"):
        monkeypatch.setattr(safekeeping, name, 0.05)
    return Kept(tmp_path)


def fill(ballast: Path) -> None:
    """Leave no room on a disk."""
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            pass  # It is full.


@asynccontextmanager
async def running(kept: Kept, keep: int = 3) -> AsyncIterator[tuple[HubStore, Safekeeping]]:
    """A hub's store with its safekeeping at work."""
    settings = BackupSettings(folder=str(kept.medium), at="03:30", keep=keep, archive_every_s=0.1)
    async with HubStore(kept.path, STORE, kept.clock) as store:
        keeping = Safekeeping(store, FileSeat(kept.path), STORE, kept.medium, settings, kept.clock)
        job = asyncio.create_task(keeping.run())
        try:
            yield store, keeping
            assert not job.done(), job
        finally:
            job.cancel()
            await asyncio.gather(job, return_exceptions=True)


async def soon(keeping: Safekeeping, what: str, holds: Callable[[BackupStatus], object]) -> BackupStatus:
    async def look() -> str | None:
        return None if holds(keeping.status) else f"{keeping.status}"

    await until(what, look, SOON_S)
    return keeping.status


async def test_a_backup_is_made_at_once_and_then_each_night(kept: Kept) -> None:
    async with running(kept) as (store, keeping):
        first = await soon(keeping, "the first backup", lambda s: s.good_us and s.archived_us and not s.running)
        assert (first.good_us, first.backups, first.failure, first.archive_failure) == (NOON_US, 1, "", "")
        await decide(store, 1000)
        for night in (1, 2, 3, 4):
            kept.clock.now_us = NOON_US + night * 24 * HOUR_US
            await soon(keeping, f"backup {night}", lambda s: s.good_us == kept.clock.now_us and not s.running)
        status = keeping.status
        assert status.backups == 3
    assert [each.manifest.at_us for each in backups_in(kept.medium, STORE)] == [
        NOON_US + night * 24 * HOUR_US for night in (2, 3, 4)
    ]
    async with running(kept) as (_, keeping):
        again = await soon(keeping, "what is there to be seen", lambda s: s.good_us and s.archived_us)
        assert (again.good_us, again.backups) == (NOON_US + 96 * HOUR_US, 3)


async def test_a_medium_that_is_not_there_is_a_state_and_its_return_ends_it(kept: Kept, tmp_path: Path) -> None:
    kept.medium.rename(tmp_path / "drawer")
    async with running(kept) as (store, keeping):
        status = await soon(keeping, "both to fail", lambda s: s.failure and s.archive_failure)
        assert str(kept.medium) in status.failure
        assert (status.good_us, status.archived_us) == (None, None)
        await decide(store, 1000)
        (tmp_path / "drawer").rename(kept.medium)
        await soon(keeping, "a good one", lambda s: s.good_us and not (s.failure or s.archive_failure or s.running))
        await decide(store, 2000)
        kept.medium.rename(tmp_path / "drawer")
        await soon(keeping, "the archive to fail", lambda s: s.archive_failure)
        kept.clock.now_us += SECOND_US
        kept.medium.mkdir()
        # Another medium: it wants a backup of its own to begin from.
        await soon(keeping, "a good one there", lambda s: not s.archive_failure and backups_in(kept.medium, STORE))
    assert len(list((kept.medium / ARCHIVE).iterdir())) <= 1


@pytest.mark.needs_root
async def test_a_medium_that_is_full_is_not_littered(kept: Kept, small_disk: Path) -> None:
    kept.medium.rmdir()
    kept.medium.symlink_to(small_disk)
    ballast = small_disk / "ballast"
    async with running(kept) as (store, keeping):
        await soon(keeping, "no room for a backup", lambda s: "no room" in s.failure)
        fill(ballast)

        async def full() -> str | None:
            await decide(store, 1000)
            return None if "No space" in keeping.status.archive_failure else f"{keeping.status}"

        await until("no room for the archive", full, SOON_S)
        for _ in range(100):
            await decide(store, 1000)
        # Tried again and again meanwhile.
        assert len(list((small_disk / ARCHIVE).iterdir())) <= 3
        decided = store.journal.view.head.seq
        ballast.unlink()
        await soon(keeping, "the archive to go on", lambda s: not s.archive_failure)
        assert decided > 100


async def test_one_that_a_wrong_clock_dated_ahead_does_not_stand_for_the_nights_till_then(kept: Kept) -> None:
    kept.clock.now_us = NOON_US + 10 * 365 * 24 * HOUR_US
    async with running(kept) as (_, keeping):
        await soon(keeping, "one of the far future", lambda s: s.good_us == kept.clock.now_us and not s.running)
    for night in (0, 1):
        kept.clock.now_us = NOON_US + night * 24 * HOUR_US
        async with running(kept) as (_, keeping):
            await soon(keeping, f"night {night}'s", lambda s: s.good_us == kept.clock.now_us and not s.running)
    assert len(backups_in(kept.medium, STORE)) == 3


async def test_one_is_made_when_asked_for(kept: Kept) -> None:
    async with running(kept) as (_, keeping):
        await soon(keeping, "the first", lambda s: s.good_us and not s.running)
        kept.clock.now_us += 5 * SECOND_US
        keeping.back_up_soon()
        await soon(keeping, "another", lambda s: s.backups == 2 and s.good_us == kept.clock.now_us)


async def test_a_file_that_was_copied_back_by_hand_gets_a_backup_of_its_new_life(kept: Kept) -> None:
    async with running(kept) as (store, keeping):
        await soon(keeping, "the first", lambda s: s.good_us and not s.running)
        await decide(store, 1000)
        await soon(keeping, "it archived", lambda _: any((kept.medium / ARCHIVE).iterdir()))
    old = sqlite3.connect(kept.medium / backups_in(kept.medium, STORE)[0].path.name)
    new = sqlite3.connect(kept.path)
    old.backup(new)
    old.close()
    new.close()
    kept.clock.now_us += SECOND_US
    async with running(kept) as (_, keeping):
        await soon(keeping, "one of the new life", lambda s: s.backups == 2 and not s.running)
    lives = {each.manifest.life for each in backups_in(kept.medium, STORE)}
    assert len(lives) == 2
