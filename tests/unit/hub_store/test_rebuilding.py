"""Books held against the logs: what was falsified is found and named, and made right; the logs stay as they are."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from hub.errors import TryAgain
from hub.store.engine import StoreDamaged
from hub.store.restoring import Rebuilt, compare, rebuild
from hub.store.tables import KEPT, MADE, alembic_version
from protocol.chain import Chapter
from protocol.feed import decode_feed_entry
from protocol.feed_books import FeedBooks
from protocol.identity import Epoch
from tests.unit.hub_store.feeder import stations
from tests.unit.hub_store.kept import Kept, decide, feed_lines, journal_lines
from tests.unit.hub_store.shop import JAM, TEA, assert_books_agree, fold_all, on_hand, told_stock


@pytest.fixture
async def kept(tmp_path: Path) -> Kept:
    """A hub that two stations told their stories, with decisions; stopped."""
    kept = Kept(tmp_path)
    async with kept.open(archived=False) as (store, _):
        for station in stations():
            await station.tell(store, 80)
            await fold_all(store)
            await station.tell(store, 80)
        for n in range(1, 5):
            await decide(store, 1000 * n)
    return kept


async def made_anew(kept: Kept) -> Rebuilt:
    return await rebuild(kept.place, lambda _: None)


async def test_every_table_is_known_to_be_made_anew_or_to_stay(kept: Kept) -> None:
    """Who adds a table says which."""
    file = sqlite3.connect(kept.path)
    tables = {name for (name,) in file.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    file.close()
    assert {name for name in tables if not name.startswith("sqlite_")} == {
        *KEPT.tables,
        *MADE.tables,
        alembic_version.name,
    }


async def test_right_books_are_found_right_and_left_alone(kept: Kept) -> None:
    assert compare(kept.place, 0) == ()
    before = kept.path.stat().st_ino
    assert await made_anew(kept) == Rebuilt((), None)
    assert kept.path.stat().st_ino == before


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        (
            "UPDATE scope SET moved_milli = moved_milli + 9, on_hand_milli = on_hand_milli + 9 WHERE item = 'tea'",
            {("scope", "tea/store")},
        ),
        ("UPDATE scope SET shrink_milli = 7 WHERE item = 'jam'", {("scope", "jam/store")}),
        ("DELETE FROM page WHERE first = 1", {("entry", None)}),
        ("DELETE FROM entry WHERE kind = 0 AND seq % 3 = 1", {("entry", None)}),
        ("UPDATE count_figure SET moved_milli = moved_milli - 3000", {("count", None)}),
        ("DELETE FROM anchor WHERE 1", set()),
    ],
    ids=["stock", "a virtual place", "plain deltas gone", "other deltas gone", "counts", "anchors"],
)
async def test_a_fault_in_the_books_is_named_and_mended(
    kept: Kept, fault: str, named: set[tuple[str, str | None]]
) -> None:
    async with kept.open(archived=False) as (store, _):
        right, journal = await on_hand(store), await journal_lines(store)
        views = [store.journal.view, store.catalogue.view]
        states = [await store.reader_state(f"s/till-{n}/stock") for n in (1, 2)]
        held = {(each.epoch, each.seq) for each in (await store.quarantine()).rows}
    kept.sql(fault)
    found = {(each.what, each.key) for each in compare(kept.place, 0)}
    for what, key in named:
        assert any(each == (what, key) if key else each[0] == what for each in found), found
    done = await made_anew(kept)
    assert {(each.what, each.key) for each in done.differences} == found
    assert compare(kept.place, 0) == ()
    if found:
        assert done.aside is not None
        assert done.aside.exists()
    async with kept.open(archived=False) as (store, _):
        assert await on_hand(store) == right
        assert await journal_lines(store) == journal
        assert [store.journal.view, store.catalogue.view] == views
        assert [await store.reader_state(f"s/till-{n}/stock") for n in (1, 2)] == states
        assert {(each.epoch, each.seq) for each in (await store.quarantine()).rows} == held
        assert (await store.totals()).fold_lag == 0
        await assert_books_agree(store)


async def test_books_that_contradict_themselves_are_said_to_and_made_anew_anyway(kept: Kept) -> None:
    async with kept.open(archived=False) as (store, _):
        right = await on_hand(store)
    kept.sql("DELETE FROM count_figure WHERE 1")
    with pytest.raises(StoreDamaged, match="contradict"):
        compare(kept.place, 0)
    with pytest.raises(StoreDamaged, match="contradict"):
        await made_anew(kept)
    done = await rebuild(kept.place, lambda _: None, anyway=True)
    assert done.aside is not None
    async with kept.open(archived=False) as (store, _):
        assert await on_hand(store) == right
        await assert_books_agree(store)


async def test_head_office_that_was_told_wrong_is_told_right(kept: Kept) -> None:
    """What it holds of the feed so far is of the epoch before; the statements made anew win over it."""
    async with kept.open(archived=False) as (store, _):
        office = FeedBooks()
        feed = store.feed.view
        for line in await feed_lines(store):
            wrong = re.sub(rb'("qty_milli":|"store",)-1000', rb"\g<1>-9000", line)
            office.upsert(decode_feed_entry(wrong))
    kept.sql("UPDATE scope SET moved_milli = 0 WHERE item = 'tea'")
    await made_anew(kept)
    async with kept.open(archived=False) as (store, _):
        new = store.feed.view
        assert new.lineage[0] == feed.lineage[0]
        assert new.lineage[1].base == feed.head
        for line in await feed_lines(store):
            office.upsert(decode_feed_entry(line))
        stock = await on_hand(store)
        assert {item: milli for (item, _), milli in office.stock().items() if milli} == {
            item: milli for item, milli in stock.items() if milli
        }
        assert await told_stock(store, shuffle=3) == {item: office.on_hand(item, area) for item, area in office.stock()}


async def test_entries_not_booked_yet_are_waited_for_and_then_said(kept: Kept) -> None:
    async with kept.open(archived=False) as (store, _):
        assert compare(kept.place, 0) == ()
        station = stations()[0]
        station.name, station.epoch = "late", Epoch(1, 99)
        await station.tell(store)
        with pytest.raises(TryAgain, match="600 entries"):
            compare(kept.place, 0.3)
        with pytest.raises(TryAgain, match="in use"):
            await made_anew(kept)
    assert kept.path.exists()


async def test_a_carried_journal_is_made_anew_too(kept: Kept) -> None:
    async with kept.open(archived=False) as (store, _):
        head = store.journal.view.head
        await store.journal.open_epoch(Chapter(Epoch(2, 5), head, head.seq))
        await decide(store, 500)
        right = await on_hand(store)
    kept.sql("UPDATE scope SET on_hand_milli = 1, moved_milli = 1 WHERE item IN (?, ?)", TEA, JAM)
    assert (await made_anew(kept)).differences
    async with kept.open(archived=False) as (store, _):
        assert await on_hand(store) == right
        await assert_books_agree(store)
