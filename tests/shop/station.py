"""A station of the simulated shop: its clocks, its boots, and the lines of its log, as the agent writes them."""

from __future__ import annotations

import random

from protocol.chain import Chapter, extend
from protocol.events import (
    Anchor,
    Count,
    CountReading,
    Delta,
    Mark,
    Reason,
    Reversal,
    ShelfCounted,
    StationEntry,
    When,
    encode_entry,
)
from protocol.identity import Epoch, StationId
from protocol.replication.messages import Frame
from tests.shop.habits import MINUTE_US, SECOND_US, Weather

ANCHOR_EVERY_US = 25 * MINUTE_US
PLACE = "shop"
DAY_US = 1_774_310_400_000_000
"""Midnight before the simulated day: 2026-03-24, UTC. The world's times count from it."""


class SimulatedStation:
    """Writes entries about true moments, by clocks that are not true."""

    def __init__(self, name: str, weather: Weather, rng: random.Random) -> None:
        self.name = StationId(name)
        self.epoch = Epoch(1, rng.getrandbits(64))
        self.lines: list[bytes] = []
        self.entries: list[StationEntry] = []
        self._weather = weather
        self._rng = rng
        self._digests = [Chapter(self.epoch).origin().digest]
        self._boots = 0
        self.boot_up(-6 * 3600 * SECOND_US)

    def boot_up(self, t_us: int) -> None:
        """Begin another boot: another idea of the time, another crystal's temperature."""
        rng, weather = self._rng, self._weather
        self._boots += 1
        self._boot = f"{self.name}-{self._boots}"
        self._booted_us = t_us
        self._rate = 1.0 + rng.uniform(-weather.drift_ppm, weather.drift_ppm) / 1_000_000
        self._off_us = rng.randint(-weather.wall_off_us, weather.wall_off_us)
        self._anchored_us: int | None = None

    def up_us(self, t_us: int) -> int:
        """CLOCK_BOOTTIME at a true moment."""
        return int((t_us - self._booted_us) * self._rate) + 20 * SECOND_US

    def when(self, t_us: int) -> When:
        """A true moment as this station tells it; its own clock is disciplined by nobody."""
        return When(self._boot, self.up_us(t_us), DAY_US + t_us + self._off_us, False)

    def moved(self, t_us: int, code: str, qty: int, reason: Reason) -> int:
        """Scan goods; give the entry's seq."""
        return self._say(Delta(self.when(t_us), "scanner", code, "]E0", qty * 1000, reason, PLACE))

    def took_back(self, t_us: int, seq: int) -> None:
        """Undo an entry."""
        self._say(Reversal(self.when(t_us), "scanner", str(self.epoch), seq))

    def read(self, t_us: int, code: str, qty: int, session: str) -> None:
        """Scan pieces of an open count."""
        self._say(CountReading(self.when(t_us), "scanner", code, "]E0", qty * 1000, PLACE, session))

    def counted(self, from_us: int, until_us: int, code: str, qty: int, session: str, place: str = PLACE) -> None:
        """Close an item's count: its first reading and its last, within this boot."""
        self._say(
            Count(self.when(until_us), self.up_us(from_us), "scanner", code, qty * 1000, place, session, aim="]E0")
        )

    def place_counted(self, from_us: int, until_us: int, place: str, session: str, codes: int) -> None:
        """Say that what was counted of a place is all there is."""
        self._say(
            ShelfCounted(self.when(until_us), self.up_us(from_us), "scanner", place, session, 1, "", codes, codes)
        )

    def exchange(self, t_us: int) -> None:
        """Talk with the hub, whose clock is true; log an anchor if the last one is old, and a mark."""
        if self._anchored_us is None or t_us - self._anchored_us >= ANCHOR_EVERY_US:
            self._anchored_us = t_us
            there_us = int(self._rng.lognormvariate(9.5, 0.8))
            back_us = int(self._rng.lognormvariate(9.5, 0.8))
            sent_us, received_us = t_us - there_us - back_us, t_us
            hub_us = DAY_US + t_us - back_us
            self._say(Anchor(self._boot, self.up_us(sent_us), self.up_us(received_us), hub_us))
        self._say(Mark(self.when(t_us)))

    def frame(self, after: int, most: int) -> Frame:
        """Give the next entries after seq `after` as they are sent."""
        part = tuple(self.lines[after : after + most])
        return Frame(self.epoch, after + 1, self._digests[after], part)

    def _say(self, entry: StationEntry) -> int:
        line = encode_entry(entry)
        self.lines.append(line)
        self.entries.append(entry)
        self._digests.append(extend(self._digests[-1], (line,)))
        return len(self.lines)
