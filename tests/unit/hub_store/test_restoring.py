"""A lost file comes back: the backup, then what was archived after it, then what stations bring; nothing twice.

Beyond 300 lines because it is one loss after the other of the same file.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from hub.errors import BadInput, TryAgain
from hub.store.archive import ARCHIVE
from hub.store.engine import StoreDamaged
from hub.store.manifest import manifest_path
from hub.store.store import HubStore
from protocol.catalogue import CodeLink, Item
from protocol.chain import Chapter, Position
from protocol.decisions import BasketEnded, BasketFate, TransferLine, TransferSaid, TransferStep
from protocol.feed import decode_feed_entry
from protocol.feed_books import FeedBooks
from protocol.feed_documents import FeedDocuments, Phase
from protocol.identity import Epoch, ItemId
from protocol.replication.ports import Loss
from tests.unit.hub_store.kept import Kept, decide, feed_lines, journal_lines, tell_all
from tests.unit.hub_store.shop import (
    JAM_CODE,
    NEW_CODE,
    NOON_US,
    SECOND_US,
    TEA,
    TEA_CODE,
    Station,
    assert_books_agree,
    fold_all,
    key,
    on_hand,
)
from tests.unit.hub_store.test_baskets import Till

NEW = ItemId("coffee")


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


async def test_the_archive_brings_back_what_was_committed_after_the_backup(kept: Kept) -> None:
    till, bay = Station(), Station("bay", Epoch(1, 9))
    for _ in range(30):
        till.scan(TEA_CODE)
        bay.scan(JAM_CODE, 2000)
    till.count(TEA_CODE, 11_000)
    till.scan(NEW_CODE)
    async with kept.open() as (store, archive):
        await till.tell(store, 10)
        await decide(store, 5000)
        backup, _ = kept.back_up("b.db", archive)
        await till.tell(store, 5)
        await decide(store, 7000)
        await tell_all(archive)
        lost = till.commit(12)
        await store.commit([lost.__class__(lost.log, lost.chunks, lost.state, (Loss(till.epoch, 90, 95),))])
        await bay.tell(store)
        await store.apply_catalogue([Item(NEW, "Coffee"), CodeLink(key(NEW_CODE), NEW)])
        await till.tell(store)
        await decide(store, 500)
        whole, journal = await on_hand(store), await journal_lines(store)
        prices, at = await store.catalogue_hash(), await store.reader_state("s/till-1/stock")
        losses = (await store.losses()).rows
    kept.path.unlink()

    done = await kept.restore(backup)
    assert (done.aside, done.gap) == (None, "")
    async with kept.open() as (store, _):
        assert await on_hand(store) == whole
        assert await journal_lines(store) == journal
        assert await store.catalogue_hash() == prices
        assert await store.reader_state("s/till-1/stock") == at
        assert [each.first for each in (await store.losses()).rows] == [each.first for each in losses] == [90]
        await assert_books_agree(store)


async def test_what_the_archive_does_not_hold_the_stations_bring_again(kept: Kept) -> None:
    till = Station()
    for _ in range(20):
        till.scan(TEA_CODE)
    async with kept.open(archived=False) as (store, _):
        await till.tell(store, 8)
        backup, _ = kept.back_up("b.db")
        await till.tell(store)
        await fold_all(store)
        whole = await on_hand(store)
    await kept.restore(backup)
    async with kept.open() as (store, _):
        at = (await store.reader_state("s/till-1/stock")).at
        assert at == till.position(8)
        till.told = 8
        await till.tell(store)
        await fold_all(store)
        assert await on_hand(store) == whole
        await assert_books_agree(store)


async def test_until_a_moment_leaves_out_what_was_decided_later_and_says_as_of_when_it_is(kept: Kept) -> None:
    async with kept.open() as (store, archive):
        await decide(store, 1000)
        backup, _ = kept.back_up("b.db", archive)
        for minute in (1, 2, 3):
            kept.clock.now_us = NOON_US + minute * 60 * SECOND_US
            await decide(store, 10_000 * minute)
            await tell_all(archive)
        office = FeedBooks()
        for line in await feed_lines(store):
            office.upsert(decode_feed_entry(line))
    with pytest.raises(BadInput, match="older"):
        await kept.restore(backup, NOON_US - 1)
    done = await kept.restore(backup, NOON_US + 150 * SECOND_US)
    assert (done.as_of_us, done.entries) == (NOON_US + 120 * SECOND_US, 2)
    async with kept.open() as (store, _):
        assert await on_hand(store) == {TEA: 31_000}
        # Head office, that heard of what came later, is told that it counts no more.
        for line in await feed_lines(store):
            office.upsert(decode_feed_entry(line))
        assert {item: milli for (item, _), milli in office.stock().items() if milli} == {TEA: 31_000}
        await assert_books_agree(store)
    # What was left out is still on the medium, and the old file beside the new one.
    again = await kept.restore(backup)
    assert (again.as_of_us, again.entries) == (NOON_US + 180 * SECOND_US, 3)
    assert done.aside is not None
    assert done.aside.exists()
    assert again.aside not in (None, done.aside)


def drafted(document: str) -> TransferSaid:
    lines = (TransferLine(TEA, 5000),)
    return TransferSaid(
        NOON_US, document, TransferStep.DRAFT, "corner", "store", "high-street", "store", lines, "ann", "more"
    )


async def test_until_a_moment_leaves_no_draft_of_a_transfer_behind_at_head_office(kept: Kept) -> None:
    async with kept.open() as (store, archive):
        await store.say_transfer(drafted("TR-1"))
        backup, _ = kept.back_up("b.db", archive)
        kept.clock.now_us = NOON_US + 60 * SECOND_US
        await store.say_transfer(drafted("TR-2"))
        await fold_all(store)
        office = FeedDocuments()
        await hear(office, store)
    assert phases(office) == [Phase.DRAFT, Phase.DRAFT]
    await kept.restore(backup, NOON_US + 30 * SECOND_US)
    async with kept.open() as (store, _):
        assert [each.document for each in (await store.transfers()).transfers] == ["TR-1"]
        await hear(office, store)
        assert phases(office) == [Phase.DRAFT, Phase.WITHDRAWN]
        known = office.transfer("TR-2")
        assert known is not None
        assert (known.from_store, known.to_store, known.drafted_us, known.rows) == ("corner", "high-street", None, ())
        # Books made anew have nothing more to say of it, and it may be drafted once more.
        await store.keeping.unfold()
        await fold_all(store)
        await hear(office, store)
        assert phases(office) == [Phase.DRAFT, Phase.WITHDRAWN]
        await store.say_transfer(drafted("TR-2"))
        await fold_all(store)
        await hear(office, store)
        assert phases(office) == [Phase.DRAFT, Phase.DRAFT]
    # With all that was archived there is nothing to take back.
    await kept.restore(backup)
    async with kept.open() as (store, _):
        await hear(office, store)
        assert phases(office) == [Phase.DRAFT, Phase.DRAFT]


async def hear(office: FeedDocuments, store: HubStore) -> None:
    for line in await feed_lines(store):
        office.take(decode_feed_entry(line))


def phases(office: FeedDocuments) -> list[Phase | None]:
    told = [office.transfer(document) for document in ("TR-1", "TR-2")]
    return [None if each is None else each.phase for each in told]


async def test_a_basket_that_a_person_ended_stays_ended_until_whatever_moment(kept: Kept) -> None:
    till = Till()
    till.anchor()
    till.open()
    till.put_in()
    async with kept.open() as (store, archive):
        await till.tell(store)
        await fold_all(store)
        backup, _ = kept.back_up("b.db", archive)
        kept.clock.now_us = NOON_US + 60 * SECOND_US
        said = BasketEnded(kept.clock.now_us, str(till.id(2)), BasketFate.UNKNOWN, "ann", "burnt out")
        await store.decide(said)
        await fold_all(store)
        ended, books = await store.baskets(), await on_hand(store)
        office = FeedBooks()
        for line in await feed_lines(store):
            office.upsert(decode_feed_entry(line))
    for until_us in (None, NOON_US + 30 * SECOND_US):
        await kept.restore(backup, until_us)
        async with kept.open() as (store, _):
            assert (await store.baskets(), await on_hand(store)) == (ended, books)
            await assert_books_agree(store)
            for line in await feed_lines(store):
                office.upsert(decode_feed_entry(line))
            assert {item: milli for (item, _), milli in office.stock().items() if milli} == {TEA: -1000}


async def test_what_was_decided_before_the_moment_and_archived_after_it_is_not_taken_back(kept: Kept) -> None:
    async with kept.open() as (store, archive):
        await decide(store, 1000)
        backup, _ = kept.back_up("b.db", archive)
        kept.clock.now_us = NOON_US + 60 * SECOND_US
        await tell_all(archive)
        await decide(store, 2000)
        office = FeedBooks()
        for line in await feed_lines(store):
            office.upsert(decode_feed_entry(line))
    await kept.restore(backup, NOON_US + 30 * SECOND_US)
    async with kept.open(archived=False) as (store, _):
        assert await on_hand(store) == {TEA: 1000}
        for line in await feed_lines(store):
            office.upsert(decode_feed_entry(line))
        assert {item: milli for (item, _), milli in office.stock().items() if milli} == {TEA: 1000}


async def test_a_restored_file_begins_epochs_of_its_own_and_a_life_whose_archive_is_another(kept: Kept) -> None:
    async with kept.open() as (store, archive):
        await decide(store, 1000)
        backup, manifest = kept.back_up("b.db", archive)
        before = {log: log_view.view.head for log, log_view in (("j", store.journal), ("f", store.feed))}
        await decide(store, 2000)
    await kept.restore(backup, archived=False)
    async with kept.open() as (store, archive):
        assert await store.keeping.life() != manifest.life
        for log, own in (("j", store.journal), ("f", store.feed), ("c", store.catalogue)):
            assert own.view.head.epoch.generation == 2, log
        assert store.journal.view.lineage[1].base == before["j"]
        await decide(store, 4000)
        await tell_all(archive)
        second, _ = kept.back_up("c.db", archive)
        await decide(store, 8000)
    # Each backup is followed by its own life's archive only.
    kept.path.unlink()
    assert (await kept.restore(backup)).entries == 1
    async with kept.open(archived=False) as (store, _):
        assert await on_hand(store) == {TEA: 3000}
    assert (await kept.restore(second)).entries == 1
    async with kept.open(archived=False) as (store, _):
        assert await on_hand(store) == {TEA: 13_000}


async def test_an_epoch_that_a_log_began_meanwhile_is_begun_again(kept: Kept) -> None:
    """Head office held another continuation of the journal, and the hub carried its own on."""
    async with kept.open() as (store, archive):
        await decide(store, 1000)
        await decide(store, 2000)
        backup, _ = kept.back_up("b.db", archive)
        await decide(store, 4000)
        await tell_all(archive)
        head = store.journal.view.head
        base = (await store.journal.digests(head.epoch, [1]))[1]
        assert base is not None
        await store.journal.open_epoch(Chapter(Epoch(2, 77), Position(head.epoch, 1, base), 1))
        await fold_all(store)
        await decide(store, 8000)
        whole, journal = await on_hand(store), await journal_lines(store)
        view = store.journal.view
    kept.path.unlink()
    await kept.restore(backup)
    async with kept.open() as (store, _):
        assert await on_hand(store) == whole == {TEA: 15_000}
        assert await journal_lines(store) == journal
        assert [chapter.epoch for chapter in store.journal.view.lineage[:2]] == [c.epoch for c in view.lineage]
        await assert_books_agree(store)


async def test_a_copy_put_in_place_by_hand_begins_another_archive(kept: Kept) -> None:
    async with kept.open() as (store, archive):
        await decide(store, 1000)
        first = archive.life
    shutil.copy(kept.path, kept.path.with_name("copy.db"))
    async with kept.open() as (store, archive):
        assert archive.life == first
        await decide(store, 2000)
    shutil.move(kept.path.with_name("copy.db"), kept.path)
    async with kept.open() as (store, archive):
        assert archive.life not in (None, first)
        await decide(store, 4000)
    async with kept.open() as (_, archive):
        assert archive.life not in (None, first)


async def test_a_record_torn_by_a_power_cut_costs_nothing_that_was_synced(kept: Kept) -> None:
    async with kept.open() as (store, archive):
        backup, _ = kept.back_up("b.db", archive)
        await decide(store, 1000)
    (segment,) = (kept.medium / ARCHIVE).iterdir()
    with segment.open("ab") as file:
        file.write(b"\x00\x00\x01\x00half a record")
    async with kept.open() as (store, archive):
        await decide(store, 2000)
    assert len(list((kept.medium / ARCHIVE).iterdir())) == 2
    done = await kept.restore(backup)
    assert (done.entries, done.gap) == (2, "")


async def test_a_segment_that_is_missing_or_changed_ends_the_archive_and_is_told(kept: Kept) -> None:
    async with kept.open() as (store, archive):
        backup, _ = kept.back_up("b.db", archive)
        for n in (1, 2, 3):
            await decide(store, 1000 * n)
            await tell_all(archive)
            await archive.turn()
    segments = sorted((kept.medium / ARCHIVE).iterdir())
    assert len(segments) == 3
    segments[1].rename(kept.medium / "elsewhere")
    done = await kept.restore(backup)
    assert done.entries == 1
    assert segments[2].name in done.gap
    (kept.medium / "elsewhere").rename(segments[1])
    data = bytearray(segments[0].read_bytes())
    data[-1] ^= 1
    segments[0].write_bytes(data)
    done = await kept.restore(backup)
    assert (done.entries, bool(done.gap)) == (0, True)


async def test_segments_that_no_backup_needs_are_removed(kept: Kept) -> None:
    async with kept.open() as (store, archive):
        for n in (1, 2, 3):
            await decide(store, 1000 * n)
            await tell_all(archive)
            await archive.turn()
        backup, manifest = kept.back_up("b.db", archive)
        assert manifest.life is not None
        assert manifest.segment == 4
        await decide(store, 4000)
        await tell_all(archive)
        await archive.prune({manifest.life: manifest.segment})
        assert [each.name[-14:] for each in (kept.medium / ARCHIVE).iterdir()] == ["000004.archive"]
        whole = await on_hand(store)
    kept.path.unlink()
    await kept.restore(backup)
    async with kept.open() as (store, _):
        assert await on_hand(store) == whole


async def test_an_old_backup_whose_archive_was_removed_is_told_of_the_later_one(kept: Kept) -> None:
    async with kept.open() as (store, archive):
        await decide(store, 1000)
        await tell_all(archive)
        old, _ = kept.back_up("somebodys.db", archive)
        await decide(store, 2000)
        await tell_all(archive)
        await archive.turn()
        later, manifest = kept.back_up("corner-20261121T023000Z.db", archive)
        assert manifest.life is not None
        assert manifest.segment is not None
        await archive.prune({manifest.life: manifest.segment})
    done = await kept.restore(old)
    assert (done.entries, str(later) in done.gap) == (0, True)
    assert (await kept.restore(later)).gap == ""


async def test_a_backup_made_before_the_archive_was_begun_is_not_taken_for_all_there_is(kept: Kept) -> None:
    async with kept.open(archived=False) as (store, _):
        await decide(store, 1000)
        backup, manifest = kept.back_up("b.db")
        assert manifest.life is None
    assert (await kept.restore(backup)).gap == ""
    async with kept.open() as (store, archive):
        await decide(store, 2000)
        await tell_all(archive)
    done = await kept.restore(backup)
    assert (done.entries, "before its archive was begun" in done.gap) == (0, True)
    manifest_path(backup).unlink()
    assert "no manifest" in (await kept.restore(backup)).gap


@pytest.mark.needs_root
async def test_a_file_that_root_puts_back_is_the_hubs_to_write(kept: Kept) -> None:
    async with kept.open() as (store, archive):
        await decide(store, 1000)
        backup, _ = kept.back_up("b.db", archive)
    os.chown(kept.path.parent, 4321, 4322)
    kept.path.with_name("hub.db-lock").unlink()
    await kept.restore(backup)
    for path in (kept.path, kept.path.with_name("hub.db-lock")):
        assert (os.stat(path).st_uid, os.stat(path).st_gid) == (4321, 4322)


async def test_an_archive_that_is_not_there_or_another_is_told(kept: Kept) -> None:
    async with kept.open() as (store, archive):
        await decide(store, 1000)
        backup, _ = kept.back_up("b.db", archive)
        await decide(store, 2000)
    assert "no [backup]" in (await kept.restore(backup, archived=False)).gap
    os.rename(kept.medium / ARCHIVE, kept.medium / "elsewhere")
    done = await kept.restore(backup)
    assert (done.entries, str(kept.medium / ARCHIVE) in done.gap) == (0, True)
    async with kept.open(archived=False) as (store, _):
        assert await on_hand(store) == {TEA: 1000}


async def test_what_is_no_backup_of_this_store_leaves_the_file_as_it_is(kept: Kept, tmp_path: Path) -> None:
    async with kept.open() as (store, archive):
        await decide(store, 1000)
        backup, _ = kept.back_up("b.db", archive)
        with pytest.raises(TryAgain, match="in use"):
            await kept.restore(backup)
    before = kept.path.read_bytes()
    with pytest.raises(BadInput, match="no file"):
        await kept.restore(tmp_path / "none.db")
    manifest = manifest_path(backup)
    good = manifest.read_bytes()
    manifest.write_bytes(good.replace(b'"corner"', b'"mall"'))
    with pytest.raises(BadInput, match="mall"):
        await kept.restore(backup)
    manifest.write_bytes(good)
    data = bytearray(backup.read_bytes())
    data[5000] ^= 1
    backup.write_bytes(data)
    with pytest.raises(BadInput, match="manifest"):
        await kept.restore(backup)
    manifest.unlink()
    backup.write_bytes(b"SQLite format 3\x00" + b"\xff" * 8000)
    with pytest.raises(StoreDamaged):
        await kept.restore(backup)
    assert kept.path.read_bytes() == before
    assert sorted(each.name for each in kept.path.parent.iterdir()) == ["hub.db", "hub.db-lock"]
