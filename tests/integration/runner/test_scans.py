"""From a device's reading through the rules to the log, and back to the light and the scanner."""

from __future__ import annotations

import asyncio
from pathlib import Path

from edge.buffer.api import LogLimits
from edge.drivers.api import parse_table
from edge.drivers.feedback import Signal
from edge.drivers.serial_scanner import SerialScanner, SerialScannerSettings
from edge.runner.runner import Runner
from edge.runner.supervisor import Peripheral
from edge.station.happenings import (
    Happening,
    StationStatus,
)
from edge.station.summary import SessionSummary
from protocol.cards import PlaceCard, card_text
from protocol.events import (
    Delta,
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
from tests.integration.runner.devices import scale_at, scanner_at
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
