"""The station at work: opened and closed with its devices and its log, and asked by till software.

    device -> Supervisor -> Hearing -> Station.on_scan -> Commit -> Doing -> StationLog.append -> Station.committed
                                                                          -> Answers -> light, tone, ACK

Each device's readings are decided one after the other; those of several devices wait for the disk together. One lone
scan waits for nothing but its own commit.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Self

from edge.buffer.api import StationLog
from edge.clock import Clock
from edge.codecs.readings import Scan
from edge.drivers.api import Status
from edge.drivers.feedback import Feedback
from edge.enrol.api import Enrolling
from edge.hardware.watch import Plug
from edge.presence.inventory import Inventory
from edge.presence.rules import Rules
from edge.runner.answers import Answers
from edge.runner.broadcast import Broadcast
from edge.runner.chatter import ChatterWriter
from edge.runner.deadlines import Deadlines
from edge.runner.doing import Doing
from edge.runner.handover import HandoverDesk
from edge.runner.hearing import Hearing
from edge.runner.invited import take_invitation
from edge.runner.marks import Marks
from edge.runner.no_zones import NoZones
from edge.runner.recall import recall
from edge.runner.status import status_of
from edge.runner.supervisor import Peripheral, Supervisor
from edge.runner.sweep_desk import SweepDesk
from edge.station.actions import (
    LOCAL_API,
    Action,
    Lookup,
    Outcome,
    Rejected,
    Ticket,
    Where,
    Work,
)
from edge.station.anchoring import Anchoring
from edge.station.chatter import ChatterGate
from edge.station.happenings import LIGHTS, DeviceCondition, Happening, Scanned, StationStatus
from edge.station.station import Station
from edge.station.summary import SessionSummary
from protocol.events import BasketEnd, CountReading, Delta
from protocol.identity import DeviceId
from protocol.invitation import looks_like_invitation

MARK_EVERY_S = 60.0
NO_PLUGS: Mapping[DeviceId, Plug] = MappingProxyType({})

if TYPE_CHECKING:
    from edge.runner.tag_desk import TagDesk


class Runner:
    """Opened with `async with`, while both logs are open; works until it is closed."""

    def __init__(
        self,
        station: Station,
        stock: StationLog,
        chatter: StationLog,
        clock: Clock,
        lookup: Lookup,
        peripherals: Sequence[Peripheral],
        feedback: Feedback,
        gate: ChatterGate,
        anchoring: Anchoring,
        *,
        plugs: Mapping[DeviceId, Plug] = NO_PLUGS,
        presence: Rules = Rules(()),  # noqa: B008 - a value: no zones
        has_lights: bool = False,
        enrol: Enrolling | None = None,
        handover: HandoverDesk | None = None,
        mark_every_s: float = MARK_EVERY_S,
    ) -> None:
        """`plugs` tell when a device appears, for those where that is told. `has_lights`: the feedback is hardware, and
        told of in the status like a device. `enrol` takes invitations; None where the settings name the station.
        `handover` walks a technician through the devices; None likewise."""
        self._station = station
        self._stock = stock
        self._clock = clock
        self._lookup = lookup
        self._feedback = feedback
        self._has_lights = has_lights
        self._enrol = enrol
        self._answers = Answers(feedback)
        self._chatter = ChatterWriter(chatter, gate)
        self._broadcast = Broadcast()
        self._tags = self._tag_desk(presence) if presence.zones else NoZones()
        self._sweeps = SweepDesk(presence, stock, clock, lambda: station.given, lambda: station.person)
        self._doing = Doing(
            station,
            stock,
            clock,
            self._answers,
            self._chatter,
            self._broadcast,
            self._sweeps,
            lambda: self.status,
            self._note_standing,
        )
        self._hearing = Hearing(
            station,
            clock,
            lookup,
            self._doing,
            self._answers,
            self._chatter,
            self._broadcast,
            self._sweeps,
            self._tags.heard,
            enrol,
            handover,
        )
        self._supervisors = [
            Supervisor(one, self._hearing.heard, self._broadcast.tell, self._on_closed, plugs.get(one.id))
            for one in peripherals
        ]
        self._deadlines = Deadlines(station, clock, self._doing.tick)
        self._marks = Marks(station, stock, clock, anchoring, self._write_read, mark_every_s)
        self._tasks: list[asyncio.Task[None]] = []
        self._calls: set[asyncio.Task[None]] = set()
        self._open = False
        if handover is not None:
            handover.attach(lambda: self.status.devices, lambda: self.busy, self._tags_about)

    async def __aenter__(self) -> Self:
        """Take up where the log ends, then open the devices. Raises `LogRefused`."""
        await recall(self._station, self._stock, self._lookup)
        self._tags.open()
        self._doing.begin()
        await self._feedback.__aenter__()
        loop = asyncio.get_running_loop()
        jobs = (
            self._deadlines.run(),
            self._marks.run(),
            self._chatter.run(),
            self._tags.watch(),
            self._tags.write(),
            self._sweeps.write(),
        )
        self._tasks = [loop.create_task(job) for job in jobs]
        self._note_standing()
        for supervisor in self._supervisors:
            supervisor.start()
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take no more readings, let what is being committed be answered, and close the log with a mark."""
        if not self._open:
            return
        self._open = False
        await asyncio.gather(*(supervisor.stop() for supervisor in self._supervisors))
        await self._doing.do(self._station.on_stop(self._clock.now()))
        if self._calls:
            await asyncio.wait(self._calls)
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        await self._chatter.write_waiting()
        await self._marks.close()
        await self._feedback.__aexit__(kind, error, trace)

    async def watch(self) -> None:
        """Wait for as long as all is well. Raises what a job in the background died of: a bug of ours."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    # For till software and the uplink

    async def scan(self, code: str, qty_milli: int | None = None) -> Outcome:
        """Take a code as if a scanner had read it, and `qty_milli` in place of one piece or a weight.

        Gives the outcome once it is durable or refused; for a weighed item that is when a weight has come, or none.
        """
        if looks_like_invitation(code):
            return await take_invitation(self._enrol, code, self._station.work.mode)
        scan = Scan(code, code.encode("utf-8", errors="replace"))
        self._broadcast.tell(Scanned(LOCAL_API, scan))
        return await self._call(
            lambda ticket: self._station.on_scan(ticket, scan, self._clock.now(), self._lookup, qty_milli)
        )

    async def set_work(self, work: Work) -> Outcome:
        """Switch mode, document and place, as a card does."""
        return await self._call(lambda ticket: self._station.on_work(ticket, work, self._clock.now(), self._lookup))

    async def end_session(self, session: str | None = None) -> Outcome:
        """End the open session, as the END card does, and say what it came to; only `session`, where that is named."""
        return await self._call(lambda ticket: self._station.on_end(ticket, session, self._clock.now(), self._lookup))

    async def open_basket(self, document: str | None = None) -> Outcome:
        """Open a basket for what is scanned from now on, for the order `document` if it is named."""
        return await self._call(
            lambda ticket: self._station.on_open_basket(ticket, document, self._clock.now(), self._lookup)
        )

    async def close_basket(self, basket: str, how: BasketEnd) -> Outcome:
        """Close the basket, and say what it came to."""
        return await self._call(
            lambda ticket: self._station.on_close_basket(ticket, basket, how, self._clock.now(), self._lookup)
        )

    async def restore(self, where: Where) -> Outcome:
        """Do what the suppressed scan at `where` was meant to do."""
        return await self._call(lambda ticket: self._station.on_restore(ticket, where, self._clock.now()))

    async def summary(self) -> SessionSummary | None:
        """Say what the open session came to so far. Raises `BadInput` ("catalogue-failing")."""
        await self._doing.tick()
        return self._station.summary(self._lookup)

    async def tags(self, zone: str | None, limit: int) -> Inventory:
        """Tell of the RFID tags: how many are where, and `limit` of them at most, of one zone if it is named."""
        return await self._tags.inventory(zone, limit)

    @property
    def restorable(self) -> tuple[tuple[Where, Delta | CountReading], ...]:
        """The suppressed scans that could be restored now, and what each would do."""
        return self._station.restorable

    def listen(self) -> AbstractContextManager[AsyncIterator[Happening]]:
        """Hear all that goes on while the context lasts. Raises `TooManyListeners`."""
        return self._broadcast.listen()

    @property
    def status(self) -> StationStatus:
        """How the station is now."""
        devices = [supervisor.condition for supervisor in self._supervisors]
        if self._has_lights:
            health = self._feedback.health()
            devices.append(DeviceCondition(LIGHTS, "lights", health.status.value, health.note))
        return status_of(self._station, self._answers, self._chatter, devices, self._sweeps.seen)

    @property
    def ready(self) -> bool:
        """Whether all devices can be used now."""
        return all(supervisor.condition.status == Status.READY.value for supervisor in self._supervisors)

    @property
    def busy(self) -> bool:
        """Whether an item waits for its weight, or a count is open."""
        return not self._station.settled

    async def anchor(self, sent_up_us: int, received_up_us: int, hub_us: int) -> None:
        """Take an exchange with the hub: its clock read `hub_us` (UTC) between two of our boot times."""
        await self._marks.anchor(sent_up_us, received_up_us, hub_us)

    def _tags_about(self) -> frozenset[bytes]:
        return frozenset() if isinstance(self._tags, NoZones) else frozenset(one.epc for one in self._tags.standings())

    def _on_closed(self, peripheral: Peripheral) -> None:
        self._answers.closed(peripheral.id)
        self._tags.closed(peripheral.id)

    def _tag_desk(self, zones: Rules) -> TagDesk:
        # Loaded by stations with zones only: at a till it would be started for nothing.
        from edge.runner.tag_desk import TagDesk

        return TagDesk(zones, self._stock, self._clock, self._is_ready)

    def _is_ready(self, device: DeviceId) -> bool:
        return any(one.peripheral.id == device and one.condition.status == "ready" for one in self._supervisors)

    async def _call(self, ask: Callable[[Ticket], tuple[Action, ...]]) -> Outcome:
        if not self._open:
            return Rejected("stopping", "the station is not at work")
        ticket, outcome = self._answers.ticket_of_caller(LOCAL_API)
        # A caller who goes away stops waiting, not the work: what was asked is still answered, if to nobody.
        call = asyncio.create_task(self._doing.ask(ticket, lambda: ask(ticket)))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        await asyncio.shield(call)
        return await outcome

    def _note_standing(self) -> None:
        self._deadlines.note_standing()
        self._marks.note_standing()

    async def _write_read(self) -> bool:
        """Append what RFID readers saw and is not in the log yet; say whether that was done."""
        return await self._tags.write_waiting() and await self._sweeps.write_waiting()
