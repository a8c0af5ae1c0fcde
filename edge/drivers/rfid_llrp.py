"""RFID readers that speak LLRP over TCP: Impinj, Zebra FX and others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

import msgspec

from edge.codecs.llrp import LlrpCodec, Stage, from_options
from edge.codecs.llrp_wire import ReadingPlan
from edge.codecs.readings import Reading
from edge.drivers.api import Driver, Settings, StepKind
from edge.drivers.condition import Clock, boot_ns
from edge.drivers.linked import LinkedDevice
from edge.errors import HardwareAbsent, LinkLost, TryAgain
from edge.links.tcp import TcpLink, TcpPeer

MISSED_KEEPALIVES = 3
"""Periods without a byte from the reader after which it is taken for gone."""
LEAVE_S = 1.0
"""How long closing waits for the reader to say that it stopped."""


class RfidLlrpSettings(Settings, frozen=True):
    """A reader's table. `antennas`: the reader's own numbers, [] for all. `session`, `population`: of the Gen2 air
    protocol; left out, the reader's own hold. `report_every`: how many reads make a report."""

    host: Annotated[str, msgspec.Meta(min_length=1)]
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 5084
    antennas: Annotated[tuple[Annotated[int, msgspec.Meta(ge=1, le=255)], ...], msgspec.Meta(max_length=32)] = ()
    session: Annotated[int, msgspec.Meta(ge=0, le=3)] | None = None
    population: Annotated[int, msgspec.Meta(ge=1, le=65535)] | None = None
    report_every: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1
    keepalive_ms: Annotated[int, msgspec.Meta(ge=100, le=60_000)] = 5000
    connect_ms: Annotated[int, msgspec.Meta(ge=100, le=60_000)] = 5000
    answer_ms: Annotated[int, msgspec.Meta(ge=100, le=60_000)] = 10_000


class RfidLlrp(LinkedDevice[TcpLink]):
    """One reader; implements `edge.drivers.api.Device`.

    Open means that it reads: opening connects, clears what another client left, and starts it. A reader that has
    another client, or refuses what it is asked, is absent and says why.
    """

    def __init__(self, settings: RfidLlrpSettings, *, clock: Clock = boot_ns) -> None:
        peer = TcpPeer(settings.host, settings.port, settings.connect_ms / 1000)
        super().__init__(TcpLink(peer), str(peer), clock)
        self._settings = settings
        self._codec = LlrpCodec()

    async def readings(self) -> AsyncIterator[Reading]:
        self._check_open()
        codec, patience_s = self._codec, MISSED_KEEPALIVES * self._settings.keepalive_ms / 1000
        while True:
            while (reading := codec.next_reading()) is not None:
                self._condition.heard(reading)
                yield reading
            if codec.stage is Stage.ENDED:
                raise self._lost(codec.ended)
            await self._answer()
            data = await self._hear(patience_s)
            if data is None:
                raise self._lost(f"no keepalive for {patience_s:g} s")
            codec.feed(data)

    async def _prepare(self) -> None:
        settings = self._settings
        self._codec = LlrpCodec(
            ReadingPlan(
                settings.antennas,
                settings.report_every,
                settings.keepalive_ms,
                settings.session,
                settings.population,
            )
        )
        try:
            await self._start()
        except BaseException:
            await self._stop()
            raise

    async def _start(self) -> None:
        """Go through the conversation until the reader reads. Raises `HardwareAbsent`."""
        codec, patience_s = self._codec, self._settings.answer_ms / 1000
        try:
            async with asyncio.timeout(patience_s):
                while codec.stage is not Stage.READING:
                    if codec.stage is Stage.ENDED:
                        raise HardwareAbsent(f"{self._name}: {codec.ended}")
                    await self._link.write(codec.to_send())
                    data = await self._link.read()
                    if not data:
                        raise HardwareAbsent(f"{self._name} hung up while {codec.stage.value}")
                    codec.feed(data)
        except TimeoutError:
            raise HardwareAbsent(f"{self._name} is silent: {codec.stage.value}") from None
        except LinkLost as error:
            raise HardwareAbsent(str(error)) from error

    async def _stop(self) -> None:
        self._codec.leave()
        try:
            async with asyncio.timeout(LEAVE_S):
                await self._link.write(self._codec.to_send())
                while self._codec.stage is Stage.LEAVING and (data := await self._link.read()):
                    self._codec.feed(data)
        except (TimeoutError, TryAgain):
            pass  # it is gone, or will notice that we are

    async def _answer(self) -> None:
        try:
            await self._link.write(self._codec.to_send())
        except LinkLost as error:
            raise self._lost(str(error)) from error


DRIVER = Driver(
    "rfid-llrp",
    "RFID reader speaking LLRP (Impinj, Zebra FX)",
    RfidLlrpSettings,
    RfidLlrp,
    checks=(StepKind.TAG,),
    experimental="built from the LLRP standard, without a recorded capture",
    codecs={"llrp": from_options},
)
