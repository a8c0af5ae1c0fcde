"""What every `StationLog` promises at its cap: what the reader has gives way, what it lacks never does."""

from __future__ import annotations

from edge.buffer.api import READ_BYTES, LogLimits
from edge.buffer.errors import LogFull
from protocol.chain import Position
from tests.contract.station_log.logs import Make, attempt, read_all

SMALL = LogLimits(max_bytes=1_000_000)


async def test_at_its_cap_what_is_acked_goes_without_being_asked_for(make: Make) -> None:
    async with make(SMALL) as log:
        for number in range(60):
            await log.append([b"%d" % number + b"x" * 1000] * 50)
            await log.acked(log.view.head)
        assert log.view.head.seq == 3000
        assert 100 < log.stats.entries < 1000
        assert len(await read_all(log)) == log.stats.entries
        assert log.stats.refused == 0


async def test_what_is_not_acked_stays_and_the_next_ones_are_refused(make: Make) -> None:
    async with make(SMALL) as log:
        await log.append([b"x" * 1000] * 500)
        await log.acked(Position(log.view.head.epoch, 300, b""))
        refusals = [await attempt(log, [b"x" * 1000] * 20) for _ in range(60)]
        assert isinstance(refusals[-1], LogFull)
        assert 300 - 50 <= log.view.first.seq <= 300
        assert log.stats.unacked >= 600
        found = await log.read(log.view.head.epoch, 301, 10, READ_BYTES)
        assert len(found.lines) == 10


async def test_it_tells_its_room_and_what_it_stored(make: Make) -> None:
    async with make(SMALL) as log:
        before = log.stats
        assert before.max_bytes == 1_000_000
        await log.append([b"x" * 1000] * 100)
        stats = log.stats
        assert 100_000 <= stats.stored_bytes - before.stored_bytes <= 105_000
        assert before.room_bytes - stats.room_bytes == stats.stored_bytes - before.stored_bytes
        assert (stats.reserve_bytes, stats.reserve_missing_bytes) == (0, 0)
