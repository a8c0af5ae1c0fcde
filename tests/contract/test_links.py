"""What holds for every byte pipe to hardware: serial port (on a pty), input and HID device (on FIFOs), TCP, HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.errors import ContractBroken, HardwareAbsent
from edge.links.evdev import EvdevLink, InputDevice
from edge.links.hidraw import HidrawLink
from edge.links.serial import SerialLine, SerialLink
from tests.contract.link_rigs import DEADLINE_S, EvdevRig, HidrawRig, HttpRig, Rig, SerialRig, TcpRig, read_all


@pytest.fixture(
    params=[SerialRig, EvdevRig, HidrawRig, TcpRig, HttpRig], ids=["serial", "evdev", "hidraw", "tcp", "http"]
)
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    rig: Rig = request.param(tmp_path)
    yield rig
    rig.vanish()


async def test_every_byte_value_comes_through_in_order(rig: Rig) -> None:
    async with rig.link() as link:
        rig.send(bytes(range(256)) * 4)
        assert await read_all(link, 1024) == bytes(range(256)) * 4


async def test_bytes_that_came_before_it_was_opened_are_not_lost(rig: Rig) -> None:
    rig.send(b"early")
    async with rig.link() as link:
        assert await read_all(link, 5) == b"early"


async def test_a_read_waits_for_bytes(rig: Rig) -> None:
    async with rig.link() as link:
        reading = asyncio.create_task(link.read())
        while not reading.done():
            rig.send(b"x")
            await asyncio.wait([reading], timeout=DEADLINE_S)
        assert set(await reading) == {ord("x")}


async def test_a_cancelled_read_loses_nothing(rig: Rig) -> None:
    async with rig.link() as link:
        for _ in range(20):
            reading = asyncio.create_task(link.read())
            await asyncio.sleep(0)
            reading.cancel()
            await asyncio.wait([reading])
        rig.send(b"kept")
        assert await read_all(link, 4) == b"kept"


async def test_a_device_that_vanishes_reads_as_nothing_now_and_ever_after(rig: Rig) -> None:
    async with rig.link() as link:
        reading = asyncio.create_task(link.read())
        await asyncio.sleep(0)
        rig.vanish()
        async with asyncio.timeout(DEADLINE_S):
            assert await reading == b""
            assert await link.read() == b""


async def test_closing_wakes_a_waiting_read_and_twice_is_harmless(rig: Rig) -> None:
    link = rig.link()
    async with link:
        reading = asyncio.create_task(link.read())
        await asyncio.sleep(0)
        link.close()
        async with asyncio.timeout(DEADLINE_S):
            assert await reading == b""
        link.close()


async def test_a_link_that_is_not_open_is_our_bug_to_read(rig: Rig) -> None:
    link = rig.link()
    with pytest.raises(ContractBroken):
        await link.read()
    async with link:
        with pytest.raises(ContractBroken):
            await link.__aenter__()
    with pytest.raises(ContractBroken):
        await link.read()


async def test_a_closed_link_opens_again(rig: Rig) -> None:
    link = rig.link()
    for data in (b"one", b"two"):
        async with link:
            rig.send(data)
            assert await read_all(link, 3) == data


async def test_a_path_that_is_not_there_is_absent_hardware(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nowhere")
    for link in (SerialLink(SerialLine(nowhere)), EvdevLink(InputDevice(nowhere)), HidrawLink(nowhere)):
        with pytest.raises(HardwareAbsent, match="No such file"):
            await link.__aenter__()


async def test_a_file_that_is_no_such_device_is_absent_hardware(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.touch()
    with pytest.raises(HardwareAbsent, match="not a serial port"):
        await SerialLink(SerialLine(str(plain))).__aenter__()
    with pytest.raises(HardwareAbsent, match="cannot be grabbed"):
        await EvdevLink(InputDevice(str(plain))).__aenter__()
    with pytest.raises(HardwareAbsent, match="no HID device"):
        await HidrawLink(str(plain)).__aenter__()
