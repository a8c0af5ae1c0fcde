"""Keeps one device open: the only place where a device is tried again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass

from edge.codecs.readings import Reading
from edge.drivers.api import Device
from edge.errors import TryAgain
from edge.hardware.watch import Plug
from edge.station.happenings import DeviceCondition
from protocol.acceptance import StepKind
from protocol.identity import DeviceId

FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 1.5
"""A device that is plugged back in reads again within 2 s, also where its coming is not told."""
UNTOLD_S = 60.0
"""How long a device that is not there is left alone where its coming is told, in case it was not."""
SETTLE_S = 0.01
"""Udev makes a device, gives it to its group and links to it in one go; one try for all that."""
STEADY_S = 5.0
"""A device that stayed open so long, or gave a reading, did succeed: the next failure waits shortly again."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Peripheral:
    """A device of the station, and what kind it is (its driver's name).

    `paths` are the files in its settings: it can be opened once they are there. `experimental` is why its driver is.
    `checks` are the steps by which a technician proves it.
    """

    id: DeviceId
    kind: str
    device: Device
    paths: tuple[str, ...] = ()
    experimental: str = ""
    checks: tuple[StepKind, ...] = ()


class Supervisor:
    """One device, from `start` to `stop`.

    `on_reading` is awaited for each reading before the next is asked for. `on_change` is told each new condition.
    `closed` is told when the device was closed: what was not answered until then never will be. `plug`, if given, tells
    when the device appears: it is then tried at once, and not again and again while it is not there.
    """

    def __init__(
        self,
        peripheral: Peripheral,
        on_reading: Callable[[Peripheral, Reading], Awaitable[None]],
        on_change: Callable[[DeviceCondition], None],
        closed: Callable[[Peripheral], None],
        plug: Plug | None = None,
    ) -> None:
        self.peripheral = peripheral
        self._on_reading = on_reading
        self._on_change = on_change
        self._closed = closed
        self._plug = plug
        self._broke = ""
        self._told: DeviceCondition | None = None
        self._wait_s = FIRST_WAIT_S
        self._busy = False
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def condition(self) -> DeviceCondition:
        """How the device is now."""
        one = self.peripheral
        status, note, figures = "failed", self._broke, dict[str, int]()
        if not self._broke:
            try:
                health = one.device.health()
            except Exception as error:  # noqa: BLE001 - whatever a driver does, the station's health is told
                note = f"health: {type(error).__name__}: {error}"
            else:
                status, note, figures = health.status.value, health.note, dict(health.figures)
        if one.experimental:
            note = f"{note}; experimental" if note else "experimental"
        return DeviceCondition(one.id, one.kind, status, note, figures)

    def start(self) -> None:
        """Begin to open and read the device."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name=f"device {self.peripheral.id}")

    async def stop(self) -> None:
        """Take no more readings, let the one at hand be decided, close. Twice is harmless."""
        self._stopping.set()
        if self._task is not None:
            if not self._busy:
                self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            opened = loop.time()
            if self._plug is not None:
                self._plug.forget()
            try:
                await self._read()
                self._broke = "" if self._stopping.is_set() else "its readings ended"
            except TryAgain:
                self._broke = ""
            except Exception as error:  # noqa: BLE001 - whatever a driver does, the other devices carry on
                self._broke = f"{type(error).__name__}: {error}"
                _log.error("driver broke", extra={"device": self.peripheral.id}, exc_info=error)
            self._closed(self.peripheral)
            self._tell()
            if loop.time() - opened >= STEADY_S:
                self._wait_s = FIRST_WAIT_S
            await self._until_worth_a_try()

    async def _until_worth_a_try(self) -> None:
        """Wait until the device appears, or else for the back-off."""
        plug = self._plug
        if plug is None:
            await asyncio.sleep(self._wait_s)
        else:
            try:
                async with asyncio.timeout(UNTOLD_S if plug.gone() else self._wait_s):
                    await plug.appeared()
                await asyncio.sleep(SETTLE_S)
                self._wait_s = FIRST_WAIT_S
                return
            except TimeoutError:
                pass
        self._wait_s = min(2 * self._wait_s, LONGEST_WAIT_S)

    async def _read(self) -> None:
        async with self.peripheral.device as device:
            self._broke = ""
            self._tell()
            readings = device.readings()
            try:
                async for reading in readings:
                    await self._decide(reading)
                    if self._stopping.is_set():
                        return
            finally:
                if isinstance(readings, AsyncGenerator):
                    await readings.aclose()
                if self._plug is not None:
                    self._plug.forget()

    async def _decide(self, reading: Reading) -> None:
        self._wait_s = FIRST_WAIT_S
        self._busy = True
        try:
            await self._on_reading(self.peripheral, reading)
        finally:
            self._busy = False

    def _tell(self) -> None:
        condition = self.condition
        if condition == self._told:
            return
        self._told = condition
        log = _log.info if condition.status in ("ready", "closed") else _log.warning
        log("device", extra={"device": condition.device, "status": condition.status, "note": condition.note})
        self._on_change(condition)
