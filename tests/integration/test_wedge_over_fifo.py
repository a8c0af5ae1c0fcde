"""The wedge driver and a simulated scanner that types, with what shops have seen go wrong between the two."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from edge.codecs.layouts import FR, LAYOUTS, US, Layout
from edge.codecs.readings import Reading, Refused, Scan
from edge.drivers.api import parse_table
from edge.drivers.keyboard_wedge import KeyboardWedge, KeyboardWedgeSettings
from shelfwire.simulators.keyboard import GroupSeparator, SimulatedKeyboardScanner
from tests.integration.readings import collect, next_of

EAN, OTHER = "4006381333931", "96385074"
GS1 = "010400638133393110LOT/7\x1d17261231"
TAB, KEYPAD_ENTER, CAPS_LOCK, NUM_LOCK, F13 = 15, 96, 58, 69, 183


def wedge_of(scanner: SimulatedKeyboardScanner, layout: Layout, **settings: object) -> KeyboardWedge:
    table = {"path": str(scanner.path), "layout": layout.name, "grab": False, **settings}
    return KeyboardWedge(parse_table("keyboard-wedge", KeyboardWedgeSettings, table))


def texts(readings: list[Reading]) -> list[str]:
    return [one.text for one in readings if isinstance(one, Scan)]


@pytest.mark.parametrize("gs", GroupSeparator, ids=lambda gs: gs.value)
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
async def test_codes_come_in_every_layout_and_gs_in_each_of_its_ways(
    layout: Layout, gs: GroupSeparator, tmp_path: Path
) -> None:
    scanner = SimulatedKeyboardScanner(tmp_path / "event0", layout, gs=gs, end=TAB)
    wanted = {"gs": "f8"} if gs is GroupSeparator.F8 else {}
    async with scanner, wedge_of(scanner, layout, **wanted) as device:
        for code in (EAN, f"]C1{GS1}", "Shelf-7/b.3:x_Y"):
            await scanner.scan(code)
        found = await collect(device, 3)
    assert texts(found) == [EAN, GS1, "Shelf-7/b.3:x_Y"]


async def test_a_code_without_an_end_key_ends_at_the_gap(tmp_path: Path) -> None:
    scanner = SimulatedKeyboardScanner(tmp_path / "event0", US, end=None)
    async with scanner, wedge_of(scanner, US, idle_ms=50) as device:
        readings = device.readings()
        for code in (EAN, OTHER):
            await scanner.scan(code)
            assert texts([await next_of(readings)]) == [code]


async def test_lost_events_cost_the_code_they_tore_and_no_other(tmp_path: Path) -> None:
    scanner = SimulatedKeyboardScanner(tmp_path / "event0", US, end=KEYPAD_ENTER)
    async with scanner, wedge_of(scanner, US) as device:
        await scanner.scan(EAN)
        await scanner.scan_with_events_lost("12345" + OTHER, at=4)
        await scanner.scan(EAN)
        first, lost, last = await collect(device, 3)
        assert isinstance(lost, Refused)
        assert lost.name == "resynchronised"
        assert texts([first, last]) == [EAN, EAN]
        assert device.health().counters["refused.resynchronised"] == 1


async def test_caps_lock_in_the_scanners_mind_and_under_a_persons_finger(tmp_path: Path) -> None:
    scanner = SimulatedKeyboardScanner(tmp_path / "event0", FR, caps_lock=True)
    async with scanner, wedge_of(scanner, FR, caps_lock=True) as device:
        await scanner.scan("Shelf-7")
        await scanner.press(NUM_LOCK)
        await scanner.press(CAPS_LOCK)
        await scanner.press(CAPS_LOCK)
        await scanner.scan("aB1")
        assert texts(await collect(device, 2)) == ["Shelf-7", "aB1"]


async def test_a_pedal_or_a_key_that_is_held_gives_no_code(tmp_path: Path) -> None:
    scanner = SimulatedKeyboardScanner(tmp_path / "event0", US)
    async with scanner, wedge_of(scanner, US, idle_ms=50) as device:
        readings = device.readings()
        await scanner.hold(F13, repeats=20)
        pedal = await next_of(readings)
        await scanner.scan(EAN)
        scan = await next_of(readings)
    assert isinstance(pedal, Refused)
    assert pedal.name == "unknown-key"
    assert texts([scan]) == [EAN]


@pytest.mark.parametrize(("host", "set_to"), [(FR, US), (US, FR)], ids=["US scanner read as fr", "fr scanner as us"])
async def test_a_scanner_set_to_another_country_is_named(host: Layout, set_to: Layout, tmp_path: Path) -> None:
    scanner = SimulatedKeyboardScanner(tmp_path / "event0", set_to)
    async with scanner, wedge_of(scanner, host) as device:
        await scanner.scan(EAN)
        (reading,) = await collect(device, 1)
    assert isinstance(reading, Refused)
    assert reading.name == "wrong-layout"


async def test_unplugged_and_back_it_reads_on_without_the_half_code_of_before(tmp_path: Path) -> None:
    scanner = SimulatedKeyboardScanner(tmp_path / "event0", US, end=None)
    whole = SimulatedKeyboardScanner(tmp_path / "event0", US)
    device = wedge_of(scanner, US)
    async with scanner, device:
        await scanner.scan("40063")
        reading = asyncio.create_task(collect(device, 1))
        await asyncio.sleep(0)
        scanner.unplug()
        assert isinstance((await asyncio.gather(reading, return_exceptions=True))[0], Exception)
    async with whole, device:
        await whole.scan(EAN)
        assert texts(await collect(device, 1)) == [EAN]
