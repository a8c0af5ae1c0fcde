"""How far a reader's clock is from ours, where it is plainly wrong.

Readers without a time server start in 1970, or drift by minutes a year. Their reads would all seem too old, or from the
future. But a read that comes late is no proof: a reader that was cut off sends what it kept, and that must be taken for
what it is. What tells them apart is the pace. Kept reports come faster than they were made; a wrong clock is wrong by
the same amount for minutes.
"""

from __future__ import annotations

from edge.presence.rules import S_US

BEHIND_US = 30 * S_US
"""A report that is older than that when it comes is late, or its clock is behind."""
AHEAD_US = 2 * S_US
"""A read from further in the future cannot be."""
STEADY_US = 2 * S_US
"""By how much the lag of live reports differs from one to the next."""
BEHIND_FOR_US = 60 * S_US
AHEAD_FOR_US = 5 * S_US
REPORTS = 3


class ReaderClock:
    """The clock of one reader. `offset_us` is to be added to what it tells; 0 while its clock may well be right."""

    __slots__ = ("_first_us", "_lag_us", "_least_us", "_reports", "offset_us")

    def __init__(self) -> None:
        self.offset_us = 0
        self._reports = 0
        self._first_us = self._lag_us = self._least_us = 0

    def heard(self, seen_us: int, now_us: int) -> bool:
        """Take the time of a report's newest read, and when it came; say whether `offset_us` is another now."""
        lag = now_us - seen_us - self.offset_us
        if -AHEAD_US <= lag <= BEHIND_US:
            self._reports = 0
            return False
        if not self._reports or abs(lag - self._lag_us) > STEADY_US or now_us < self._first_us:
            self._reports = 1
            self._first_us = now_us
            self._lag_us = self._least_us = lag
            return False
        self._reports += 1
        self._least_us = min(self._least_us, lag)
        needed = AHEAD_FOR_US if lag < 0 else BEHIND_FOR_US
        if self._reports < REPORTS or now_us - self._first_us < needed:
            return False
        self.offset_us += self._least_us
        self._reports = 0
        # Back to where it was trusted: then it is trusted, and not set by the delay of its reports.
        if -AHEAD_US <= self.offset_us <= BEHIND_US:
            self.offset_us = 0
        return True
