"""Carries a log's chain over new lines and decides where its digest is to be kept. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge.buffer.api import BLOCK_ENTRIES, HOUR_US
from protocol.chain import extend


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The chain at `depth`, and when the line there was stored (UTC microseconds)."""

    depth: int
    digest: bytes
    wall_us: int


class Chaining:
    """A chain on its way. A checkpoint falls on every 1,024th line after the last one, and on the first line stored
    an hour or more after the last one, by a clock that may have been set either way.

    `depth` and `digest` are where the chain stands, `since` the lines since the last checkpoint, `last_us` that one's
    time (None: there never was one).
    """

    def __init__(self, depth: int, digest: bytes, since: int, last_us: int | None) -> None:
        self.depth = depth
        self.digest = digest
        self.checkpoints: list[Checkpoint] = []
        self._since = since
        self._last_us = last_us

    def over(self, lines: Sequence[bytes], now_us: int) -> None:
        """Go over lines stored at `now_us`."""
        done = 0
        while done < len(lines):
            is_hour = self._last_us is None or abs(now_us - self._last_us) >= HOUR_US
            step = 1 if is_hour else min(BLOCK_ENTRIES - self._since, len(lines) - done)
            self.digest = extend(self.digest, lines[done : done + step])
            self.depth += step
            self._since += step
            done += step
            if is_hour or self._since == BLOCK_ENTRIES:
                self.checkpoints.append(Checkpoint(self.depth, self.digest, now_us))
                self._since = 0
                self._last_us = now_us
