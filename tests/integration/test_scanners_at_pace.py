"""Several scanners that type at once, at the pace of real ones: no code is lost, merged with another or split.

Each scanner's keys come from a thread of its own at its own pace, through a FIFO (which carries records as an input
device does) or, for who may make one, a real input device of the kernel's.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import random
import struct
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from edge.codecs.layouts import DE, ES, FR, IT, UK, US, Layout
from edge.codecs.readings import Reading, Scan
from edge.drivers.api import Status, parse_table
from edge.drivers.keyboard_wedge import KeyboardWedge, KeyboardWedgeSettings
from edge.runner.supervisor import Peripheral
from protocol.events import Delta
from protocol.identity import DeviceId
from tests.contract.link_rigs import EvdevRig
from tests.integration.station_rig import StationRig, entries, make_log, until
from tests.unit.edge_codecs import keys

pytestmark = pytest.mark.alone

IDLE_MS = 1000
"""More than the 200 ms of a shop: on a machine that runs other tests a thread may well sleep that long between keys."""
UINPUT = Path("/dev/uinput")


class Keyboard(ABC):
    """Where a scanner's keys go in; `path` is where they come out, and `grab` whether that can be grabbed."""

    path: Path
    grab: bool

    @abstractmethod
    def send(self, records: bytes) -> None: ...

    @abstractmethod
    def unplug(self) -> None: ...


class FifoKeyboard(Keyboard):
    grab = False

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._rig = EvdevRig(folder)
        self.path = self._rig.path

    def send(self, records: bytes) -> None:
        self._rig.send(records)

    def unplug(self) -> None:
        self._rig.vanish()


class UinputKeyboard(Keyboard):
    """A keyboard of the kernel's own (kernel Documentation/input/uinput.rst), for who may make one."""

    grab = True
    _SET_EVBIT, _SET_KEYBIT, _CREATE, _DESTROY = 0x40045564, 0x40045565, 0x5501, 0x5502
    _SETUP, _GET_SYSNAME = 0x405C5503, 0x8040552C

    def __init__(self, folder: Path) -> None:
        self._descriptor = os.open(UINPUT, os.O_WRONLY)
        fcntl.ioctl(self._descriptor, self._SET_EVBIT, keys.KEY)
        for key in range(1, 128):
            fcntl.ioctl(self._descriptor, self._SET_KEYBIT, key)
        fcntl.ioctl(self._descriptor, self._SETUP, struct.pack("HHHH80sI", 3, 1, 1, 1, folder.name.encode(), 0))
        fcntl.ioctl(self._descriptor, self._CREATE)
        found = fcntl.ioctl(self._descriptor, self._GET_SYSNAME, bytes(64)).rstrip(b"\0").decode()
        (event,) = Path("/sys/devices/virtual/input", found).glob("event*")
        self.path = Path("/dev/input") / event.name

    def send(self, records: bytes) -> None:
        os.write(self._descriptor, records)

    def unplug(self) -> None:
        fcntl.ioctl(self._descriptor, self._DESTROY)
        os.close(self._descriptor)


KINDS: list[Callable[[Path], Keyboard]] = [FifoKeyboard]
if os.access(UINPUT, os.W_OK):
    KINDS.append(UinputKeyboard)


@dataclass(frozen=True)
class Typist:
    """A scanner that types codes at `key_s` a key, each with an Enter."""

    name: str
    layout: Layout
    key_s: float
    codes: Sequence[str]

    def strokes(self) -> Iterator[bytes]:
        """What each key sends: the key itself with its Shift or AltGr."""
        for code in self.codes:
            yield from (keys.typing(self.layout, character) for character in code)
            yield keys.press(keys.ENTER)

    def type(self, keyboard: Keyboard) -> float:
        """Type all of it; give the seconds it took."""
        began = time.perf_counter()
        for number, stroke in enumerate(self.strokes(), 1):
            keyboard.send(stroke)
            time.sleep(max(0.0, began + number * self.key_s - time.perf_counter()))
        return time.perf_counter() - began


def codes_of(name: str, count: int) -> list[str]:
    """Different codes for each scanner: EAN-13 and EAN-8, one of which could be part of another, and GS1."""
    chance = random.Random(name)

    def ean(digits: str) -> str:
        odd, even = sum(map(int, digits[::-1][0::2])), sum(map(int, digits[::-1][1::2]))
        return digits + str(-(3 * odd + even) % 10)

    codes: list[str] = []
    for number in range(count):
        match number % 4:
            case 0 | 1:
                codes.append(ean(f"40{chance.randrange(10**10):010}"))
            case 2:
                codes.append(ean(f"9{chance.randrange(10**6):06}"))
            case _:
                codes.append(f"SHELF-{name}/{number}.{chance.randrange(1000)}")
    return codes


