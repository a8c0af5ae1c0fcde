"""Quantity cards that wait for their scan: one a device, and not for ever."""

from __future__ import annotations

from edge.station.actions import Ticket
from protocol.identity import DeviceId

VALID_US = 60_000_000
"""How long a card waits; after that it was forgotten, and would hit the next shopper."""


class Quantities:
    """What was read from quantity cards, by the device that read it."""

    def __init__(self) -> None:
        self._pieces: dict[DeviceId, int] = {}
        self._until_us: dict[DeviceId, int] = {}
        self._in_use: dict[Ticket, tuple[int, int]] = {}

    @property
    def next_deadline_us(self) -> int | None:
        """When the first of them expires (boot time)."""
        return min(self._until_us.values(), default=None)

    def put(self, device: DeviceId, pieces: int, up_us: int) -> None:
        """Have the device's next scan stand for `pieces`; a card read before is replaced."""
        self._pieces[device] = pieces
        self._until_us[device] = up_us + VALID_US

    def of(self, device: DeviceId) -> int:
        """How many pieces the device's next scan stands for."""
        return self._pieces.get(device, 1)

    def use(self, ticket: Ticket) -> None:
        """Have a scan that is to be written use up its device's card, if there is one."""
        pieces, until_us = self._pieces.pop(ticket.device, None), self._until_us.pop(ticket.device, None)
        if pieces is not None and until_us is not None:
            self._in_use[ticket] = pieces, until_us

    def used(self, ticket: Ticket) -> None:
        """Learn that the scan is written."""
        self._in_use.pop(ticket, None)

    def not_used(self, ticket: Ticket) -> None:
        """Learn that the scan is not written: the card holds for the next, unless another was read meanwhile."""
        pieces, until_us = self._in_use.pop(ticket, (None, 0))
        if pieces is not None and ticket.device not in self._pieces:
            self._pieces[ticket.device] = pieces
            self._until_us[ticket.device] = until_us

    def drop(self, device: DeviceId) -> bool:
        """Forget the device's card; False if there was none."""
        self._until_us.pop(device, None)
        return self._pieces.pop(device, None) is not None

    def clear(self) -> None:
        """Forget all of them."""
        self._pieces.clear()
        self._until_us.clear()
        self._in_use.clear()

    def expire(self, up_us: int) -> list[tuple[DeviceId, int]]:
        """Forget those that waited too long, and give their devices and pieces."""
        late = [(device, self._pieces[device]) for device, until_us in self._until_us.items() if until_us <= up_us]
        for device, _ in late:
            self.drop(device)
        return late
