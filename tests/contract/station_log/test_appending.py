"""What every `StationLog` promises of opening, closing and appending, on disk and in memory alike."""

from __future__ import annotations

import asyncio

import pytest

from edge.buffer.api import BLOCK_ENTRIES, DAY_US, LogLimits, StationLog
from edge.buffer.errors import LineTooLong, LogFull
from edge.errors import ContractBroken
from protocol.chain import Chapter, Position, extend
from protocol.frames import MAX_LINE_BYTES
from protocol.identity import Epoch
from tests.contract.station_log.logs import NONCE, NOON_US, Clock, Make, attempt, lines, opened, read_all


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
