"""What every log that the hub writes promises its replication: the feed, the journal and the catalogue alike.

The same promises as a station log's (tests/contract/station_log/), as far as they apply: an own log has no cap, no
notes and no single reader whose acknowledgement would let it prune. Beyond 300 lines because it is one suite, run
whole on each log.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from hub.errors import BadInput, ContractBroken
from hub.store.own_log import NotKept, OwnLog
from hub.store.own_rows import CHUNK_ENTRIES
from hub.store.store import HubStore
from protocol.chain import Chapter, Position, extend
from protocol.events import Reason
from protocol.feed import SPECVERSION, FeedStatus, Movement, MovementEntry, encode_feed_entry
from protocol.frames import MAX_LINE_BYTES
from protocol.identity import Epoch, ItemId, PlaceId, StoreId
from protocol.replication.ports import ReadableLog

DEADLINE_S = 60.0
READ_BYTES = 256 * 1024
NAMES = ("feed", "journal", "catalogue")

Make = Callable[[], AbstractAsyncContextManager[OwnLog]]
"""Give the log of a test; again after closing for what a restart would find."""


@pytest.fixture(params=NAMES)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    @asynccontextmanager
    async def opened() -> AsyncIterator[OwnLog]:
        async with HubStore(tmp_path / "hub.db", StoreId("corner"), lambda: 1) as store:
            log: OwnLog = {"feed": store.feed, "journal": store.journal, "catalogue": store.catalogue}[request.param]
            yield log

    return opened


@pytest.fixture
async def log(make: Make) -> AsyncIterator[OwnLog]:
    async with make() as log:
        yield log


def lines(count: int, start: int = 1) -> list[bytes]:
    return [b"line %d" % number for number in range(start, start + count)]


async def read_all(log: ReadableLog) -> list[bytes]:
    """Read every entry, through all epochs, checking the chain on the way."""
    view = log.view
    found: list[bytes] = []
    digest = view.first.digest
    at = view.index(view.first.epoch)
    assert at is not None
    for index in range(at, len(view.lineage)):
        epoch = view.lineage[index].epoch
        seq = 0
        while seq < view.end_of(index):
            part = await log.read(epoch, seq + 1, 700, READ_BYTES)
            assert (part.epoch, part.first, part.digest) == (epoch, seq + 1, digest)
            assert 0 < len(part.lines) <= view.end_of(index) - seq
            found += part.lines
            seq += len(part.lines)
            digest = extend(digest, part.lines)
    assert digest == view.head.digest
    return found


async def opened(log: OwnLog, epoch: Epoch, seq: int) -> Chapter:
    """Open the next epoch on a position of the log; give the chapter that was asked for."""
    index = log.view.index(epoch)
    assert index is not None
    digest = (await log.digests(epoch, [seq]))[seq]
    assert digest is not None
    depth = log.view.lineage[index].depth + seq
    chapter = Chapter(Epoch(log.view.head.epoch.generation + 1, depth), Position(epoch, seq, digest), depth)
    await log.open_epoch(chapter)
    return chapter


class TestOpening:
    async def test_a_new_log_is_at_the_origin_of_a_first_epoch(self, log: OwnLog) -> None:
        (chapter,) = log.view.lineage
        assert (chapter.epoch.generation, chapter.base, chapter.depth) == (1, None, 0)
        assert log.view.first == log.view.head == chapter.origin()

    async def test_two_logs_never_share_an_epoch(self, tmp_path: Path) -> None:
        async with (
            HubStore(tmp_path / "one.db", StoreId("a"), lambda: 1) as one,
            HubStore(tmp_path / "two.db", StoreId("a"), lambda: 1) as two,
        ):
            epochs = {log.view.head.epoch for s in (one, two) for log in (s.feed, s.journal, s.catalogue)}
        assert len(epochs) == 6

    async def test_nothing_works_while_it_is_closed(self, make: Make) -> None:
        async with make() as log:
            head = log.view.head
        with pytest.raises(ContractBroken):
            _ = log.view
        for call in (
            log.append([b"x"]),
            log.read(head.epoch, 1, 1, 1),
            log.digests(head.epoch, [0]),
            log.open_epoch(Chapter(Epoch(2, 2))),
            log.wait_grown(head),
        ):
            with pytest.raises(ContractBroken):
                await call

    async def test_a_restart_finds_everything(self, make: Make) -> None:
        async with make() as log:
            await log.append(lines(3000))
            await opened(log, log.view.head.epoch, 3000)
            await log.append(lines(10, start=3001))
            before = log.view
        async with make() as log:
            assert log.view == before
            assert await read_all(log) == lines(3010)
            assert (await log.append(lines(1, start=3011))).seq == 11


class TestAppending:
    async def test_entries_are_numbered_without_gaps_and_chained(self, log: OwnLog) -> None:
        origin = log.view.head
        assert await log.append(lines(3)) == Position(origin.epoch, 3, extend(origin.digest, lines(3)))
        head = await log.append(lines(2000, start=4))
        assert head == log.view.head == Position(origin.epoch, 2003, extend(origin.digest, lines(2003)))
        assert await read_all(log) == lines(2003)

    async def test_any_bytes_but_a_line_feed_are_a_line(self, log: OwnLog) -> None:
        odd = [b"", b"\x00", b"\xff" * 10, b"\r", b"\x28\xb5\x2f\xfd", b"\x28\xb5\x2f\xfd and more", b" "]
        for line in odd:
            await log.append([line])
        await log.append(odd)
        await log.append(list(reversed(odd)))
        assert await read_all(log) == [*odd, *odd, *reversed(odd)]

    async def test_an_append_of_nothing_gives_the_head(self, log: OwnLog) -> None:
        assert await log.append([]) == log.view.head
        head = await log.append([b"x"])
        assert await log.append([]) == head == log.view.head

    async def test_each_of_many_producers_is_told_where_its_own_lines_ended(self, log: OwnLog) -> None:
        sent = [[b"%d-%d" % (producer, n) for n in range(producer % 4)] for producer in range(40)]
        heads = await asyncio.gather(*(log.append(each) for each in sent))
        kept = await read_all(log)
        for own, head in zip(sent, heads, strict=True):
            assert kept[head.seq - len(own) : head.seq] == own

    async def test_a_line_feed_is_our_own_mistake(self, log: OwnLog) -> None:
        with pytest.raises(ContractBroken):
            await log.append([b"good", b"b\nad"])
        assert log.view.head.seq == 0
        assert (await log.append([b"good"])).seq == 1

    async def test_too_long_a_line_is_refused_whole(self, log: OwnLog) -> None:
        assert (await log.append([b"x" * MAX_LINE_BYTES])).seq == 1
        with pytest.raises(BadInput) as refused:
            await log.append([b"good", b"x" * (MAX_LINE_BYTES + 1)])
        assert refused.value.name == "too-long"
        assert log.view.head.seq == 1

    async def test_a_cancelled_append_harms_nobody(self, log: OwnLog) -> None:
        appends = [asyncio.ensure_future(log.append([b"%d" % n])) for n in range(20)]
        await asyncio.sleep(0)
        for append in appends[::2]:
            append.cancel()
        done = await asyncio.gather(*appends, return_exceptions=True)
        kept = await read_all(log)
        for n, head in enumerate(done):
            if isinstance(head, Position):
                assert kept[head.seq - 1] == b"%d" % n
        assert len(kept) == len(set(kept)) >= 10


class TestReading:
    async def test_it_gives_as_much_as_it_may_and_one_at_least(self, log: OwnLog) -> None:
        await log.append([b"x" * 100] * 30)
        for _ in range(20):
            await log.append([b"x" * 100])
        epoch = log.view.head.epoch
        assert len((await log.read(epoch, 1, 7, READ_BYTES)).lines) == 7
        assert len((await log.read(epoch, 1, 50, 450)).lines) == 4
        assert len((await log.read(epoch, 1, 50, 1)).lines) == 1
        assert len((await log.read(epoch, 49, 50, READ_BYTES)).lines) == 2
        assert len((await log.read(epoch, 25, 50, READ_BYTES)).lines) == 26

    async def test_it_never_gives_more_than_its_bounds(self, log: OwnLog) -> None:
        await log.append([b"x"] * (CHUNK_ENTRIES + 10))
        epoch = log.view.head.epoch
        assert len((await log.read(epoch, 1, 10**6, 10**9)).lines) == CHUNK_ENTRIES
        await log.append([b"x" * MAX_LINE_BYTES] * 10)
        assert len((await log.read(epoch, CHUNK_ENTRIES + 11, 10**6, READ_BYTES)).lines) == 4

    async def test_the_end_is_an_empty_slice_with_the_chain(self, log: OwnLog) -> None:
        head = await log.append(lines(3))
        end = await log.read(head.epoch, 4, 10, READ_BYTES)
        assert (end.epoch, end.first, end.digest, end.lines) == (head.epoch, 4, head.digest, ())

    async def test_what_is_not_there_is_not_kept(self, log: OwnLog) -> None:
        head = await log.append(lines(3))
        for epoch, first in ((head.epoch, 0), (head.epoch, -1), (head.epoch, 5), (Epoch(1, 1), 1)):
            with pytest.raises(NotKept):
                await log.read(epoch, first, 10, READ_BYTES)

    async def test_from_anywhere_in_any_order_the_chain_before_is_right(self, log: OwnLog) -> None:
        await log.append(lines(2500))
        epoch = log.view.head.epoch
        origin = log.view.first.digest
        for first in (2400, 1, 1025, 1000, 1001, 1002, 2001, 700, 1400, 2100, 700, 2500):
            part = await log.read(epoch, first, 700, READ_BYTES)
            assert part.digest == extend(origin, lines(first - 1))
            assert list(part.lines) == lines(min(700, 2501 - first), start=first)

    async def test_digests_tell_the_chain_after_every_entry(self, log: OwnLog) -> None:
        await log.append(lines(2100))
        epoch, origin = log.view.head.epoch, log.view.first.digest
        seqs = [0, 1, 2, 999, 1000, 1001, 2000, 2099, 2100]
        assert await log.digests(epoch, seqs) == {seq: extend(origin, lines(seq)) for seq in seqs}
        assert await log.digests(epoch, [2101, -1]) == {2101: None, -1: None}
        assert await log.digests(Epoch(9, 9), [0, 1]) == {0: None, 1: None}


@pytest.mark.parametrize("make", ["journal", "catalogue"], indirect=True)
class TestCarrying:
    """The feed numbers its carried statements anew: see `TestCarryingTheFeed`."""

    async def test_what_follows_the_base_is_carried_without_change(self, log: OwnLog) -> None:
        await log.append(lines(1500))
        old = log.view
        asked = await opened(log, old.head.epoch, 600)
        carried = extend(old.first.digest, lines(601))
        assert log.view.lineage == (old.lineage[0], replace(asked, carried=carried))
        assert log.view.first == old.first
        assert log.view.head == Position(asked.epoch, 900, old.head.digest)
        assert list((await log.read(asked.epoch, 1, 10, READ_BYTES)).lines) == lines(10, start=601)
        assert (await log.append(lines(1, start=1501))).seq == 901
        assert await read_all(log) == lines(1501)

    async def test_the_old_epoch_ends_at_the_base(self, log: OwnLog) -> None:
        await log.append(lines(1500))
        old = log.view.head.epoch
        await opened(log, old, 600)
        assert len((await log.read(old, 595, 100, READ_BYTES)).lines) == 6
        end = await log.read(old, 601, 100, READ_BYTES)
        assert (end.digest, end.lines) == (extend(log.view.first.digest, lines(600)), ())
        with pytest.raises(NotKept):
            await log.read(old, 602, 100, READ_BYTES)
        assert await log.digests(old, [600, 601]) == {600: end.digest, 601: None}

    async def test_a_base_further_back_drops_what_led_elsewhere(self, log: OwnLog) -> None:
        first = (await log.append(lines(100))).epoch
        await opened(log, first, 80)
        second = (await log.append(lines(50, start=101))).epoch
        asked = await opened(log, first, 60)
        assert [chapter.epoch for chapter in log.view.lineage] == [first, asked.epoch]
        assert log.view.head.seq == 90
        assert await read_all(log) == lines(150)
        with pytest.raises(NotKept):
            await log.read(second, 1, 1, READ_BYTES)
        assert await log.digests(second, [1]) == {1: None}

    async def test_a_base_at_the_very_beginning_carries_everything(self, log: OwnLog) -> None:
        first = (await log.append(lines(20))).epoch
        asked = await opened(log, first, 0)
        assert log.view.first == asked.origin()
        assert log.view.head.seq == 20
        assert await read_all(log) == lines(20)

    async def test_a_base_that_is_not_ours_is_refused(self, log: OwnLog) -> None:
        head = await log.append(lines(10))
        five = (await log.digests(head.epoch, [5]))[5]
        six = (await log.digests(head.epoch, [6]))[6]
        assert five is not None
        good = Chapter(Epoch(2, 2), Position(head.epoch, 5, five), 5, six)
        assert good.base is not None
        before = log.view
        for bad in (
            replace(good, base=None),
            replace(good, epoch=Epoch(1, 2)),
            replace(good, depth=4),
            replace(good, carried=five),
            replace(good, base=replace(good.base, digest=head.digest)),
            replace(good, base=replace(good.base, epoch=Epoch(1, 77))),
            replace(good, base=replace(head, seq=11), depth=11),
            replace(good, base=replace(head, seq=-1), depth=-1),
            replace(good, base=Position(head.epoch, 0, five), depth=0),
            Chapter(Epoch(2, 2), head, 10, carried=head.digest),
        ):
            with pytest.raises(ContractBroken):
                await log.open_epoch(bad)
            assert log.view == before
            assert await read_all(log) == lines(10)
        assert (await log.open_epoch(good)).lineage[-1] == good


class TestNewEpochs:
    async def test_at_the_head_nothing_is_carried(self, log: OwnLog) -> None:
        head = await log.append(lines(5))
        asked = await opened(log, head.epoch, 5)
        assert log.view.lineage[-1] == asked
        assert log.view.head == Position(asked.epoch, 0, head.digest)
        assert (await log.append([b"on"])).seq == 1

    async def test_epochs_without_entries_can_follow_each_other(self, log: OwnLog) -> None:
        await log.append(lines(7))
        for _ in range(5):
            await opened(log, log.view.head.epoch, log.view.head.seq)
        assert len(log.view.lineage) == 6
        await log.append(lines(1, start=8))
        assert await read_all(log) == lines(8)


@pytest.mark.parametrize("make", ["feed"], indirect=True)
class TestCarryingTheFeed:
    async def test_statements_are_carried_as_newer_ones_and_not_told_to_be_the_same(self, log: OwnLog) -> None:
        said = [statement(f"till-1/1.0000000000000007/{n}", -1000) for n in range(1, 4)]
        await log.append([encode_feed_entry(entry) for entry in said])
        old = log.view.head.epoch
        asked = await opened(log, old, 1)
        assert log.view.lineage[-1] == asked
        first, *carried = await read_all(log)
        assert first == encode_feed_entry(said[0])
        assert len(carried) == 2
        assert log.view.head.seq == 2
        assert all(b'"revision":2097153' in line for line in carried)


class TestGrowth:
    async def test_it_returns_at_once_if_the_head_moved_already(self, log: OwnLog) -> None:
        seen = log.view.head
        await log.append([b"x"])
        assert await asyncio.wait_for(log.wait_grown(seen), DEADLINE_S) == log.view

    async def test_it_wakes_for_lines_and_for_a_new_epoch(self, log: OwnLog) -> None:
        for change in (log.append([b"x"]), opened(log, log.view.head.epoch, 0)):
            waiting = [asyncio.ensure_future(log.wait_grown(log.view.head)) for _ in range(3)]
            await asyncio.sleep(0)
            assert not any(one.done() for one in waiting)
            await change
            for view in await asyncio.wait_for(asyncio.gather(*waiting), DEADLINE_S):
                assert view == log.view

    async def test_a_follower_misses_nothing(self, log: OwnLog) -> None:
        followed: list[bytes] = []

        async def follow() -> None:
            seen = log.view.head
            while len(followed) < 150:
                view = await log.wait_grown(seen)
                while seen.seq < view.head.seq:
                    part = await log.read(seen.epoch, seen.seq + 1, 50, READ_BYTES)
                    followed.extend(part.lines)
                    seen = Position(seen.epoch, seen.seq + len(part.lines), extend(part.digest, part.lines))
                assert seen.digest == view.head.digest or seen.seq > view.head.seq

        async def produce(start: int) -> None:
            for line in lines(50, start=start):
                await log.append([line])

        await asyncio.wait_for(asyncio.gather(follow(), produce(1), produce(101), produce(201)), DEADLINE_S)
        assert followed == await read_all(log)
        assert len(set(followed)) == 150

    async def test_closing_ends_the_waiting(self, make: Make) -> None:
        async with make() as log:
            waiting = asyncio.ensure_future(log.wait_grown(log.view.head))
            await asyncio.sleep(0)
        with pytest.raises(ContractBroken):
            await asyncio.wait_for(waiting, DEADLINE_S)


def statement(entry: str, qty_milli: int) -> MovementEntry:
    revision = 1 << 20 | 1
    data = Movement(
        entry,
        revision,
        FeedStatus.STANDS,
        ItemId("tea"),
        PlaceId("store"),
        qty_milli,
        Reason.SALE,
        None,
        None,
        1,
        1,
    )
    return MovementEntry(SPECVERSION, f"{entry}:{revision}", "shelfwire/1/corner", "1970-01-01T00:00:00Z", data)
