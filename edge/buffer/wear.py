"""How fast a station's logs use up their card: what they wrote and stored over the last day. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

_HOUR_S = 3600
_DAY_S = 24 * _HOUR_S
_APART_US = 600 * 1_000_000
"""Between two samples that are kept: so that a day is 145 of them."""
_SHORTEST_S = 600
"""A day is not told from less."""


@dataclass(frozen=True, slots=True)
class Pace:
    """What was measured over `over_s`, at most the last day: `written_day_bytes` is that as a day's, None where nobody
    counts what is written; `stored_hour_bytes` what the log of stock grew by in an hour."""

    over_s: int
    written_day_bytes: int | None
    stored_hour_bytes: int


@dataclass(frozen=True, slots=True)
class _Sample:
    up_us: int
    written: int | None
    stored: int


class Wear:
    """Counts that only grow, looked at now and then by the time since boot."""

    def __init__(self) -> None:
        self._samples: deque[_Sample] = deque()
        self._last: _Sample | None = None

    def note(self, up_us: int, written: int | None, stored: int) -> None:
        """Take what both logs have written and the stock log has stored by now, in bytes."""
        self._last = _Sample(up_us, written, stored)
        if not self._samples or up_us - self._samples[-1].up_us >= _APART_US:
            self._samples.append(self._last)
        while len(self._samples) > 1 and up_us - self._samples[1].up_us >= _DAY_S * 1_000_000:
            self._samples.popleft()

    @property
    def pace(self) -> Pace | None:
        """The pace of the last day, or since the start; None before ten minutes are over."""
        if self._last is None:
            return None
        first, last = self._samples[0], self._last
        over_s = (last.up_us - first.up_us) // 1_000_000
        if over_s < _SHORTEST_S:
            return None
        written = None
        if last.written is not None and first.written is not None:
            written = (last.written - first.written) * _DAY_S // over_s
        return Pace(over_s, written, (last.stored - first.stored) * _HOUR_S // over_s)
