"""What the log says of starts, stops and time: what a restart takes up, marks, anchors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from types import TracebackType

from edge.codecs.readings import Reading, Scan
from edge.drivers.api import Health, Status
from edge.runner.marks import TRIED_NOTE
from edge.runner.supervisor import Peripheral
from edge.station.actions import Accepted, Rejected, Work
from protocol.cards import Mode
from protocol.events import (
    Anchor,
    Count,
    CountReading,
    Delta,
    Mark,
    Reversal,
)
from protocol.identity import DeviceId
from tests.integration.station_rig import (
    BANANAS,
    MILK,
    TEA,
    StationRig,
    entries,
    until,
)


async def test_a_count_goes_on_after_a_restart_and_undo_reaches_back(rig: StationRig) -> None:
    async with rig.at_work() as runner:
        for code in ("SW1:MODE:COUNT", MILK, MILK, TEA):
            assert isinstance(await runner.scan(code), Accepted)
    async with rig.at_work() as runner:
        assert runner.status.mode is Mode.COUNT
        for code in ("SW1:UNDO", MILK, "SW1:END", "SW1:MODE:SALE", TEA, TEA):
            assert isinstance(await runner.scan(code), Accepted)
    async with rig.at_work() as runner:
        for _ in range(2):
            assert isinstance(await runner.scan("SW1:UNDO"), Accepted)
        assert await runner.scan("SW1:UNDO") == Rejected(
            "nothing-to-undo", "nothing was done in this mode that still stands"
        )
        found = await entries(rig.stock)
    assert [entry.qty_milli for entry in found if isinstance(entry, CountReading)] == [1000, 1000, 1000, -1000, 1000]
    assert {entry.code: entry.qty_milli for entry in found if isinstance(entry, Count)} == {MILK: 3000}
    sold = [number for number, entry in enumerate(found, 1) if isinstance(entry, Delta)]
    assert [entry.seq for entry in found if isinstance(entry, Reversal)] == sold[::-1]


async def test_an_orderly_stop_closes_the_log_with_a_mark_unless_a_count_is_open(rig: StationRig) -> None:
    async with rig.at_work() as runner:
        await runner.scan(MILK)
    async with rig.stock:
        last = (await entries(rig.stock))[-1]
        assert isinstance(last, Mark)
        assert last.closing
    async with rig.at_work() as runner:
        await runner.set_work(Work(Mode.COUNT))
        await runner.scan(MILK)
    async with rig.stock:
        assert isinstance((await entries(rig.stock))[-1], CountReading)


async def test_a_stop_refuses_what_waits_for_a_weight_and_what_comes_after(rig: StationRig) -> None:
    async with rig.at_work() as runner:
        waiting = asyncio.create_task(runner.scan(BANANAS))
        await until(lambda: runner._station.next_deadline_us is not None)
    assert await waiting == Rejected("stopping", "the station stopped")
    assert isinstance(await runner.scan(MILK), Rejected)
    async with rig.stock:
        assert [type(entry) for entry in await entries(rig.stock)] == [Mark]


async def test_marks_come_steadily_but_not_while_a_count_is_open(rig: StationRig) -> None:
    rig.mark_every_s = 0.02
    async with rig.at_work() as runner:
        await until(lambda: rig.stock.view.head.seq >= 2)
        await runner.set_work(Work(Mode.COUNT))
        await runner.scan(MILK)
        before = rig.stock.view.head.seq
        await asyncio.sleep(0.2)
        assert rig.stock.view.head.seq == before
        await until(lambda: TRIED_NOTE in rig.stock.notes())  # that it takes what it is given is shown all the same
        await runner.scan("SW1:END")
        await until(lambda: rig.stock.view.head.seq >= before + 2)
        assert isinstance((await entries(rig.stock))[before], Count)


class HurriedScanner:
    """Counts one item after the other, each scan there before the one before is answered."""

    async def __aenter__(self) -> HurriedScanner:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def readings(self) -> AsyncIterator[Reading]:
        for _ in range(50):
            for text in (MILK, "SW1:END"):
                yield Scan(text, text.encode())
        await asyncio.Event().wait()

    async def acknowledge(self, accepted: bool) -> None: ...

    def health(self) -> Health:
        return Health(Status.READY)


async def test_no_mark_comes_between_a_reading_and_the_count_it_is_of(rig: StationRig) -> None:
    rig.mode, rig.mark_every_s = Mode.COUNT, 0.0
    rig.peripherals = [Peripheral(DeviceId("scanner"), "hurried", HurriedScanner())]
    async with rig.at_work() as runner:
        await until(lambda: runner.status.accepted == 100)
        assert runner.status.rejected == 0
        await until(lambda: rig.stock.view.head.seq > 100)  # with the last count at the latest a mark may come
        found = [type(entry) for entry in await entries(rig.stock) if not isinstance(entry, Anchor)]
    assert Mark in found
    assert (CountReading, Mark) not in set(pairwise(found))


async def test_anchors_are_logged_sparingly(rig: StationRig) -> None:
    async with rig.at_work() as runner:
        for second in range(5):
            await runner.anchor(second * 1_000_000, second * 1_000_000 + 2000, 1_750_000_000_000_000)
        assert [type(entry) for entry in await entries(rig.stock)] == [Anchor]
