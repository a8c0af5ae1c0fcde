"""Files that older releases wrote: opened, and their books made anew.

`schema-1.db.zst` was written by the release before pages: what `feeder.stations` say, and four decisions.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import zstandard

from hub.errors import BadInput
from hub.store.price_history import PriceRow
from hub.store.restoring import Place, compare
from hub.store.seats import FileSeat
from hub.store.store import HubStore
from protocol.catalogue import Price, PriceKind
from protocol.decisions import Adjustment
from protocol.events import Reason, encode_entry
from protocol.feed import decode_feed_entry
from protocol.feed_books import FeedBooks
from protocol.variable_measure import PLAIN
from tests.unit.hub_store.feeder import stations
from tests.unit.hub_store.shop import NOON_US, STORE, TEA, Clock, assert_books_agree, feed_lines, fold_all, on_hand

SCHEMA_1 = Path(__file__).with_name("schema-1.db.zst")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "hub.db"
    path.write_bytes(zstandard.ZstdDecompressor().decompress(SCHEMA_1.read_bytes()))
    return path


def figures(path: Path) -> dict[str, int]:
    with closing(sqlite3.connect(path)) as connection:
        return dict(connection.execute("SELECT item, on_hand_milli FROM scope WHERE item <> ''"))


async def test_a_file_of_the_release_before_is_opened_and_its_books_are_the_same(old: Path) -> None:
    said = figures(old)
    async with HubStore(old, STORE, Clock()) as store:
        totals = await store.totals()
        assert (totals.folded, totals.fold_lag) == (0, totals.committed)
        await fold_all(store)
        assert await on_hand(store) == said
        assert (await store.totals()).movements == 292
        await assert_books_agree(store)
        # It goes on where it stood.
        for station in stations():
            station.told = 160
            await station.tell(store)
        await fold_all(store)
        await assert_books_agree(store)


async def test_head_office_follows_into_the_new_books(old: Path) -> None:
    async with HubStore(old, STORE, Clock()) as store:
        before = store.feed.view
        assert len(before.lineage) == 2, "all is told again, in an epoch of its own"
        await fold_all(store)
        office = FeedBooks()
        for line in await feed_lines(store):
            office.upsert(decode_feed_entry(line))
        assert {item: milli for (item, _), milli in office.stock().items() if milli} == await on_hand(store)
    async with HubStore(old, STORE, Clock()) as store:
        assert store.feed.view.lineage == before.lineage, "once is enough"
        assert (await store.totals()).fold_lag == 0


async def test_a_file_not_yet_brought_up_to_date_cannot_be_compared(old: Path) -> None:
    with pytest.raises(BadInput, match="makes its books anew") as refused:
        compare(Place(FileSeat(old), STORE, PLAIN, lambda: NOON_US), 0)
    assert refused.value.name == "older-store"
    with closing(sqlite3.connect(old)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == 1


def without(path: Path, *tables: str) -> None:
    """Make a file such as was written before there were these tables, and migrations."""
    with closing(sqlite3.connect(path)) as file:
        for table in (*tables, "alembic_version"):
            file.execute(f"DROP TABLE {table}")
        file.execute("PRAGMA user_version = 2")


async def test_a_file_from_before_keys_were_remembered_has_them_from_its_journal(tmp_path: Path) -> None:
    clock = Clock()
    old = Adjustment(clock(), "tea", "store", 1000, Reason.ADJUSTMENT, None, "ann", "found", "old")
    async with HubStore(tmp_path / "hub.db", STORE, clock) as store:
        await store.journal.append([encode_entry(old)])
    without(tmp_path / "hub.db", "decided")
    async with HubStore(tmp_path / "hub.db", STORE, clock) as store:
        assert (await store.decide(old))[1] is True


async def test_a_file_from_before_prices_were_recorded_knows_its_own_since_ever(tmp_path: Path) -> None:
    clock = Clock()
    old, new = (Price("tea", "regular", PriceKind.REGULAR, minor, "EUR") for minor in (129, 139))
    async with HubStore(tmp_path / "hub.db", STORE, clock) as store:
        await store.apply_catalogue([old])
    without(tmp_path / "hub.db", "price_history", "catalogue_held")
    async with HubStore(tmp_path / "hub.db", STORE, clock) as store:
        await store.apply_catalogue([new])
        assert await store.price_history(TEA) == (
            PriceRow(new, NOON_US, None),
            PriceRow(old, 0, NOON_US),
        )
        assert (await store.price_at(TEA, None, NOON_US - 1, 1000)).live == old
