"""Brings each answer to whoever asked: lights for the person, ACK or NAK for the scanner, a result for the caller."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from dataclasses import dataclass

from edge.drivers.api import Device
from edge.drivers.feedback import Feedback
from edge.station.actions import Accepted, Outcome, Rejected, Repeated, Ticket
from protocol.identity import DeviceId

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Owed:
    """A scan its device has not been told about; `accepted` is None until that is decided."""

    ticket: Ticket
    accepted: bool | None = None


class Answers:
    """What is owed to whom. A device is told in the order of its scans, whichever was decided first."""

    def __init__(self, feedback: Feedback) -> None:
        self._feedback = feedback
        self._numbers = 0
        self._devices: dict[DeviceId, Device] = {}
        self._owed: dict[DeviceId, deque[_Owed]] = {}
        self._callers: dict[Ticket, asyncio.Future[Outcome]] = {}
        self._accepted = 0
        self._suppressed = 0
        self._rejections: Counter[str] = Counter()

    @property
    def accepted(self) -> int:
        """How many scans, cards and requests were accepted."""
        return self._accepted

    @property
    def suppressed(self) -> int:
        """How many scans were held back as doubles."""
        return self._suppressed

    @property
    def rejections(self) -> Counter[str]:
        """How many were rejected, by name."""
        return self._rejections

    def ticket_of_scan(self, device_id: DeviceId, device: Device) -> Ticket:
        """Note a scan of a device."""
        ticket = self._next(device_id)
        self._devices[device_id] = device
        self._owed.setdefault(device_id, deque()).append(_Owed(ticket))
        return ticket

    def ticket_of_caller(self, name: DeviceId) -> tuple[Ticket, asyncio.Future[Outcome]]:
        """Note a request; the future gets its outcome."""
        ticket = self._next(name)
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._callers[ticket] = future
        return ticket, future

    def closed(self, device_id: DeviceId) -> None:
        """Forget what is owed to a device that was closed: it starts anew."""
        self._owed.pop(device_id, None)

    async def give(self, ticket: Ticket, outcome: Outcome) -> None:
        """Give an answer, the person first."""
        match outcome:
            case Accepted(attention=attention):
                self._accepted += 1
                await (self._feedback.accepted() if attention is None else self._feedback.attention())
            case Repeated():
                # No light and no tone: to the person nothing happened. The scanner did its part.
                self._suppressed += 1
            case Rejected(name):
                await self.refuse(name)
        future = self._callers.pop(ticket, None)
        if future is not None and not future.done():
            future.set_result(outcome)
        await self._acknowledge(ticket, not isinstance(outcome, Rejected))

    async def refuse(self, name: str, *, shown: bool = True) -> None:
        """Count a refusal, and show it to the person."""
        self._rejections[name] += 1
        if shown:
            await self._feedback.refused()

    async def _acknowledge(self, ticket: Ticket, accepted: bool) -> None:
        owed = self._owed.get(ticket.device, deque())
        for one in owed:
            if one.ticket == ticket:
                one.accepted = accepted
        while owed and owed[0].accepted is not None:
            # Taken off first: while the device is being told, another answer may come.
            told = owed.popleft()
            try:
                await self._devices[ticket.device].acknowledge(told.accepted is True)
            except Exception as error:  # noqa: BLE001 - whatever a driver does, what was decided stays decided
                _log.error("device not acknowledged", extra={"device": ticket.device}, exc_info=error)

    def _next(self, device: DeviceId) -> Ticket:
        self._numbers += 1
        return Ticket(device, self._numbers)
