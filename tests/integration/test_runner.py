"""The runner: from real devices through the rules to the log, and back to the light and the scanner."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from types import TracebackType

import pytest

from edge.buffer.api import LogLimits
from edge.buffer.sqlite_log import SqliteLog
from edge.codecs.readings import Reading, Scan
from edge.drivers.api import Health, Status, parse_table
from edge.drivers.feedback import Signal
from edge.drivers.scale_8217 import Scale8217, Scale8217Settings
from edge.drivers.serial_scanner import SerialScanner, SerialScannerSettings
from edge.errors import HardwareAbsent
from edge.runner.broadcast import LISTENERS, WAITING, Broadcast
from edge.runner.runner import Runner
from edge.runner.supervisor import Peripheral
from edge.station.actions import Accepted, Rejected, Work
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
from edge.station.summary import SessionSummary
from protocol.cards import Mode, PlaceCard, card_text
from protocol.events import (
    Anchor,
    Count,
    CountReading,
    Delta,
    Mark,
    Rejection,
    Restored,
    Reversal,
    StationEntry,
    Suppressed,
    Weighing,
)
from protocol.identity import DeviceId, PlaceId
from shelfwire.simulators.port import SimulatedPort
from shelfwire.simulators.scale import SimulatedScale8217
from shelfwire.simulators.scanner import SimulatedScanner
from tests.integration.station_rig import (
    BAD,
    BANANAS,
    DEADLINE_S,
    MILK,
    TEA,
    UNKNOWN,
    StationRig,
    entries,
    make_log,
    until,
)

LONG_TAKES = 20


@pytest.fixture(params=["memory", "disk"])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> StationRig:
    return StationRig(make_log(request.param, tmp_path / "stock.db"), make_log(request.param, tmp_path / "chatter.db"))


def scanner_at(path: Path, name: str = "scanner") -> Peripheral:
    settings = parse_table("serial-scanner", SerialScannerSettings, {"port": str(path), "ack": "honeywell"})
    return Peripheral(DeviceId(name), "serial-scanner", SerialScanner(settings))


def scale_at(path: Path) -> Peripheral:
    settings = parse_table("scale-8217", Scale8217Settings, {"port": str(path), "poll_ms": 50})
    return Peripheral(DeviceId("scale"), "scale-8217", Scale8217(settings))


@pytest.fixture
async def scanner(tmp_path: Path) -> AsyncIterator[SimulatedScanner]:
    async with SimulatedScanner(tmp_path / "scanner", ack=True) as scanner:
        yield scanner


@pytest.fixture
async def scale(tmp_path: Path) -> AsyncIterator[SimulatedScale8217]:
    async with SimulatedScale8217(tmp_path / "scale") as scale:
        yield scale


async def test_a_scan_is_durable_then_green_then_acknowledged(rig: StationRig, scanner: SimulatedScanner) -> None:
    rig.peripherals = [scanner_at(scanner.path)]
    async with rig.at_work() as runner:
        assert await scanner.scan(MILK) is True
        (event,) = await entries(rig.stock)
        assert isinstance(event, Delta)
        assert (event.device, event.code, event.qty_milli, event.price_minor) == ("scanner", MILK, -1000, 119)
        assert event.catalogue == 9
        assert rig.feedback.signals == (Signal.ACCEPTED,)
        assert (runner.status.accepted, runner.status.rejected) == (1, 0)


async def test_a_refused_scan_is_red_and_nak_and_in_the_chatter(rig: StationRig, scanner: SimulatedScanner) -> None:
    rig.peripherals = [scanner_at(scanner.path)]
    async with rig.at_work() as runner:
        assert await scanner.scan(BAD) is False
        assert await entries(rig.stock) == []
        assert rig.feedback.signals == (Signal.REFUSED,)
        assert runner.status.rejections == (("check-digit", 1),)
        await until(lambda: rig.chatter.view.head.seq)
        (entry,) = await entries(rig.chatter)
        assert isinstance(entry, Rejection)
        assert (entry.name, entry.raw) == ("check-digit", BAD)


async def test_noise_on_the_line_is_red_and_kept_and_the_next_scan_is_good(
    rig: StationRig, scanner: SimulatedScanner
) -> None:
    rig.peripherals = [scanner_at(scanner.path)]
    async with rig.at_work() as runner:
        assert await scanner.port.wait_for_reader(DEADLINE_S)
        await scanner.garbage(b"\x00\xff\x07\r")
        assert await scanner.scan(MILK) is True
        assert runner.status.rejected == 1
        assert rig.feedback.signals == (Signal.REFUSED, Signal.ACCEPTED)
        await until(lambda: rig.chatter.view.head.seq)
        assert [type(entry) for entry in await entries(rig.chatter)] == [Rejection]


async def test_a_scale_that_talks_nonsense_is_counted_but_the_lights_are_for_scans(
    rig: StationRig, tmp_path: Path
) -> None:
    async with SimulatedPort(tmp_path / "scale") as port:
        rig.peripherals = [scale_at(port.path)]
        async with rig.at_work() as runner:
            assert await port.wait_for_reader(DEADLINE_S)
            assert await port.receive() == b"W"
            await port.send(b"\x0201.250\r")
            assert await port.receive() == b"W"
            await port.send(b"\x02nonsense\r")
            await until(lambda: runner.status.rejected)
            assert rig.feedback.signals == ()


async def test_a_full_log_is_red_and_nak(tmp_path: Path, scanner: SimulatedScanner) -> None:
    tiny = LogLimits(max_bytes=1, keep_bytes=1)
    rig = StationRig(make_log("memory", tmp_path, tiny), make_log("memory", tmp_path))
    rig.peripherals = [scanner_at(scanner.path)]
    async with rig.at_work() as runner:
        assert await scanner.scan(MILK) is False
        assert runner.status.rejections == (("log-full", 1),)
        assert rig.feedback.signals == (Signal.REFUSED,)


async def test_an_unknown_item_is_sold_and_asks_for_attention(rig: StationRig, scanner: SimulatedScanner) -> None:
    rig.peripherals = [scanner_at(scanner.path)]
    async with rig.at_work():
        assert await scanner.scan(UNKNOWN) is True
        assert rig.feedback.signals == (Signal.ATTENTION,)
        assert len(await entries(rig.stock)) == 1


async def test_a_weighed_item_is_acknowledged_when_the_scale_is_at_rest(
    rig: StationRig, scanner: SimulatedScanner, scale: SimulatedScale8217
) -> None:
    rig.peripherals = [scanner_at(scanner.path), scale_at(scale.path)]
    async with rig.at_work():
        scale.trouble("motion")
        scan = asyncio.create_task(scanner.scan(BANANAS))
        await until(lambda: scale.statuses >= 3)
        assert not scan.done()
        scale.put(1250)
        assert await scan is True
        (event,) = await entries(rig.stock)
        assert isinstance(event, Delta)
        assert event.qty_milli == -1250
        await until(lambda: rig.chatter.view.head.seq >= 2)
        weighings = [entry for entry in await entries(rig.chatter) if isinstance(entry, Weighing)]
        assert [(entry.state, entry.grams) for entry in weighings][-2:] == [("motion", None), ("stable", 1250)]


async def test_no_weight_in_time_is_nak(rig: StationRig, scanner: SimulatedScanner, scale: SimulatedScale8217) -> None:
    rig.weight_wait_us = 300_000
    rig.peripherals = [scanner_at(scanner.path), scale_at(scale.path)]
    async with rig.at_work() as runner:
        scale.trouble("motion")
        assert await scanner.scan(BANANAS) is False
        assert runner.status.rejections == (("weight-motion", 1),)
        assert await entries(rig.stock) == []


async def test_a_device_is_answered_in_the_order_of_its_scans(rig: StationRig, scanner: SimulatedScanner) -> None:
    """The milk is refused while the bananas wait for a weight, but the scanner hears of the bananas first."""
    rig.weight_wait_us = 300_000
    told: list[bool] = []

    class Told(SerialScanner):
        async def acknowledge(self, accepted: bool) -> None:
            told.append(accepted)
            await super().acknowledge(accepted)

    settings = parse_table("serial-scanner", SerialScannerSettings, {"port": str(scanner.path), "ack": "honeywell"})
    rig.peripherals = [Peripheral(DeviceId("scanner"), "serial-scanner", Told(settings))]
    async with rig.at_work() as runner:
        assert await scanner.port.wait_for_reader(DEADLINE_S)
        await scanner.garbage(f"{BANANAS}\r{MILK}\r".encode())
        await until(lambda: "weighing" in dict(runner.status.rejections))
        assert told == []
        await until(lambda: len(told) == 2)
        assert dict(runner.status.rejections) == {"weighing": 1, "weight-none": 1}


async def test_two_scanners_share_commits_and_keep_their_own_order(rig: StationRig, tmp_path: Path) -> None:
    codes = [MILK, TEA] * 20
    async with (
        SimulatedScanner(tmp_path / "one", ack=True) as one,
        SimulatedScanner(tmp_path / "two", ack=True) as two,
    ):
        rig.peripherals = [scanner_at(one.path, "one"), scanner_at(two.path, "two")]
        async with rig.at_work():

            async def work(scanner: SimulatedScanner) -> None:
                for code in codes:
                    assert await scanner.scan(code) is True

            await asyncio.gather(work(one), work(two))
            found = [entry for entry in await entries(rig.stock) if isinstance(entry, Delta)]
    for name in ("one", "two"):
        assert [entry.code for entry in found if entry.device == name] == codes


async def test_a_code_left_before_a_presentation_scanner_is_sold_once_and_restored_if_it_was_meant(
    rig: StationRig, scanner: SimulatedScanner
) -> None:
    rig.peripherals = [scanner_at(scanner.path)]
    rig.dwell_us = {DeviceId("scanner"): 5_000_000}
    async with rig.at_work() as runner:
        assert [await scanner.scan(MILK) for _ in range(3)] == [True] * 3
        assert rig.feedback.signals == (Signal.ACCEPTED,)
        assert (runner.status.accepted, runner.status.suppressed, runner.status.rejected) == (1, 2, 0)
        sold, first, second = await entries(rig.stock)
        assert isinstance(sold, Delta)
        assert isinstance(first, Suppressed)
        assert isinstance(second, Suppressed)
        assert (first.seq, first.meant.code, first.meant.qty_milli) == (1, MILK, -1000)
        assert await scanner.scan("SW1:AGAIN") is True
        restored, again = (await entries(rig.stock))[3:]
        assert isinstance(restored, Restored)
        assert restored.seq == 3
        assert again == second.meant


async def test_after_a_restart_a_scan_held_back_is_restored_once_into_the_session_it_was_of(tmp_path: Path) -> None:
    async def work(codes: list[str]) -> Runner:
        rig = StationRig(make_log("disk", tmp_path / "stock.db"), make_log("memory", tmp_path))
        rig.peripherals = [scanner_at(scanner.path)]
        rig.dwell_us = {DeviceId("scanner"): 60_000_000}
        async with rig.at_work() as runner:
            for code in codes:
                await scanner.scan(code)
            found.append(await entries(rig.stock))
            sums.append(await runner.summary())
        return runner

    found: list[list[StationEntry]] = []
    sums: list[SessionSummary | None] = []
    async with SimulatedScanner(tmp_path / "scanner", ack=True) as scanner:
        await work([MILK, MILK])
        await work(["SW1:AGAIN"])
        runner = await work(["SW1:AGAIN", "SW1:END"])
    assert runner.status.rejections == (("nothing-to-restore", 1),)
    sold = [entry for entry in found[-1] if isinstance(entry, Delta)]
    assert [entry.code for entry in sold] == [MILK, MILK]
    assert len({entry.session for entry in sold}) == 1
    assert [one and one.total_minor for one in sums] == [119, 238, None]


async def test_goods_go_to_the_place_a_card_names(rig: StationRig, scanner: SimulatedScanner) -> None:
    rig.peripherals = [scanner_at(scanner.path)]
    async with rig.at_work() as runner:
        assert await scanner.scan(card_text(PlaceCard(PlaceId("stockroom")))) is True
        assert await scanner.scan(MILK) is True
        assert runner.status.to_place == "stockroom"
        assert await scanner.scan("SW1:PLACE:STOCKROO:RZ") is False
        assert await scanner.scan("SW1:UNDO") is True
        found = await entries(rig.stock)
    assert [(e.place, e.counter_place, e.qty_milli) for e in found if isinstance(e, Delta)] == [
        ("shop", "stockroom", -1000),
        ("stockroom", "shop", 1000),
    ]
    assert [e.seq for e in found if isinstance(e, Reversal)] == [1, 2]


async def test_a_sale_in_which_nothing_is_done_is_over_and_listeners_hear_of_it(
    rig: StationRig, scanner: SimulatedScanner
) -> None:
    rig.idle_us = 200_000
    rig.peripherals = [scanner_at(scanner.path)]
    async with rig.at_work() as runner:
        heard: list[Happening] = []
        with runner.listen() as happenings:
            assert await scanner.scan(MILK) is True
            assert runner.status.session is not None
            async with asyncio.timeout(DEADLINE_S):
                async for happening in happenings:
                    heard.append(happening)
                    if isinstance(happening, StationStatus):
                        break
        assert isinstance(heard[-1], StationStatus)
        assert heard[-1].session is None
        assert await runner.summary() is None
        assert await scanner.scan(MILK) is True
        first, second = await entries(rig.stock)
        assert isinstance(first, Delta)
        assert isinstance(second, Delta)
        assert first.session != second.session


async def test_an_absent_device_is_a_status_and_the_others_carry_on(
    rig: StationRig, scanner: SimulatedScanner, tmp_path: Path
) -> None:
    rig.peripherals = [scanner_at(tmp_path / "nothing", "gone"), scanner_at(scanner.path)]
    async with rig.at_work() as runner:
        assert await scanner.scan(MILK) is True
        gone, here, lights = runner.status.devices
        assert (gone.device, gone.status) == ("gone", "absent")
        assert gone.note
        assert (here.device, here.status) == ("scanner", "ready")
        assert lights.device == "lights"


async def test_a_device_plugged_in_again_reads_within_two_seconds(rig: StationRig, scanner: SimulatedScanner) -> None:
    rig.peripherals = [scanner_at(scanner.path)]
    async with rig.at_work() as runner:
        assert await scanner.scan(MILK) is True
        for _ in range(3):
            scanner.port.unplug()
            await until(lambda: runner.status.devices[0].status == "absent")
            scanner.port.plug_in()
            plugged = time.monotonic()
            assert await scanner.scan(MILK) is True
            assert time.monotonic() - plugged < 2
        assert len(await entries(rig.stock)) == 4


async def test_a_driver_that_breaks_is_a_status_and_tried_again(rig: StationRig, scanner: SimulatedScanner) -> None:
    class Broken:
        opened = 0

        async def __aenter__(self) -> Broken:
            self.opened += 1
            return self

        async def __aexit__(
            self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
        ) -> None:
            pass

        async def readings(self) -> AsyncIterator[Reading]:
            yield Scan(MILK, MILK.encode())
            raise ZeroDivisionError("a bug")

        async def acknowledge(self, accepted: bool) -> None:
            raise ZeroDivisionError("another bug")

        def health(self) -> Health:
            return Health(Status.READY)

    broken = Broken()
    rig.peripherals = [Peripheral(DeviceId("broken"), "third-party", broken), scanner_at(scanner.path)]
    async with rig.at_work() as runner:
        await until(lambda: broken.opened >= 2)
        await until(lambda: runner.status.devices[0].status == "failed")
        assert runner.status.devices[0].note == "ZeroDivisionError: a bug"
        assert await scanner.scan(TEA) is True
        codes = [entry.code for entry in await entries(rig.stock) if isinstance(entry, Delta)]
        assert codes.count(TEA) == 1
        assert codes.count(MILK) >= 2


async def test_waits_grow_while_a_device_stays_away(rig: StationRig) -> None:
    opened: list[float] = []

    class Absent:
        async def __aenter__(self) -> Absent:
            opened.append(time.monotonic())
            raise HardwareAbsent("nothing there")

        async def __aexit__(
            self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
        ) -> None:
            pass

        def readings(self) -> AsyncIterator[Reading]:
            raise AssertionError

        async def acknowledge(self, accepted: bool) -> None:
            pass

        def health(self) -> Health:
            return Health(Status.ABSENT, note="nothing there")

    rig.peripherals = [Peripheral(DeviceId("absent"), "third-party", Absent())]
    async with rig.at_work():
        await until(lambda: len(opened) == 4)
    waits = [later - earlier for earlier, later in pairwise(opened)]
    assert waits == sorted(waits)
    assert waits[2] > 3 * waits[0]


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
        found = [type(entry) for entry in await entries(rig.stock) if not isinstance(entry, Anchor)]
    assert Mark in found
    assert (CountReading, Mark) not in set(pairwise(found))


async def test_anchors_are_logged_sparingly(rig: StationRig) -> None:
    async with rig.at_work() as runner:
        for second in range(5):
            await runner.anchor(second * 1_000_000, second * 1_000_000 + 2000, 1_750_000_000_000_000)
        assert [type(entry) for entry in await entries(rig.stock)] == [Anchor]


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
