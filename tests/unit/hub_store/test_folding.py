"""What the store's fold makes of what stations, people and head office say, one story a test."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from hub.errors import BadInput
from hub.ledger.entries import Kind, Status
from hub.store import folding
from hub.store.reader_logs import Flagged, LogCommit, station_log
from protocol.catalogue import CodeLink
from protocol.events import CountReading, Reason
from protocol.feed import FeedStatus
from protocol.identity import EntryId, StationId
from protocol.replication.ports import ReaderState
from protocol.topics import Stream
from tests.unit.hub_store.shop import (
    AREA,
    BOTH_ENGINES,
    HOUR_US,
    JAM,
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
    shop,
    told,
    told_stock,
)

pytestmark = BOTH_ENGINES


async def test_a_delivery_a_sale_and_a_count(tmp_path: Path) -> None:
    till = Station()
    till.scan(TEA_CODE, 10_000, Reason.RECEIPT)
    till.scan(TEA_CODE, -1000)
    till.count(TEA_CODE, 8_000, after_s=5 * 3600)
    till.scan(TEA_CODE, -2000, after_s=3600)
    async with shop(tmp_path) as store:
        await till.tell(store)
        progress = await store.fold_some(1000)
        assert (progress.entries, progress.movements, progress.quarantined, progress.lag) == (4, 4, 0, 0)
        row = (await store.stock_of(TEA)).rows[0]
        assert (row.area, row.on_hand_milli, row.lo_milli, row.hi_milli) == (AREA, 6_000, 6_000, 6_000)
        assert not row.unanchored
        assert not row.negative
        page = await store.timeline(TEA)
        assert [(e.kind, e.status, e.qty_milli, e.variance_milli) for e in page.entries] == [
            (Kind.DELTA, Status.APPLIED, -2000, None),
            (Kind.COUNT, Status.APPLIED, 8000, -1000),
            (Kind.DELTA, Status.ABSORBED, -1000, None),
            (Kind.DELTA, Status.ABSORBED, 10_000, None),
        ]
        await assert_books_agree(store)


async def test_an_undo_takes_back_and_is_told_as_a_revision(tmp_path: Path) -> None:
    till = Station()
    sold = till.scan(TEA_CODE, -3000)
    undo = till.undo(sold)
    async with shop(tmp_path) as store:
        await till.tell(store, 1)
        await fold_all(store)
        assert await on_hand(store) == {TEA: -3000}
        await till.tell(store)
        await fold_all(store)
        assert await on_hand(store) == {TEA: 0}
        said = await told(store)
        assert [(d.entry, d.status) for d in said] == [
            (str(till.id(sold)), FeedStatus.STANDS),
            (str(till.id(sold)), FeedStatus.REVERSED),
        ]
        assert said[0].revision < said[1].revision
        entries = (await store.timeline(TEA)).entries
        assert {(e.entry.seq, e.reversed_by, e.reverses) for e in entries} == {
            (sold, till.id(undo), None),
            (undo, None, till.id(sold)),
        }
        await assert_books_agree(store)


async def test_an_unknown_code_waits_for_its_link(tmp_path: Path) -> None:
    till = Station()
    till.scan(NEW_CODE, -2000)
    undone = till.scan(NEW_CODE, -1000)
    till.undo(undone)
    till.count(NEW_CODE, 7_000)
    till.scan(NEW_CODE, -500, after_s=3600)
    async with shop(tmp_path) as store:
        await till.tell(store)
        progress = await store.fold_some(1000)
        assert progress.quarantined == 4
        held = (await store.quarantine()).rows
        assert {(q.reason, q.detail, q.seq) for q in held} == {("unknown-item", key(NEW_CODE), n) for n in (1, 2, 4, 5)}
        assert {q.body for q in held} == {till.lines[n - 1] for n in (1, 2, 4, 5)}
        assert await on_hand(store) == {}
        assert await told_stock(store) == {}
        assert {e.status for e in await store.recent_events()} == {Status.QUARANTINED}

        await store.apply_catalogue([CodeLink(key(NEW_CODE), JAM)])
        await fold_all(store)
        assert await on_hand(store) == {JAM: 6_500}
        assert (await store.quarantine()).rows == ()
        await assert_books_agree(store)


async def test_a_link_with_a_pack_factor_counts_pieces(tmp_path: Path) -> None:
    till = Station()
    till.scan(NEW_CODE, 2000, Reason.RECEIPT)
    async with shop(tmp_path, [CodeLink(key(NEW_CODE), JAM, factor_milli=12_000)]) as store:
        await till.tell(store)
        await fold_all(store)
        assert await on_hand(store) == {JAM: 24_000}


async def test_a_code_that_was_given_to_another_item_means_each_in_its_time(tmp_path: Path) -> None:
    till = Station()
    till.scan(TEA_CODE, -1000, after_s=3600)
    till.scan(TEA_CODE, -1000, after_s=3600)
    till.count(TEA_CODE, 20_000, after_s=3600)
    async with shop(tmp_path) as store:
        await till.tell(store)
        await fold_all(store)
        assert await on_hand(store) == {TEA: 20_000}
        changed_us = NOON_US + HOUR_US + HOUR_US // 2
        await store.apply_catalogue(
            [
                CodeLink(key(TEA_CODE), TEA, valid_to_us=changed_us),
                CodeLink(key(TEA_CODE), JAM, valid_from_us=changed_us),
            ]
        )
        await fold_all(store)
        assert await on_hand(store) == {TEA: -1000, JAM: 20_000}
        await assert_books_agree(store)


async def test_a_link_taken_away_puts_its_entries_in_quarantine(tmp_path: Path) -> None:
    till = Station()
    till.scan(TEA_CODE, -1000)
    till.scan(JAM_CODE, -1000, after_s=7200)
    till.scan(TEA_CODE, -1000)
    async with shop(tmp_path) as store:
        await till.tell(store)
        await fold_all(store)
        await store.apply_catalogue([CodeLink(key(TEA_CODE), TEA, valid_to_us=NOON_US + HOUR_US)])
        await fold_all(store)
        assert await on_hand(store) == {TEA: -1000, JAM: -1000}
        assert [(q.seq, q.reason) for q in (await store.quarantine()).rows] == [(3, "unknown-item")]
        await assert_books_agree(store)
        # Opened again, the entry is released and the quarantine keeps the story.
        await store.apply_catalogue([CodeLink(key(TEA_CODE), TEA)])
        await fold_all(store)
        assert await on_hand(store) == {TEA: -2000, JAM: -1000}
        assert (await store.quarantine()).rows == ()
        await assert_books_agree(store)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"\xff\xfe garbage", "bad-entry"),
        (b"", "bad-entry"),
        (b'["d"]', "bad-entry"),
        (b'["z",1,2]', "bad-entry"),
        (b'["d",["b",-1,1,true],"s","4000000000013","]E0",-1000,"sale","shop"]', "bad-entry"),
        (b'["d",["b",1,99999999999999999,true],"s","4000000000013","]E0",-1000,"sale","shop"]', "bad-entry"),
        (b'["d",["b",1,1,true],"s","4000000000013","]E0",9999999999999,"sale","shop"]', "bad-entry"),
        (b'["d",["b",1,1,true],"s","4000000000014","]E0",-1000,"sale","shop"]', "check-digit"),
        (b'["d",["b",1,1,true],"s","",null,-1000,"sale","shop"]', "empty-code"),
        (b'["d",["b",1,1,true],"s","4000000000013","]E0",-1000,"theft","shop"]', "bad-entry"),
        (b'["r",["b",1,1,true],"s","no epoch",1]', "bad-epoch"),
        (b'["d",["b",1,1,true],"s","4000000000013","]E0",-1000,"sale","' + b"x" * 60_000 + b'"]', "bad-entry"),
        (b'["c",["b",1,1,true],0,"s","4000000000013",-1,"shop","c"]', "bad-entry"),
        (b'["a","b",18446744073709551615,1,1]', "bad-entry"),
        (b'["r",["b",1,1,true],"s","1.0000000000000007",18446744073709551615]', "bad-entry"),
    ],
)
async def test_a_bad_line_is_kept_and_harms_nothing(tmp_path: Path, line: bytes, reason: str) -> None:
    till = Station()
    till.scan(TEA_CODE, -1000)
    till.say(line)
    till.scan(TEA_CODE, -1000)
    async with shop(tmp_path) as store:
        await till.tell(store)
        assert (await store.fold_some(1000)).quarantined == 1
        assert [(q.seq, q.reason, q.body) for q in (await store.quarantine()).rows] == [(2, reason, line)]
        assert await on_hand(store) == {TEA: -2000}
        await assert_books_agree(store)


async def test_fields_of_a_later_release_are_ignored(tmp_path: Path) -> None:
    till = Station()
    till.scan(TEA_CODE, -1000)
    fields = msgspec.json.decode(till.lines[0])
    till.lines[0] = msgspec.json.encode([*fields, None, None, None, None, {"later": 1}, "and more"])
    async with shop(tmp_path) as store:
        await till.tell(store)
        await fold_all(store)
        assert await on_hand(store) == {TEA: -1000}


async def test_a_flagged_entry_goes_to_quarantine_unread(tmp_path: Path) -> None:
    till = Station()
    till.scan(TEA_CODE, -1000)
    flagged = till.commit()
    part = flagged.chunks[0]
    assert not isinstance(part, Flagged)
    async with shop(tmp_path) as store:
        chatter = station_log(StationId("till-1"), Stream.CHATTER)
        await store.commit([LogCommit(chatter, (Flagged(part, "not-utf8"),), ReaderState())])
        await store.commit([LogCommit(flagged.log, (Flagged(part, "future-schema"),), flagged.state)])
        await fold_all(store)
        assert [(q.log, q.reason, q.detail, q.body) for q in (await store.quarantine()).rows] == [
            (flagged.log, "refused-frame", "future-schema", till.lines[0]),
            (chatter, "refused-frame", "not-utf8", till.lines[0]),
        ]
        assert await on_hand(store) == {}


async def test_chatter_and_count_readings_move_nothing(tmp_path: Path) -> None:
    till = Station()
    till.anchor()
    till.say(CountReading(till.when(), "scanner", TEA_CODE, "]E0", 1000, "shop", "count-1"))
    till.mark()
    async with shop(tmp_path) as store:
        await till.tell(store)
        chatter = Station()
        chatter.scan(TEA_CODE, -1000)
        await store.commit([replace(chatter.commit(), log=station_log(chatter.station, Stream.CHATTER))])
        progress = await store.fold_some(1000)
        assert (progress.entries, progress.movements) == (3, 0)
        assert await on_hand(store) == {}
        row = (await store.stations())[0]
        assert (row.committed, row.folded, row.movements) == (3, 3, 0)
        assert row.mark_us is not None
        assert row.mark_us <= NOON_US + 3 * SECOND_US


async def test_a_late_sale_restates_the_variance_and_head_office_hears(tmp_path: Path) -> None:
    counter, late = Station("counter"), Station("late")
    counter.scan(TEA_CODE, 100_000, Reason.RECEIPT)
    counter.count(TEA_CODE, 95_000, after_s=10 * 3600)
    late.scan(TEA_CODE, -3000, after_s=5 * 3600)
    async with shop(tmp_path) as store:
        await counter.tell(store)
        await fold_all(store)
        assert (await store.timeline(TEA)).entries[0].variance_milli == -5000
        await late.tell(store)
        await fold_all(store)
        assert await on_hand(store) == {TEA: 95_000}
        assert (await store.timeline(TEA)).entries[0].variance_milli == -2000
        await assert_books_agree(store)


async def test_a_station_may_not_speak_as_the_hub(tmp_path: Path) -> None:
    impostor = Station("hub")
    impostor.scan(TEA_CODE)
    async with shop(tmp_path) as store:
        with pytest.raises(BadInput):
            await impostor.tell(store)
        assert EntryId(StationId("hub"), impostor.epoch, 1) not in [e.entry for e in await store.recent_events()]


async def test_a_long_pass_ends_early_for_a_commit_that_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "BATCH", 100)
    till, other = Station(), Station("till-2")
    for _ in range(3000):
        till.scan(TEA_CODE)
    other.scan(TEA_CODE)
    async with shop(tmp_path) as store:
        for _ in range(60):
            await till.tell(store, 50)
        progress, _ = await asyncio.gather(store.fold_some(10_000), other.tell(store))
        assert 0 < progress.entries < 3000
        assert progress.lag == 3000 - progress.entries
        progress = await store.fold_some(10_000)
        assert progress.lag == 0, "nobody waited"
        assert (await on_hand(store))[TEA] == -3001 * 1000
        await assert_books_agree(store)
