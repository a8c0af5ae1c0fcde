"""Tells a refusal that is only a wait from one that somebody should hear of. Pure.

A station that was just enrolled speaks before the broker has read the hub's new list of who may: for a second or two
nothing of it is delivered, and nothing is wrong. It stays a wait until the hub was heard once, and for not too long.
"""

from __future__ import annotations

from enum import StrEnum

TAKEN_UP_S = 30.0
"""How long the broker may take; the hub asks it for anew every ten seconds."""
EVERY = 1000
"""Of a refusal that goes on, each such is told of again."""


class Tell(StrEnum):
    """What is to be said of a refusal."""

    NOTHING = "nothing"
    WAITS = "waits"
    REFUSED = "refused"


class Refusals:
    """Counts them, for one station since it began."""

    def __init__(self) -> None:
        self.count = 0
        self._heard = False
        self._first_s = 0.0
        self._told_wait = False
        self._told = False

    def heard(self) -> None:
        """The hub was heard: it knows the station, and so does the broker."""
        self._heard = True

    def waits(self, now_s: float) -> bool:
        """Whether it is to be waited for that the broker takes the station up."""
        return not self._heard and self.count > 0 and now_s - self._first_s < TAKEN_UP_S

    def refused(self, now_s: float, *, permission: bool) -> Tell:
        """Count one, and say what to tell; `permission`: for who we are, not for what was sent."""
        self.count += 1
        if self.count == 1:
            self._first_s = now_s
        if permission and self.waits(now_s):
            told, self._told_wait = self._told_wait, True
            return Tell.NOTHING if told else Tell.WAITS
        told, self._told = self._told, True
        return Tell.REFUSED if not told or self.count % EVERY == 0 else Tell.NOTHING
