"""Whether an antenna is alive, by what was seen of it, and for how long it was not."""

from __future__ import annotations


class Liveness:
    """One antenna: each sign of life counts for a while, a loss ends that at once. Times are UTC microseconds.

    `dead_us` sums up the time without life until the last sign; a tag that notes it with its last read can later be
    told for how much of its silence the antenna could have read it.
    """

    __slots__ = ("_alive_for_us", "_alive_until_us", "_lost_us", "dead_us", "renew_us")

    def __init__(self, alive_for_us: int, begun_us: int) -> None:
        self._alive_for_us = alive_for_us
        self._alive_until_us = begun_us
        self._lost_us = begun_us
        self.dead_us = 0
        self.renew_us = begun_us
        """Signs of life up to then say nothing new."""

    def seen(self, at_us: int) -> None:
        """A sign of life. One from before the last loss is none."""
        if at_us <= self._lost_us:
            return
        if at_us > self._alive_until_us:
            self.dead_us += at_us - self._alive_until_us
        self._alive_until_us = max(self._alive_until_us, at_us + self._alive_for_us)
        self.renew_us = self._alive_until_us - self._alive_for_us * 3 // 4

    def lost(self, at_us: int) -> None:
        """It cannot read, as of now."""
        self._lost_us = max(self._lost_us, at_us)
        self._alive_until_us = min(self._alive_until_us, self._lost_us)
        self.renew_us = self._lost_us

    def alive_at(self, now_us: int) -> bool:
        """Tell whether the last sign of life still counts."""
        return now_us <= self._alive_until_us

    def dead_until(self, now_us: int) -> int:
        """Give the time without life so far."""
        return self.dead_us + max(0, now_us - self._alive_until_us)

    def restarted(self, now_us: int) -> None:
        """Begin again at a time that does not follow from the one before: nothing is known yet."""
        self._alive_until_us = self._lost_us = self.renew_us = now_us
        self.dead_us = 0