TYPISTS = {
    "two at 1 ms a key": [
        Typist(name, layout, 0.001, codes_of(name, 80)) for name, layout in (("left", US), ("right", FR))
    ],
    "four at 5 ms a key": [
        Typist(layout.name, layout, 0.005, codes_of(layout.name, 32)) for layout in (DE, UK, ES, IT)
    ],
}
every_shop = pytest.mark.parametrize("typists", TYPISTS.values(), ids=TYPISTS)


def wedge_at(keyboard: Keyboard, layout: Layout) -> KeyboardWedge:
    table = {"path": str(keyboard.path), "layout": layout.name, "grab": keyboard.grab, "idle_ms": IDLE_MS}
    return KeyboardWedge(parse_table("keyboard-wedge", KeyboardWedgeSettings, table))


async def read(device: KeyboardWedge, count: int) -> list[Reading]:
    found: list[Reading] = []
    async with device, asyncio.timeout(60):
        async for reading in device.readings():
            found.append(reading)
            if len(found) == count:
                break
    return found


async def type_all(typists: Sequence[Typist], keyboards: Sequence[Keyboard]) -> list[float]:
    """All of them at once, each in a thread; give what each took a key."""
    took = dict.fromkeys((one.name for one in typists), 0.0)

    def work(typist: Typist, keyboard: Keyboard) -> None:
        took[typist.name] = typist.type(keyboard)

    threads = [threading.Thread(target=work, args=pair) for pair in zip(typists, keyboards, strict=True)]
    for thread in threads:
        thread.start()
    await asyncio.gather(*(asyncio.to_thread(thread.join) for thread in threads))
    return [took[one.name] / sum(len(code) + 1 for code in one.codes) for one in typists]


def assert_at_pace(typists: Sequence[Typist], paces: Sequence[float]) -> None:
    """They were not slower than told, or the test shows less than it says."""
    print("ms a key:", *(f"{pace * 1000:.2f}" for pace in paces))
    for typist, pace in zip(typists, paces, strict=True):
        assert pace < 2 * typist.key_s


@pytest.mark.parametrize("kind", KINDS)
@every_shop
async def test_each_scanners_codes_come_whole_and_in_order(
    typists: list[Typist], kind: Callable[[Path], Keyboard], tmp_path: Path
) -> None:
    keyboards = [kind(tmp_path / one.name) for one in typists]
    wedges = [wedge_at(board, one.layout) for board, one in zip(keyboards, typists, strict=True)]
    reading = [asyncio.create_task(read(wedge, len(one.codes))) for wedge, one in zip(wedges, typists, strict=True)]
    await until(lambda: all(wedge.health().status is Status.READY for wedge in wedges))
    paces = await type_all(typists, keyboards)
    found = await asyncio.gather(*reading)
    for typist, readings in zip(typists, found, strict=True):
        assert readings == [Scan(code, code.encode()) for code in typist.codes]
    assert_at_pace(typists, paces)
    for board in keyboards:
        board.unplug()


@every_shop
async def test_each_code_is_sold_once_and_in_the_scanners_order(typists: list[Typist], tmp_path: Path) -> None:
    rig = StationRig(make_log("disk", tmp_path / "stock.db"), make_log("disk", tmp_path / "chatter.db"))
    keyboards = [FifoKeyboard(tmp_path / one.name) for one in typists]
    rig.peripherals = [
        Peripheral(DeviceId(one.name), "keyboard-wedge", wedge_at(board, one.layout))
        for board, one in zip(keyboards, typists, strict=True)
    ]
    async with rig.at_work() as runner:
        paces = await type_all(typists, keyboards)
        await until(lambda: runner.status.accepted + runner.status.rejected == sum(len(one.codes) for one in typists))
        assert runner.status.rejections == ()
        sold = [entry for entry in await entries(rig.stock) if isinstance(entry, Delta)]
    for typist in typists:
        assert [entry.code for entry in sold if entry.device == typist.name] == list(typist.codes)
    assert_at_pace(typists, paces)
    for board in keyboards:
        board.unplug()


async def test_keys_that_came_while_the_process_was_held_up_are_no_silence(tmp_path: Path) -> None:
    """A stall longer than the gap in the middle of a code: the rest lies in the kernel when the loop runs again."""
    board = FifoKeyboard(tmp_path / "one")
    table = {"path": str(board.path), "grab": False, "idle_ms": 50}
    reading = asyncio.create_task(read(KeyboardWedge(parse_table("keyboard-wedge", KeyboardWedgeSettings, table)), 2))
    for _ in range(2):
        board.send(keys.typing(US, "400638"))
        for _ in range(5):
            await asyncio.sleep(0.002)
        board.send(keys.typing(US, "1333931"))
        time.sleep(0.1)  # noqa: ASYNC251 - it is the stall
        board.send(keys.press(keys.ENTER))
        await asyncio.sleep(0)
    assert await reading == [Scan("4006381333931", b"4006381333931")] * 2
    board.unplug()
