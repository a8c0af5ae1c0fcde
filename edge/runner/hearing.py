"""Takes each reading of a device to whom it concerns: the check, enrolment, the rules, RFID, whoever listens."""

from __future__ import annotations

from collections.abc import Callable

from edge.clock import Clock
from edge.codecs.readings import AntennaState, CardTap, Reading, Refused, Scan, TagRead, Weight, WeightState
from edge.enrol.api import Enrolling
from edge.runner.answers import Answers
from edge.runner.broadcast import Broadcast
from edge.runner.chatter import ChatterWriter
from edge.runner.doing import Doing
from edge.runner.handover import HandoverDesk
from edge.runner.invited import take_invitation
from edge.runner.supervisor import Peripheral
from edge.runner.sweep_desk import SweepDesk
from edge.station.actions import RAW_BYTES, Accepted, Answer, Lookup, Rejected
from edge.station.happenings import Decided, Scanned, Tapped, Weighed
from edge.station.station import Station
from protocol.events import Rejection, Weighing
from protocol.identity import DeviceId
from protocol.invitation import looks_like_invitation


class Hearing:
    """One for each runner. `tags` takes what RFID readers say; `enrol` and `handover` as the runner has them."""

    def __init__(
        self,
        station: Station,
        clock: Clock,
        lookup: Lookup,
        doing: Doing,
        answers: Answers,
        chatter: ChatterWriter,
        broadcast: Broadcast,
        sweeps: SweepDesk,
        tags: Callable[[DeviceId, TagRead | AntennaState], None],
        enrol: Enrolling | None,
        handover: HandoverDesk | None,
    ) -> None:
        self._station = station
        self._clock = clock
        self._lookup = lookup
        self._doing = doing
        self._answers = answers
        self._chatter = chatter
        self._broadcast = broadcast
        self._sweeps = sweeps
        self._tags = tags
        self._enrol = enrol
        self._handover = handover
        self._weights: dict[DeviceId, tuple[WeightState, int | None]] = {}
        self._scanners: set[DeviceId] = set()

    async def heard(self, peripheral: Peripheral, reading: Reading) -> None:
        """Take a reading; a scan is answered when this returns, or waits for its weight."""
        device = peripheral.id
        if self._handover is not None and await self._taken_for_check(self._handover, peripheral, reading):
            return
        match reading:
            case Scan():
                self._scanners.add(device)
                ticket = self._answers.ticket_of_scan(device, peripheral.device)
                if looks_like_invitation(reading.text):
                    outcome = await take_invitation(self._enrol, reading.text, self._station.work.mode)
                    await self._doing.do((Answer(ticket, outcome),))
                    return
                self._broadcast.tell(Scanned(device, reading))
                await self._doing.ask(
                    ticket, lambda: self._station.on_scan(ticket, reading, self._clock.now(), self._lookup)
                )
            case Weight():
                when = self._clock.now()
                self._chatter.say(Weighing(when, device, reading.state.value, reading.grams), when.up_us)
                said = (reading.state, reading.grams)
                if self._weights.get(device) != said:
                    self._weights[device] = said
                    self._broadcast.tell(Weighed(device, reading))
                await self._doing.do(self._station.on_weight(device, reading, when))
            case CardTap():
                self._broadcast.tell(Tapped(device, reading))
            case TagRead():
                self._tags(device, reading)
                self._sweeps.heard(device, reading)
            case AntennaState():
                self._tags(device, reading)
            case Refused(name, detail, raw):
                when = self._clock.now()
                text = raw[:RAW_BYTES].decode("latin-1")
                self._chatter.say(Rejection(when, device, name, detail[:RAW_BYTES], text), when.up_us)
                self._broadcast.tell(Decided(device, Rejected(name, detail)))
                # The lights are about scans: a scale that talks nonsense is seen in its health, unless it scans too.
                is_scale = device in self._weights or device == self._station.scale
                await self._answers.refuse(name, shown=device in self._scanners or not is_scale)

    async def _taken_for_check(self, handover: HandoverDesk, peripheral: Peripheral, reading: Reading) -> bool:
        """Give a reading to the check first; what it takes is never goods, never logged, and told to nobody."""
        taken = handover.take(peripheral.id, reading, in_session=self._station.session is not None)
        if taken is None:
            return False
        if isinstance(reading, Scan):
            ticket = self._answers.ticket_of_scan(peripheral.id, peripheral.device)
            await self._answers.give(ticket, taken.refused or Accepted("check", self._station.work.mode))
        return True
