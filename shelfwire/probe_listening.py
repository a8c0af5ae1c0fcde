"""Listens to one attached device on behalf of `shelfwire edge probe`, and sends nothing unless told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from edge.codecs.readings import Scan
from edge.drivers.api import Driver, Trial
from edge.drivers.fitting import Fit, fits, scan_fits
from edge.links.evdev import EvdevLink, InputDevice
from edge.links.serial import SerialLine, SerialLink

QUIET_S = 0.5
"""So long without a byte ends a stretch; every driver's own idle time is shorter or as long."""
ANSWER_S = 0.7
MOST_BYTES = 64 * 1024
"""No probe keeps more."""


class Pipe(Protocol):
    """What is listened to."""

    async def read(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Heard:
    """What a device sent, on a line set so (0 and "": it has none), and what makes sense of it, best first."""

    baud: int
    frame: str
    stretches: tuple[bytes, ...]
    fits: tuple[Fit, ...]

    @property
    def bytes(self) -> int:
        return sum(len(stretch) for stretch in self.stretches)


def serial_lines(drivers: Sequence[Driver[Any]]) -> list[tuple[int, str]]:
    """Every setting of a line that a driver has a trial for; 8N1 first, since USB knows no other."""
    wanted: dict[tuple[int, str], set[str]] = {}
    for driver in drivers:
        for trial in driver.trials:
            if trial.baud:
                wanted.setdefault((trial.baud, trial.frame), set()).add(driver.name)
    return sorted(wanted, key=lambda line: (line[1] != "8N1", line[0] != 9600, -len(wanted[line])))


async def hear(pipe: Pipe, wait_s: float, *, once: bool) -> tuple[bytes, ...]:
    """Take what comes within `wait_s`, by stretches between silences; `once`: the first stretch is all."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait_s
    stretches: list[bytes] = []
    while sum(map(len, stretches)) < MOST_BYTES and not (once and stretches):
        stretch = await _stretch(pipe, max(0.0, deadline - loop.time()))
        if not stretch:
            break
        stretches.append(stretch)
    return tuple(stretches)


async def _stretch(pipe: Pipe, wait_s: float) -> bytes:
    stretch = b""
    while len(stretch) < MOST_BYTES:
        try:
            async with asyncio.timeout(QUIET_S if stretch else wait_s):
                data = await pipe.read()
        except TimeoutError:
            break
        if not data:
            break
        stretch += data
    return stretch


async def listen_to_serial(
    port: str, drivers: Sequence[Driver[Any]], wait_s: float, tell: Callable[[str], None]
) -> list[Heard]:
    """Listen on each line in turn, and stop at one that makes sense. Raises `HardwareAbsent`."""
    heard: list[Heard] = []
    for baud, frame in serial_lines(drivers):
        tell(f"listening at {baud} {frame}")
        async with SerialLink(SerialLine(port, baud, frame)) as link:
            stretches = await hear(link, wait_s, once=False)
        heard.append(Heard(baud, frame, stretches, tuple(fits(drivers, baud, frame, stretches))))
        if heard[-1].fits:
            break
    return heard


async def ask_on_serial(port: str, drivers: Sequence[Driver[Any]], tell: Callable[[str], None]) -> list[Heard]:
    """Send each harmless question on its line, until an answer makes sense. Raises `HardwareAbsent`, `LinkLost`."""
    heard: list[Heard] = []
    for baud, frame in serial_lines(drivers):
        async with SerialLink(SerialLine(port, baud, frame)) as link:
            for ask in _questions(drivers, baud, frame):
                tell(f"asking {ask!r} at {baud} {frame}")
                link.read_waiting()
                await link.write(ask)
                stretches = await hear(link, ANSWER_S, once=True)
                found = fits(drivers, baud, frame, stretches)
                # An answer to this question is worth more than what merely looks like one.
                found.sort(key=lambda fit: fit.trial.ask != ask)
                heard.append(Heard(baud, frame, stretches, tuple(found)))
                if found:
                    return heard
    return heard


def _questions(drivers: Sequence[Driver[Any]], baud: int, frame: str) -> list[bytes]:
    trials: list[Trial] = [trial for driver in drivers for trial in driver.trials]
    return list(dict.fromkeys(one.ask for one in trials if one.ask and (one.baud, one.frame) == (baud, frame)))


async def scan_on_serial(
    port: str, drivers: Sequence[Driver[Any]], printed: str, wait_s: float, tell: Callable[[str], None]
) -> list[Heard]:
    """Have the code scanned, on one line after the other as long as what comes makes no sense."""
    heard: list[Heard] = []
    for baud, frame in serial_lines(drivers):
        tell(f"listening at {baud} {frame}: scan the code {'again' if heard else 'now'}")
        async with SerialLink(SerialLine(port, baud, frame)) as link:
            stretches = await hear(link, wait_s, once=True)
        heard.append(Heard(baud, frame, stretches, tuple(scan_fits(drivers, baud, frame, stretches, printed))))
        if heard[-1].fits or not stretches:
            break
    return heard


async def scan_on_input(
    path: str,
    drivers: Sequence[Driver[Any]],
    printed: str,
    wait_s: float,
    tell: Callable[[str], None],
    *,
    grab: bool = True,
) -> list[Heard]:
    """Have the code scanned by what types it, kept from the console meanwhile. Raises `HardwareAbsent`."""
    async with EvdevLink(InputDevice(path, grab)) as link:
        tell("scan the code now")
        stretches = await hear(link, wait_s, once=True)
    return [Heard(0, "", stretches, tuple(scan_fits(drivers, 0, "", stretches, printed)))]


async def scan_by_driver(driver: Driver[Any], table: Mapping[str, object], wait_s: float) -> Scan | None:
    """Have a code scanned through the driver itself, where nothing has to be settled. Raises `HardwareAbsent`."""
    async with driver.make_from(table) as device:
        readings: AsyncIterator[object] = device.readings()
        try:
            async with asyncio.timeout(wait_s):
                async for reading in readings:
                    if isinstance(reading, Scan):
                        return reading
        except TimeoutError:
            pass
    return None
