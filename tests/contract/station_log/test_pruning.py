"""What every `StationLog` promises of acknowledging and pruning: nothing goes that the reader lacks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.buffer.api import BLOCK_ENTRIES, DAY_US, HOUR_US, READ_BYTES, LogLimits, StationLog
from edge.buffer.errors import NotKept
from protocol.chain import Position, extend
from protocol.identity import Epoch
from tests.contract.station_log.logs import NOON_US, Clock, Make, fill_and_prune, lines, opened, read_all


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
