"""How much a station logs that moves no stock: weights as they change, refusals, and never more than a steady rate."""

from __future__ import annotations

from enum import StrEnum

from protocol.events import Rejection, Weighing

BURST_S = 5


class Room(StrEnum):
    """How much room a station's storage has left, and so what of the chatter is still logged (ADR 0017)."""

    AMPLE = "ample"
    """All of it."""
    SHORT = "short"
    """Refusals; no weights any more."""
    SCARCE = "scarce"
    """Nothing: what room there is belongs to the stock log."""


class ChatterGate:
    """Says which entries go to the chatter log; the rest is counted.

    A bucket of `per_s` tokens a second, `BURST_S` seconds deep, one token an entry. Weighings leave its lower half
    alone, so that a scale that never rests does not crowd out refusals. `room` is set by who looks after the storage.
    """

    def __init__(self, per_s: float) -> None:
        self._per_us = per_s / 1_000_000
        self._depth = max(2.0, per_s * BURST_S)
        self._tokens = self._depth
        self._filled_us: int | None = None
        self._weighed: dict[str, tuple[str, int | None]] = {}
        self._suppressed = 0
        self._thinned = 0
        self.room = Room.AMPLE

    @property
    def suppressed(self) -> int:
        """How many entries did not pass for their number."""
        return self._suppressed

    @property
    def thinned(self) -> int:
        """How many entries did not pass for want of room."""
        return self._thinned

    def passes(self, entry: Rejection | Weighing, up_us: int) -> bool:
        """Decide on an entry at boot time `up_us`. A weight equal to the scale's last logged one is no loss."""
        if self._filled_us is not None:
            self._tokens = min(self._depth, self._tokens + max(0, up_us - self._filled_us) * self._per_us)
        self._filled_us = up_us
        floor = 0.0
        if isinstance(entry, Weighing):
            said = (entry.state, entry.grams)
            if self._weighed.get(entry.device) == said:
                return False
            floor = self._depth / 2
        if self.room is Room.SCARCE or (self.room is Room.SHORT and isinstance(entry, Weighing)):
            self._thinned += 1
            return False
        if self._tokens - floor < 1:
            self._suppressed += 1
            return False
        self._tokens -= 1
        if isinstance(entry, Weighing):
            self._weighed[entry.device] = (entry.state, entry.grams)
        return True
