"""A file that is not ours, not of our time, or in use is left as it is."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest

from hub.errors import BadInput, ContractBroken, TryAgain
from hub.store.engine import StoreDamaged
from hub.store.schema import REVISION
from hub.store.sql import Sql
from hub.store.store import HubStore
from tests.unit.hub_store.shop import (
    STORE,
    TEA,
    TEA_CODE,
    Clock,
    Station,
    assert_books_agree,
    fold_all,
    on_hand,
    shop,
)


def store_at(path: Path) -> HubStore:
    return HubStore(path, STORE, Clock())


async def test_a_file_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    async with store_at(path):
        pass
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {int(REVISION) + 1}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(BadInput) as refused:
        await store_at(path).__aenter__()
    assert refused.value.name == "newer-store"
    assert path.read_bytes() == before


async def test_somebody_elses_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (a)")
    connection.close()
    with pytest.raises(BadInput) as refused:
        await store_at(path).__aenter__()
    assert refused.value.name == "not-a-store"


async def test_a_file_that_is_no_database_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    path.write_bytes(b"no database, but long enough to be looked at" * 100)
    with pytest.raises(StoreDamaged):
        await store_at(path).__aenter__()


async def test_a_missing_directory_may_come_later(tmp_path: Path) -> None:
    store = store_at(tmp_path / "not" / "there" / "hub.db")
    with pytest.raises(TryAgain):
        await store.__aenter__()
    (tmp_path / "not" / "there").mkdir(parents=True)
    async with store:
        assert (await store.totals()).committed == 0


async def test_a_second_hub_waits_its_turn(tmp_path: Path) -> None:
    one, other = store_at(tmp_path / "hub.db"), store_at(tmp_path / "hub.db")
    async with one:
        with pytest.raises(TryAgain):
            await other.__aenter__()
        with pytest.raises(ContractBroken):
            await one.__aenter__()
        await one.journal.append([b"still here"])
    async with other:
        assert other.journal.view.head.seq == 1


async def test_closing_twice_is_harmless_and_nothing_works_then(tmp_path: Path) -> None:
    store = store_at(tmp_path / "hub.db")
    await store.aclose()
    async with store:
        await store.journal.append([b"x"])
    await store.aclose()
    await store.aclose()
    for call in (store.totals(), store.fold_some(1), store.commit([]), store.reader_state("s/a/stock")):
        with pytest.raises(ContractBroken):
            await call


async def test_the_same_store_can_be_opened_again(tmp_path: Path) -> None:
    store = store_at(tmp_path / "hub.db")
    for n in range(3):
        async with store:
            assert (await store.journal.append([b"x"])).seq == n + 1


async def test_a_full_disk_refuses_and_takes_it_later(tmp_path: Path) -> None:
    till, long = Station(), random.Random(1).randbytes(30_000).hex().encode()
    for _ in range(3000):
        till.scan(TEA_CODE, -1000)
    async with shop(tmp_path) as store:
        await till.tell(store)
        pages = await limit_pages(store, None)
        await limit_pages(store, pages + 2)
        with pytest.raises(TryAgain):
            await store.fold_some(4000)
        with pytest.raises(TryAgain):
            await store.journal.append([long])
        assert (await store.totals()).folded == 0
        assert store.journal.view.head.seq == 0
        await limit_pages(store, 1_000_000)
        await fold_all(store)
        assert (await store.journal.append([long])).seq == 1
        await fold_all(store)
        assert await on_hand(store) == {TEA: -3_000_000}
        await assert_books_agree(store)


async def limit_pages(store: HubStore, pages: int | None) -> int:
    """Let the file grow to so many pages at most, as a full disk would; give how many it has."""

    def job(connection: Sql) -> int:
        if pages is not None:
            connection.execute(f"PRAGMA max_page_count = {pages}")
        return int(connection.execute("PRAGMA page_count").fetchone()[0])

    return await store._database.write(job)
