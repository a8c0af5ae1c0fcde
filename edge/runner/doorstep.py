"""A station that is nobody: its devices work, its lights are red, and every scan is refused but an invitation."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

from edge.codecs.readings import CardTap, Reading, Refused, Scan, Weight
from edge.drivers.feedback import Feedback, Standing
from edge.enrol.api import Enrolling
from edge.enrol.record import State
from edge.hardware.watch import Plug
from edge.presence.inventory import Inventory
from edge.runner.answers import Answers
from edge.runner.broadcast import Broadcast
from edge.runner.invited import take_invitation
from edge.runner.no_zones import NoZones
from edge.runner.supervisor import Peripheral, Supervisor
from edge.station.actions import LOCAL_API, Outcome, Rejected, Where, Work
from edge.station.happenings import Decided, Happening, Scanned, StationStatus, Tapped, Weighed
from edge.station.summary import SessionSummary
from protocol.cards import Mode
from protocol.events import BasketEnd, CountReading, Delta
from protocol.identity import DeviceId
from protocol.invitation import looks_like_invitation

LOOK_EVERY_S = 0.5

_log = logging.getLogger(__name__)


class Doorstep:
    """Stands in for the runner until the station is enrolled; opened with `async with`. No log is open."""

    def __init__(
        self, desk: Enrolling, peripherals: Sequence[Peripheral], feedback: Feedback, plugs: Mapping[DeviceId, Plug]
    ) -> None:
        self._desk = desk
        self._feedback = feedback
        self._answers = Answers(feedback)
        self._broadcast = Broadcast()
        self._tags = NoZones()
        self._supervisors = [
            Supervisor(one, self._on_reading, self._broadcast.tell, self._on_closed, plugs.get(one.id))
            for one in peripherals
        ]

    async def __aenter__(self) -> Self:
        """Open the devices."""
        await self._feedback.__aenter__()
        for supervisor in self._supervisors:
            supervisor.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.gather(*(supervisor.stop() for supervisor in self._supervisors))
        await self._feedback.__aexit__(kind, error, trace)

    async def show(self) -> None:
        """Keep the lights telling that the station is nobody, or about to be somebody; until cancelled."""
        while True:
            busy = self._desk.standing.state is State.ASKED
            await self._feedback.stand(Standing(busy=busy, behind=True, nobody=True))
            await asyncio.sleep(LOOK_EVERY_S)

    # For till software

    async def scan(self, code: str, qty_milli: int | None = None) -> Outcome:
        """Take an invitation; refuse all else."""
        ticket, outcome = self._answers.ticket_of_caller(LOCAL_API)
        await self._answers.give(ticket, await self._decide(code))
        return await outcome

    async def set_work(self, work: Work) -> Outcome:
        """Refuse."""
        return self.refusal

    async def end_session(self, session: str | None = None) -> Outcome:
        """Refuse."""
        return self.refusal

    async def open_basket(self, document: str | None = None) -> Outcome:
        """Refuse."""
        return self.refusal

    async def close_basket(self, basket: str, how: BasketEnd) -> Outcome:
        """Refuse."""
        return self.refusal

    async def restore(self, where: Where) -> Outcome:
        """Refuse."""
        return self.refusal

    async def summary(self) -> SessionSummary | None:
        """Nothing is open."""
        return None

    async def tags(self, zone: str | None, limit: int) -> Inventory:
        """No tag is anywhere."""
        return await self._tags.inventory(zone, limit)

    @property
    def restorable(self) -> tuple[tuple[Where, Delta | CountReading], ...]:
        """Nothing."""
        return ()

    def listen(self) -> AbstractContextManager[AsyncIterator[Happening]]:
        """Hear all that goes on while the context lasts. Raises `TooManyListeners`."""
        return self._broadcast.listen()

    @property
    def status(self) -> StationStatus:
        """How the station is now; its mode is of no matter."""
        rejections = self._answers.rejections
        return StationStatus(
            mode=Mode.SALE,
            document=None,
            to_place=None,
            session=None,
            devices=tuple(supervisor.condition for supervisor in self._supervisors),
            accepted=self._answers.accepted,
            suppressed=0,
            rejected=rejections.total(),
            rejections=tuple(sorted(rejections.items())),
            chatter_dropped=0,
            chatter_thinned=0,
        )

    @property
    def refusal(self) -> Rejected:
        """Why nothing is taken here."""
        standing = self._desk.standing
        if standing.state is State.ENDED:
            return Rejected("identity-ended", standing.words)
        return Rejected("not-enrolled", standing.words or "scan an invitation from the hub")

    async def _on_reading(self, peripheral: Peripheral, reading: Reading) -> None:
        device = peripheral.id
        match reading:
            case Scan(text=text):
                ticket = self._answers.ticket_of_scan(device, peripheral.device)
                if not looks_like_invitation(text):
                    self._broadcast.tell(Scanned(device, reading))
                outcome = await self._decide(text)
                await self._answers.give(ticket, outcome)
                self._broadcast.tell(Decided(device, outcome))
            case Refused(name, detail, _):
                await self._answers.refuse(name, shown=False)
                self._broadcast.tell(Decided(device, Rejected(name, detail)))
            case Weight():
                self._broadcast.tell(Weighed(device, reading))
            case CardTap():
                self._broadcast.tell(Tapped(device, reading))
            case _:
                pass  # tags and antennas: there is no place yet where they could be

    async def _decide(self, text: str) -> Outcome:
        if looks_like_invitation(text):
            return await take_invitation(self._desk, text, Mode.SALE)
        return self.refusal

    def _on_closed(self, peripheral: Peripheral) -> None:
        self._answers.closed(peripheral.id)
