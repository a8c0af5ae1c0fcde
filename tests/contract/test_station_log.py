"""What every `StationLog` promises, on disk and in memory alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from edge.buffer.api import BLOCK_ENTRIES, DAY_US, HOUR_US, READ_BYTES, LogLimits, StationLog
from edge.buffer.errors import LineTooLong, LogFull, LogRefused, NotKept
from edge.buffer.memory_log import MemoryLog
from edge.buffer.sqlite_log import SqliteLog
from edge.errors import ContractBroken
from protocol.chain import Chapter, Position, extend
from protocol.frames import MAX_LINE_BYTES
from protocol.identity import Epoch
from protocol.replication.ports import Slice

DEADLINE_S = 20.0
NONCE = 0xFEED
NOON_US = 1_750_000_000_000_000


class Clock:
    """UTC as the log is told it."""

    def __init__(self) -> None:
        self.now_us = NOON_US

    def __call__(self) -> int:
        return self.now_us


Make = Callable[..., StationLog]
"""Give the log in the one medium of a test; again after closing for what a restart would find."""


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["disk", "memory"])
def make(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Make:
    memory: list[MemoryLog] = []

    def on_disk(limits: LogLimits | None = None) -> StationLog:
        return SqliteLog(tmp_path / "deep" / "er" / "stock.db", clock=clock, nonce=lambda: NONCE, limits=limits)

    def in_memory(limits: LogLimits | None = None) -> StationLog:
        if not memory:
            memory.append(MemoryLog(clock=clock, nonce=lambda: NONCE, limits=limits))
        return memory[0]

    return on_disk if request.param == "disk" else in_memory


@pytest.fixture
async def log(make: Make) -> AsyncIterator[StationLog]:
    async with make() as log:
        yield log


def lines(count: int, start: int = 1) -> list[bytes]:
    return [b"line %d" % number for number in range(start, start + count)]


async def read_all(log: StationLog) -> list[bytes]:
    """Read every entry kept, through all epochs, checking the chain on the way."""
    view = log.view
    found: list[bytes] = []
    digest = view.first.digest
    at = view.index(view.first.epoch)
    assert at is not None
    for index in range(at, len(view.lineage)):
        epoch = view.lineage[index].epoch
        seq = view.first.seq if index == at else 0
        while seq < view.end_of(index):
            part = await log.read(epoch, seq + 1, 700, READ_BYTES)
            assert (part.epoch, part.first, part.digest) == (epoch, seq + 1, digest)
            assert 0 < len(part.lines) <= view.end_of(index) - seq
            found += part.lines
            seq += len(part.lines)
            digest = extend(digest, part.lines)
    assert digest == view.head.digest
    return found


async def opened(log: StationLog, epoch: Epoch, seq: int) -> Chapter:
    """Open the next epoch on a position of the log; give the chapter that was asked for."""
    index = log.view.index(epoch)
    assert index is not None
    digest = (await log.digests(epoch, [seq]))[seq]
    assert digest is not None
    depth = log.view.lineage[index].depth + seq
    chapter = Chapter(Epoch(log.view.head.epoch.generation + 1, NONCE + depth), Position(epoch, seq, digest), depth)
    await log.open_epoch(chapter)
    return chapter


async def attempt(log: StationLog, lines: list[bytes]) -> LogRefused | None:
    """Append, and give the refusal if there was one."""
    try:
        await log.append(lines)
    except LogRefused as refusal:
        return refusal
    return None


class TestOpening:
    async def test_a_new_log_is_at_the_origin_of_a_first_epoch(self, log: StationLog) -> None:
        chapter = Chapter(Epoch(1, NONCE))
        assert log.view.lineage == (chapter,)
        assert log.view.first == log.view.head == chapter.origin()

    async def test_nothing_works_while_it_is_closed(self, make: Make) -> None:
        log = make()
        for _ in range(2):
            with pytest.raises(ContractBroken):
                _ = log.view
            with pytest.raises(ContractBroken):
                _ = log.stats
            with pytest.raises(ContractBroken):
                log.notes()
            for call in (
                log.append([b"x"]),
                log.put_note("a", b"x"),
                log.read(Epoch(1, NONCE), 1, 1, 1),
                log.digests(Epoch(1, NONCE), [0]),
                log.open_epoch(Chapter(Epoch(2, 2))),
                log.acked(Chapter(Epoch(1, NONCE)).origin()),
                log.prune(NOON_US),
                log.wait_grown(Chapter(Epoch(1, NONCE)).origin()),
            ):
                with pytest.raises(ContractBroken):
                    await call
            async with log:
                pass

    async def test_closing_twice_is_harmless_and_opening_twice_is_not(self, make: Make) -> None:
        log = make()
        await log.__aexit__(None, None, None)
        async with log:
            with pytest.raises(ContractBroken):
                await log.__aenter__()
            await log.append([b"still open"])
        await log.__aexit__(None, None, None)

    async def test_a_restart_finds_everything(self, make: Make) -> None:
        async with make() as log:
            await log.append(lines(3000))
            await log.put_note("basket", b"open")
            await opened(log, log.view.head.epoch, 2500)
            await log.append(lines(10, start=3001))
            await log.acked(Position(log.view.head.epoch, 100, b""))
            before, unacked = log.view, log.stats.unacked
        async with make() as log:
            assert log.view == before
            assert await read_all(log) == lines(3010)
            assert log.notes() == {"basket": b"open"}
            assert log.stats.unacked == unacked == 410
            assert log.stats.appended == 0

    async def test_closing_finishes_what_was_asked_for(self, make: Make) -> None:
        async with make() as log:
            waiting = [asyncio.ensure_future(log.append([b"line %d" % n])) for n in range(1, 51)]
            await asyncio.sleep(0)
        assert [(await one).seq for one in waiting] == list(range(1, 51))
        async with make() as log:
            assert await read_all(log) == lines(50)


class TestAppending:
    async def test_entries_are_numbered_without_gaps_and_chained(self, log: StationLog) -> None:
        digest = log.view.head.digest
        for line in lines(5):
            digest = extend(digest, [line])
            assert await log.append([line]) == log.view.head
            assert log.view.head.digest == digest
        position = await log.append(lines(BLOCK_ENTRIES * 3, start=6))
        assert position == Position(Epoch(1, NONCE), 5 + BLOCK_ENTRIES * 3, extend(digest, lines(BLOCK_ENTRIES * 3, 6)))
        assert position == log.view.head
        assert await read_all(log) == lines(5 + BLOCK_ENTRIES * 3)

    async def test_any_bytes_but_a_line_feed_are_a_line(self, log: StationLog) -> None:
        odd = [b"", b"\x00", b"\xff\xfe", b"\r", "ü€".encode(), b"x" * MAX_LINE_BYTES]
        await log.append(odd)
        for line in odd:
            await log.append([line])
        assert await read_all(log) == odd + odd

    async def test_an_append_of_nothing_gives_the_head(self, log: StationLog) -> None:
        head = await log.append(lines(2))
        assert await log.append([]) == head == log.view.head

    async def test_each_of_many_producers_is_told_where_its_own_lines_ended(self, log: StationLog) -> None:
        async def produce(name: int) -> list[tuple[int, bytes]]:
            told = []
            for n in range(40):
                mine = [b"%d/%d/%d" % (name, n, i) for i in range(1 + n % 3)]
                position = await log.append(mine)
                told.append((position.seq, mine[-1]))
            return told

        everyone = await asyncio.gather(*(produce(name) for name in range(8)))
        stored = await read_all(log)
        for told in everyone:
            assert [stored[seq - 1] for seq, _ in told] == [line for _, line in told]
            assert [seq for seq, _ in told] == sorted(seq for seq, _ in told)
        assert len(stored) == log.view.head.seq == log.stats.appended == 8 * (14 + 13 * 2 + 13 * 3)

    async def test_what_was_asked_first_is_stored_first(self, log: StationLog) -> None:
        positions = await asyncio.gather(*(log.append([line]) for line in lines(100)))
        assert [position.seq for position in positions] == list(range(1, 101))
        assert await read_all(log) == lines(100)

    async def test_a_line_feed_is_our_own_mistake(self, log: StationLog) -> None:
        with pytest.raises(ContractBroken):
            await log.append([b"fine", b"not\nfine"])
        assert log.view.head.seq == 0

    async def test_too_long_a_line_is_refused_whole_and_counted(self, log: StationLog) -> None:
        with pytest.raises(LineTooLong):
            await log.append([b"fine", b"x" * (MAX_LINE_BYTES + 1)])
        with pytest.raises(LineTooLong):
            await log.put_note("big", b"x" * (MAX_LINE_BYTES + 1))
        assert log.view.head.seq == 0
        assert log.stats.refused == 2

    async def test_beyond_its_size_it_refuses_and_what_is_acked_makes_room(self, make: Make, clock: Clock) -> None:
        async with make(LogLimits(max_bytes=3_000_000)) as log:
            outcomes = [await attempt(log, [b"x" * 1000] * 10) for _ in range(400)]
            stored = 10 * outcomes.count(None)
            assert 2400 < stored < 3000
            assert [type(outcome) for outcome in outcomes[stored // 10 :]] == [LogFull] * (400 - stored // 10)
            assert log.view.head.seq == stored == len(await read_all(log))
            assert log.stats.refused == 400 - stored // 10
            await log.put_note("still", b"works")

            await log.acked(log.view.head)
            assert await log.prune(clock.now_us + 30 * DAY_US) > 1000
            await log.append([b"x" * 1000] * 1000)
            assert log.view.head.seq == stored + 1000

    async def test_a_cancelled_append_harms_nobody(self, log: StationLog) -> None:
        tasks = [asyncio.ensure_future(log.append([line])) for line in lines(60)]
        await asyncio.sleep(0)
        for task in tasks[::3]:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert await log.append([b"after"]) == log.view.head
        stored = await read_all(log)
        for line, outcome in zip(lines(60), outcomes, strict=True):
            if isinstance(outcome, Position):
                assert stored[outcome.seq - 1] == line
            else:
                assert isinstance(outcome, asyncio.CancelledError)
                assert stored.count(line) <= 1
        assert stored[-1] == b"after"


class TestReading:
    async def test_it_gives_as_much_as_it_may_and_one_at_least(self, log: StationLog) -> None:
        await log.append([b"x" * 100] * 50)
        epoch = log.view.head.epoch
        assert len((await log.read(epoch, 1, 7, READ_BYTES)).lines) == 7
        assert len((await log.read(epoch, 1, 50, 450)).lines) == 4
        assert len((await log.read(epoch, 1, 50, 1)).lines) == 1
        assert len((await log.read(epoch, 49, 50, READ_BYTES)).lines) == 2

    async def test_it_never_gives_more_than_its_bounds(self, log: StationLog) -> None:
        await log.append([b"x"] * (BLOCK_ENTRIES + 10))
        epoch = log.view.head.epoch
        assert len((await log.read(epoch, 1, 10**6, 10**9)).lines) == BLOCK_ENTRIES
        await log.append([b"x" * MAX_LINE_BYTES] * 10)
        long = await log.read(epoch, BLOCK_ENTRIES + 11, 10**6, 10**9)
        assert len(long.lines) == READ_BYTES // MAX_LINE_BYTES

    async def test_the_end_is_an_empty_slice_with_the_chain(self, log: StationLog) -> None:
        head = await log.append(lines(3))
        end = await log.read(head.epoch, 4, 10, READ_BYTES)
        assert (end.epoch, end.first, end.digest, end.lines) == (head.epoch, 4, head.digest, ())

    async def test_what_is_not_there_is_not_kept(self, log: StationLog) -> None:
        head = await log.append(lines(3))
        for epoch, first in ((head.epoch, 0), (head.epoch, -1), (head.epoch, 5), (Epoch(1, 1), 1)):
            with pytest.raises(NotKept):
                await log.read(epoch, first, 10, READ_BYTES)

    async def test_what_was_just_appended_reads_as_it_will_after_a_restart(self, make: Make) -> None:
        told: list[Slice] = []
        async with make() as log:
            for count in (1, 3, 64, 65, 1):
                first = log.view.head.seq + 1
                await log.append(lines(count, start=first))
                told += [await log.read(log.view.head.epoch, first, most, READ_BYTES) for most in (1, 2, 1000)]
        async with make() as log:
            for part, most in zip(told, (1, 2, 1000) * 5, strict=True):
                again = await log.read(part.epoch, part.first, most, READ_BYTES)
                assert (again.first, again.digest) == (part.first, part.digest)
                assert part.lines == again.lines[: len(part.lines)] != ()
            carried = await opened(log, told[0].epoch, told[0].first)
            assert (await log.read(carried.epoch, 1, 3, READ_BYTES)).lines == told[5].lines

    async def test_what_was_just_appended_belongs_to_the_epoch_it_was_carried_into(self, log: StationLog) -> None:
        await log.append(lines(2))
        head = await log.append(lines(1, start=3))
        await opened(log, head.epoch, 2)
        with pytest.raises(NotKept):
            await log.read(head.epoch, 4, 1, READ_BYTES)
        assert (await log.read(head.epoch, 3, 1, READ_BYTES)).lines == ()
        assert (await log.read(log.view.head.epoch, 1, 1, READ_BYTES)).lines == (b"line 3",)

    async def test_from_anywhere_in_any_order_the_chain_before_is_right(self, log: StationLog) -> None:
        await log.append(lines(2500))
        epoch = log.view.head.epoch
        origin = log.view.first.digest
        for first in (2400, 1, 1025, 1024, 1026, 2048, 2049, 700, 1400, 2100, 700, 2500):
            part = await log.read(epoch, first, 700, READ_BYTES)
            assert part.digest == extend(origin, lines(first - 1))
            assert list(part.lines) == lines(min(700, 2501 - first), start=first)

    async def test_digests_tell_the_chain_after_every_entry(self, log: StationLog) -> None:
        await log.append(lines(2100))
        epoch, origin = log.view.head.epoch, log.view.first.digest
        seqs = [0, 1, 2, 1023, 1024, 1025, 2048, 2099, 2100]
        assert await log.digests(epoch, seqs) == {seq: extend(origin, lines(seq)) for seq in seqs}
        assert await log.digests(epoch, [2101, -1]) == {2101: None, -1: None}
        assert await log.digests(Epoch(9, 9), [0, 1]) == {0: None, 1: None}


class TestNewEpochs:
    async def test_what_follows_the_base_is_carried_without_change(self, log: StationLog) -> None:
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

    async def test_the_old_epoch_ends_at_the_base(self, log: StationLog) -> None:
        await log.append(lines(1500))
        old = log.view.head.epoch
        await opened(log, old, 600)
        assert len((await log.read(old, 595, 100, READ_BYTES)).lines) == 6
        end = await log.read(old, 601, 100, READ_BYTES)
        assert (end.digest, end.lines) == (extend(log.view.first.digest, lines(600)), ())
        with pytest.raises(NotKept):
            await log.read(old, 602, 100, READ_BYTES)
        assert await log.digests(old, [600, 601]) == {600: end.digest, 601: None}

    async def test_at_the_head_nothing_is_carried(self, log: StationLog) -> None:
        head = await log.append(lines(5))
        asked = await opened(log, head.epoch, 5)
        assert log.view.lineage[-1] == asked
        assert log.view.head == Position(asked.epoch, 0, head.digest)
        assert (await log.append([b"on"])).seq == 1

    async def test_a_base_further_back_drops_what_led_elsewhere(self, log: StationLog) -> None:
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

    async def test_a_base_at_the_very_beginning_carries_everything(self, log: StationLog) -> None:
        first = (await log.append(lines(20))).epoch
        asked = await opened(log, first, 0)
        assert log.view.first == asked.origin()
        assert log.view.head.seq == 20
        assert await read_all(log) == lines(20)

    async def test_epochs_without_entries_can_follow_each_other(self, log: StationLog) -> None:
        await log.append(lines(7))
        for _ in range(5):
            await opened(log, log.view.head.epoch, log.view.head.seq)
        assert len(log.view.lineage) == 6
        await log.append(lines(1, start=8))
        assert await read_all(log) == lines(8)

    async def test_what_the_reader_shares_is_acked_and_what_is_carried_is_not(self, log: StationLog) -> None:
        head = await log.append(lines(100))
        await log.acked(head)
        await opened(log, head.epoch, 70)
        assert log.stats.unacked == 30

    async def test_a_base_that_is_not_ours_is_refused(self, log: StationLog) -> None:
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
            Chapter(Epoch(2, 2), head, 10, carried=head.digest),
        ):
            with pytest.raises(ContractBroken):
                await log.open_epoch(bad)
            assert log.view == before
        assert (await log.open_epoch(good)).lineage[-1] == good

    async def test_a_base_in_the_pruned_part_leaves_the_lost_entries_numbered(
        self, log: StationLog, clock: Clock
    ) -> None:
        old = await fill_and_prune(log, clock)
        base = Position(old.epoch, 0, log.view.lineage[0].origin().digest)
        await log.open_epoch(Chapter(Epoch(2, 2), base, 0))
        assert log.view.first == Position(Epoch(2, 2), old.seq, old.digest)
        with pytest.raises(NotKept):
            await log.read(Epoch(2, 2), old.seq, 10, READ_BYTES)
        assert await read_all(log) == lines(3000 - old.seq, start=old.seq + 1)
        assert log.stats.entries == log.stats.unacked == 3000 - old.seq


async def fill_and_prune(log: StationLog, clock: Clock) -> Position:
    """Append 2,000 lines, and 1,000 a hundred days later; have all acked and the old pruned; give the new first."""
    await log.append(lines(2000))
    clock.now_us += 100 * DAY_US
    await log.append(lines(1000, start=2001))
    await log.acked(log.view.head)
    gone = await log.prune(clock.now_us)
    assert 1000 < gone <= 2000
    assert log.view.first.seq == gone
    return log.view.first


class TestPruning:
    async def test_old_acked_entries_go_and_the_chain_still_holds(self, log: StationLog, clock: Clock) -> None:
        origin = log.view.first.digest
        await log.append(lines(5000))
        await log.acked(Position(log.view.head.epoch, 4000, b""))
        assert await log.prune(clock.now_us + 7 * DAY_US - 1) == 0
        gone = await log.prune(clock.now_us + 8 * DAY_US)
        assert 4000 - BLOCK_ENTRIES < gone <= 4000
        assert log.view.first == Position(log.view.head.epoch, gone, extend(origin, lines(gone)))
        assert await read_all(log) == lines(5000 - gone, start=gone + 1)
        with pytest.raises(NotKept):
            await log.read(log.view.head.epoch, gone, 10, READ_BYTES)
        assert log.stats.entries == 5000 - gone
        assert await log.prune(clock.now_us + 8 * DAY_US) == 0

    async def test_what_is_not_acked_never_goes(self, log: StationLog, clock: Clock) -> None:
        await log.append(lines(5000))
        assert await log.prune(clock.now_us + 1000 * DAY_US) == 0
        await log.acked(Position(log.view.head.epoch, 3000, b""))
        await log.acked(Position(log.view.head.epoch, 20, b""))
        assert await log.prune(clock.now_us + 1000 * DAY_US) <= 20
        await log.acked(Position(Epoch(7, 7), 5000, b""))
        assert await log.prune(clock.now_us + 1000 * DAY_US) == 0
        assert log.stats.unacked == log.stats.entries >= 4980

    async def test_beyond_its_size_even_young_entries_go_if_acked(self, make: Make, clock: Clock) -> None:
        async with make(LogLimits(keep_bytes=400_000)) as log:
            await log.append([b"x" * 200] * 6000)
            assert await log.prune(None) == 0
            await log.acked(log.view.head)
            gone = await log.prune(None)
            assert 3000 < gone < 6000
            assert log.stats.entries == 6000 - gone
            assert len(await read_all(log)) == 6000 - gone

    async def test_where_size_counts_all_that_is_acked_can_go(self, make: Make, clock: Clock) -> None:
        async with make(LogLimits(keep_bytes=0)) as log:
            origin, epoch = log.view.first.digest, log.view.head.epoch
            await log.append(lines(100))
            await log.acked(Position(epoch, 60, b""))
            assert await log.prune(None) == 60
            assert log.view.first == Position(epoch, 60, extend(origin, lines(60)))
            assert await read_all(log) == lines(40, start=61)
            await log.acked(log.view.head)
            assert await log.prune(None) == 40
            assert await log.prune(None) == 0
            assert log.view.first == log.view.head
            await log.append(lines(2000, start=101))
            await log.acked(Position(epoch, 1900, b""))
        async with make(LogLimits(keep_bytes=0)) as log:
            assert await log.prune(None) == 1800
            assert await read_all(log) == lines(200, start=1901)
            assert log.view.head.digest == extend(origin, lines(2100))

    async def test_without_a_clock_nothing_goes_by_age(self, log: StationLog, clock: Clock) -> None:
        await log.append(lines(5000))
        await log.acked(log.view.head)
        assert await log.prune(None) == 0

    async def test_a_clock_that_once_was_years_ahead_keeps_nothing_for_ever(
        self, log: StationLog, clock: Clock
    ) -> None:
        clock.now_us += 3650 * DAY_US
        await log.append(lines(2000))
        clock.now_us = NOON_US
        await log.append(lines(2000, start=2001))
        await log.acked(log.view.head)
        assert await log.prune(NOON_US + DAY_US) == 0
        assert await log.prune(NOON_US + 8 * DAY_US) > 2000

    async def test_pruning_goes_across_epochs(self, log: StationLog, clock: Clock) -> None:
        await log.append(lines(3000))
        await opened(log, log.view.head.epoch, 1000)
        await log.append(lines(3000, start=3001))
        await log.acked(log.view.head)
        gone = await log.prune(clock.now_us + 8 * DAY_US)
        assert log.view.first.epoch == log.view.head.epoch
        assert log.view.first.seq == gone - 1000
        assert await read_all(log) == lines(6000 - gone, start=gone + 1)
        with pytest.raises(NotKept):
            await log.read(log.view.lineage[0].epoch, 1, 1, READ_BYTES)
        assert len(log.view.lineage) == 2

    async def test_digests_of_what_is_pruned_are_told_right_or_not_at_all(self, log: StationLog, clock: Clock) -> None:
        origin, epoch = log.view.first.digest, log.view.head.epoch
        first = await fill_and_prune(log, clock)
        told = await log.digests(epoch, range(0, 3001, 125))
        for seq, digest in told.items():
            assert digest == extend(origin, lines(seq)) or (digest is None and seq < first.seq)
        assert None in told.values()

    async def test_what_was_pruned_stays_pruned_after_a_restart(self, make: Make, clock: Clock) -> None:
        async with make() as log:
            first = await fill_and_prune(log, clock)
            head = log.view.head
        async with make() as log:
            assert (log.view.first, log.view.head) == (first, head)
            assert await read_all(log) == lines(3000 - first.seq, start=first.seq + 1)
            assert log.stats.unacked == 0

    async def test_a_log_pruned_to_its_head_goes_on_from_there(self, make: Make, clock: Clock) -> None:
        async with make() as log:
            await log.append(lines(BLOCK_ENTRIES + 1))
            head = log.view.head
            await log.acked(head)
            assert await log.prune(clock.now_us + 8 * DAY_US) == BLOCK_ENTRIES + 1
            assert log.view.first == log.view.head == head
        async with make() as log:
            assert log.view.first == log.view.head == head
            assert (await log.append([b"next"])).seq == BLOCK_ENTRIES + 2
            assert await read_all(log) == [b"next"]


class TestAcknowledging:
    async def test_it_counts_what_the_reader_lacks(self, log: StationLog) -> None:
        head = await log.append(lines(100))
        assert log.stats.unacked == 100
        await log.acked(replace(head, seq=40))
        assert log.stats.unacked == 60
        await log.acked(replace(head, seq=10))
        assert log.stats.unacked == 90
        await log.acked(Position(Epoch(5, 5), 100, head.digest))
        assert log.stats.unacked == 100

    async def test_an_ack_beyond_the_head_does_not_cover_what_comes_later(self, log: StationLog) -> None:
        head = await log.append(lines(10))
        await log.acked(replace(head, seq=1000))
        assert log.stats.unacked == 0
        await log.append(lines(5))
        assert log.stats.unacked == 5

    async def test_an_ack_of_an_epoch_that_ended_covers_it_up_to_its_end(self, log: StationLog) -> None:
        head = await log.append(lines(100))
        await opened(log, head.epoch, 80)
        await log.acked(head)
        assert log.stats.unacked == 20

    async def test_the_age_of_the_oldest_entry_that_the_reader_lacks(self, log: StationLog, clock: Clock) -> None:
        def oldest_us() -> int | None:
            return log.stats.oldest_unacked_us

        assert oldest_us() is None
        morning = clock.now_us
        await log.append(lines(10))
        clock.now_us += HOUR_US // 2
        await log.append(lines(10))
        clock.now_us += 3 * HOUR_US
        await log.append(lines(10))
        assert oldest_us() == morning
        await log.acked(replace(log.view.head, seq=15))
        assert oldest_us() == morning
        await log.acked(replace(log.view.head, seq=20))
        assert oldest_us() == clock.now_us
        await log.acked(log.view.head)
        assert oldest_us() is None


class TestNotes:
    async def test_they_are_kept_replaced_and_forgotten(self, make: Make) -> None:
        async with make() as log:
            assert log.notes() == {}
            await log.put_note("session", b"1")
            await log.put_note("mode", b"sale")
            await log.put_note("session", b"2")
            await log.put_note("never", None)
            assert log.notes() == {"session": b"2", "mode": b"sale"}
        async with make() as log:
            assert log.notes() == {"session": b"2", "mode": b"sale"}
            await log.put_note("session", None)
            assert log.notes() == {"mode": b"sale"}
        async with make() as log:
            assert log.notes() == {"mode": b"sale"}
            assert log.view.head.seq == 0

    async def test_they_change_together_with_lines(self, log: StationLog) -> None:
        await log.append(lines(1), {"basket": b"1 line"})
        assert (log.view.head.seq, log.notes()) == (1, {"basket": b"1 line"})
        with pytest.raises(LineTooLong):
            await log.append([b"x" * (MAX_LINE_BYTES + 1)], {"basket": b"2 lines"})
        with pytest.raises(ContractBroken):
            await log.append([b"\n"], {"basket": b"2 lines"})
        assert (log.view.head.seq, log.notes()) == (1, {"basket": b"1 line"})

    async def test_what_was_given_does_not_change_later(self, log: StationLog) -> None:
        await log.put_note("a", b"1")
        given = log.notes()
        await log.put_note("a", b"2")
        assert given == {"a": b"1"}


class TestGrowth:
    async def test_it_returns_at_once_if_the_head_moved_already(self, log: StationLog) -> None:
        seen = log.view.head
        await log.append([b"x"])
        view = await asyncio.wait_for(log.wait_grown(seen), DEADLINE_S)
        assert view == log.view

    async def test_it_wakes_for_lines_and_for_a_new_epoch(self, log: StationLog) -> None:
        for change in (log.append([b"x"]), opened(log, log.view.head.epoch, 0)):
            waiting = [asyncio.ensure_future(log.wait_grown(log.view.head)) for _ in range(3)]
            await asyncio.sleep(0)
            assert not any(one.done() for one in waiting)
            await change
            for view in await asyncio.wait_for(asyncio.gather(*waiting), DEADLINE_S):
                assert view == log.view

    async def test_a_note_is_no_growth(self, log: StationLog) -> None:
        waiting = asyncio.ensure_future(log.wait_grown(log.view.head))
        await log.put_note("a", b"1")
        await log.put_note("a", b"2")
        assert not waiting.done()
        await log.append([b"x"])
        await asyncio.wait_for(waiting, DEADLINE_S)

    async def test_a_follower_misses_nothing(self, log: StationLog) -> None:
        followed: list[bytes] = []

        async def follow() -> None:
            seen = log.view.head
            while len(followed) < 300:
                view = await log.wait_grown(seen)
                while seen.seq < view.head.seq:
                    part = await log.read(seen.epoch, seen.seq + 1, 50, READ_BYTES)
                    followed.extend(part.lines)
                    seen = Position(seen.epoch, seen.seq + len(part.lines), extend(part.digest, part.lines))
                assert seen.digest == view.head.digest or seen.seq > view.head.seq

        async def produce(start: int) -> None:
            for line in lines(100, start=start):
                await log.append([line])

        await asyncio.wait_for(asyncio.gather(follow(), produce(1), produce(101), produce(201)), DEADLINE_S)
        assert sorted(followed) == sorted(lines(300))
        assert followed == await read_all(log)

    async def test_closing_ends_the_waiting(self, make: Make) -> None:
        async with make() as log:
            waiting = asyncio.ensure_future(log.wait_grown(log.view.head))
            await asyncio.sleep(0)
        with pytest.raises(ContractBroken):
            await asyncio.wait_for(waiting, DEADLINE_S)


class TestStats:
    async def test_they_count_since_opening(self, make: Make) -> None:
        async with make() as log:
            await log.append(lines(10))
            await log.append(lines(10))
            stats = log.stats
            assert (stats.entries, stats.appended, stats.refused) == (20, 20, 0)
            assert stats.commits >= 2
            assert stats.bytes_on_disk > 20 * len(b"line 1")
        async with make() as log:
            assert (log.stats.entries, log.stats.appended) == (20, 0)
