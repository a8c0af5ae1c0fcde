"""A backup is whole, of one moment, checked and named only then; the hub commits on meanwhile."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sqlite3
import threading
from pathlib import Path

import pytest

from hub.errors import BadInput, TryAgain
from hub.store.backing_up import take_backup
from hub.store.copying import Cancelled
from hub.store.engine import StoreDamaged
from hub.store.manifest import backups_in, manifest_path, prune, read_manifest
from hub.store.seats import FileSeat
from tests.unit.hub_store.kept import Kept, decide
from tests.unit.hub_store.shop import NOON_US, SECOND_US, STORE, TEA, TEA_CODE, Station, on_hand, shop


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


async def test_it_is_the_file_of_one_moment_with_a_manifest_that_says_so(kept: Kept) -> None:
    till = Station()
    till.scan(TEA_CODE)
    async with kept.open() as (store, archive):
        await till.tell(store)
        await decide(store, 5000)
        backup, manifest = kept.back_up("b.db", archive)
        await decide(store, 7000)
        life = await store.keeping.life()
    assert manifest == read_manifest(backup)
    assert manifest.sha256 == hashlib.sha256(backup.read_bytes()).hexdigest()
    assert (manifest.bytes, manifest.at_us, manifest.life) == (backup.stat().st_size, NOON_US, life)
    at = {each.log: (each.seq, each.digest) for each in manifest.positions}
    assert at["s/till-1/stock"] == (1, till.position(1).digest.hex())
    assert (at["journal"][0], at["catalogue"][0]) == (1, 4)
    (kept.medium / "other").mkdir()
    os.link(backup, kept.medium / "other" / "hub.db")
    async with shop(kept.medium / "other") as store:
        assert await on_hand(store) == {TEA: 4000}


async def test_the_hub_commits_while_it_is_made_and_what_it_commits_is_not_in_it(kept: Kept) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def cancelled() -> bool:
        begun.set()
        return not go_on.wait(20)

    async with kept.open() as (store, _):
        await decide(store, 5000)
        to = kept.medium / "b.db"
        making = asyncio.create_task(
            asyncio.to_thread(take_backup, FileSeat(kept.path), to, STORE, kept.clock, cancelled=cancelled)
        )
        assert await asyncio.to_thread(begun.wait, 20)
        for _ in range(20):
            await decide(store, 1)
        go_on.set()
        manifest = await making
        assert store.journal.view.head.seq == 21
    assert [each.seq for each in manifest.positions if each.log == "journal"] == [1]
    assert (await kept.restore(to, archived=False)).entries == 0
    async with kept.open(archived=False) as (store, _):
        assert await on_hand(store) == {TEA: 5000}


async def test_without_its_folder_without_a_store_and_over_another_there_is_none(kept: Kept) -> None:
    with pytest.raises(BadInput, match="no-store"):
        kept.back_up("b.db")
    sqlite3.connect(kept.path).close()
    with pytest.raises(BadInput, match="not-a-store"):
        kept.back_up("b.db")
    async with kept.open(archived=False):
        pass
    (kept.medium / "b.db").write_text("mine")
    with pytest.raises(BadInput, match="backup-exists"):
        kept.back_up("b.db")
    assert (kept.medium / "b.db").read_text() == "mine"
    kept.medium.rename(kept.medium.with_name("pulled-out"))
    with pytest.raises(TryAgain):
        kept.back_up("c.db")
    assert not kept.medium.exists()


@pytest.mark.needs_root
async def test_a_full_disk_leaves_no_half_of_one(kept: Kept, small_disk: Path) -> None:
    async with kept.open() as (store, _):
        await decide(store, 5000)
    with pytest.raises(TryAgain, match="no room"):
        take_backup(FileSeat(kept.path), small_disk / "b.db", STORE, kept.clock)
    assert os.listdir(small_disk) == []


async def test_one_that_is_told_to_stop_and_one_of_a_damaged_file_leave_nothing(kept: Kept) -> None:
    async with kept.open() as (store, _):
        await decide(store, 5000)
    with pytest.raises(Cancelled):
        take_backup(FileSeat(kept.path), kept.medium / "b.db", STORE, kept.clock, cancelled=lambda: True)
    data = bytearray(kept.path.read_bytes())
    page = kept.path.stat().st_size // 4096 // 2 * 4096
    data[page : page + 4096] = b"\xff" * 4096
    kept.path.write_bytes(data)
    with pytest.raises(StoreDamaged):
        kept.back_up("c.db")
    assert [each.name for each in kept.medium.iterdir()] == ["archive"]


async def test_the_newest_are_kept_and_rubbish_goes(kept: Kept) -> None:
    async with kept.open() as (store, archive):
        await decide(store, 1000)
        for hour in range(5):
            kept.clock.now_us = NOON_US + hour * 3600 * SECOND_US
            kept.back_up(f"corner-2026112{hour}T030000Z.db", archive)
            if not hour:
                kept.back_up("before-stocktaking.db", archive)
    rubbish = kept.medium / "corner-20261101T030000Z.db.json"
    unfinished = kept.medium / "corner-20261102T030000Z.db.part"
    theirs = kept.medium / "holiday.db"
    for path in (rubbish, unfinished, theirs):
        path.write_bytes(b"x")
        os.utime(path, (1, 1))
    young = kept.medium / "corner-20261125T030000Z.db.part"
    young.write_bytes(b"x")
    manifest_path(kept.medium / "corner-20261120T030000Z.db").write_bytes(b"{")
    left = prune(kept.medium, STORE, 2)
    assert [each.path.name for each in left] == ["corner-20261123T030000Z.db", "corner-20261124T030000Z.db"]
    named, *nightly = backups_in(kept.medium, STORE)
    assert (named.path.name, tuple(nightly)) == ("before-stocktaking.db", left)
    assert not rubbish.exists()
    assert not unfinished.exists()
    assert theirs.exists()
    assert young.exists()
