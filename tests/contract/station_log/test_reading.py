"""What every `StationLog` promises of reading, to whoever asks now and to whoever waits for more."""

from __future__ import annotations

import asyncio

import pytest

from edge.buffer.api import BLOCK_ENTRIES, READ_BYTES, StationLog
from edge.buffer.errors import NotKept
from edge.errors import ContractBroken
from protocol.chain import Position, extend
from protocol.frames import MAX_LINE_BYTES
from protocol.identity import Epoch
from protocol.replication.ports import Slice
from tests.contract.station_log.logs import DEADLINE_S, Make, lines, opened, read_all


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
