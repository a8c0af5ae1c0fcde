"""Many callers share the disk, each is answered, and all who listen hear what goes on."""

from __future__ import annotations

import asyncio

import pytest

from edge.buffer.sqlite_log import SqliteLog
from edge.runner.broadcast import LISTENERS, WAITING, Broadcast
from edge.runner.runner import Runner
from edge.station.actions import Accepted, Work
from edge.station.happenings import (
    Decided,
    DeviceCondition,
    Happening,
    Missed,
    Scanned,
    StationStatus,
    TooManyListeners,
    Weighed,
)
from protocol.cards import Mode
from shelfwire.simulators.scale import SimulatedScale8217
from shelfwire.simulators.scanner import SimulatedScanner
from tests.integration.runner.devices import scale_at, scanner_at
from tests.integration.station_rig import (
    MILK,
    TEA,
    StationRig,
    until,
)

LONG_TAKES = 20


async def test_many_callers_share_the_disk(rig: StationRig) -> None:
    async with rig.at_work() as runner:
        outcomes = await asyncio.gather(*(runner.scan(MILK) for _ in range(200)))
        assert sorted(o.where.seq for o in outcomes if isinstance(o, Accepted) and o.where) == list(range(1, 201))
        assert rig.stock.stats.commits <= 200
        if isinstance(rig.stock, SqliteLog):
            assert rig.stock.stats.commits < 100


async def test_a_caller_who_goes_away_leaves_no_scan_undecided(rig: StationRig) -> None:
    async with rig.at_work() as runner:
        for _ in range(LONG_TAKES):
            caller = asyncio.create_task(runner.scan(MILK))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            caller.cancel()
        await until(lambda: runner.status.accepted == LONG_TAKES)
        assert isinstance(await runner.scan("SW1:MODE:COUNT"), Accepted)
        assert isinstance(await runner.scan(TEA), Accepted)
        assert isinstance(await runner.scan("SW1:END"), Accepted)


async def test_listeners_hear_what_goes_on(
    rig: StationRig, scanner: SimulatedScanner, scale: SimulatedScale8217
) -> None:
    rig.peripherals = [scanner_at(scanner.path), scale_at(scale.path)]
    heard: list[Happening] = []

    async def listen(runner: Runner) -> None:
        with runner.listen() as happenings:
            async for happening in happenings:
                heard.append(happening)  # noqa: PERF401 - heard while it grows

    async with rig.at_work() as runner:
        listening = asyncio.create_task(listen(runner))
        await until(lambda: any(isinstance(one, Weighed) for one in heard))
        assert await scanner.scan(MILK) is True
        await runner.set_work(Work(Mode.WASTE))
        await until(lambda: any(isinstance(one, StationStatus) and one.mode is Mode.WASTE for one in heard))
        scanner.port.unplug()
        await until(lambda: any(isinstance(one, DeviceCondition) and one.status == "lost" for one in heard))
        listening.cancel()
    assert [one.scan.text for one in heard if isinstance(one, Scanned)] == [MILK]
    decided = [one.outcome for one in heard if isinstance(one, Decided)]
    assert isinstance(decided[0], Accepted)
    assert decided[0].where is not None


async def test_a_slow_listener_misses_the_oldest_and_is_told_how_many() -> None:
    broadcast = Broadcast()
    with broadcast.listen() as happenings:
        for number in range(WAITING + 3):
            broadcast.tell(Missed(number))
        assert await anext(happenings) == Missed(3)
        assert await anext(happenings) == Missed(3)
        assert await anext(happenings) == Missed(4)


async def test_there_is_an_end_to_listeners() -> None:
    broadcast = Broadcast()
    contexts = [broadcast.listen() for _ in range(LISTENERS)]
    for context in contexts:
        context.__enter__()
    with pytest.raises(TooManyListeners), broadcast.listen():
        pass
    contexts[0].__exit__(None, None, None)
    with broadcast.listen():
        pass
