"""How people in the simulated shop behave: how long things take, how often things happen. Nothing here knows the hub.

Times people take are drawn from log-normal laws, most short and a few very long: no end is cut off. They are the
simulator's own and owe nothing to the leads and lags that the hub believes in.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US


@dataclass(frozen=True, slots=True)
class Law:
    """A log-normal time: half of all draws are below `median_s`; `spread` is the deviation of its logarithm."""

    median_s: float
    spread: float

    def draw_us(self, rng: random.Random) -> int:
        """Draw a time in microseconds."""
        return int(self.median_s * math.exp(rng.gauss(0.0, self.spread)) * SECOND_US)


@dataclass(frozen=True, slots=True)
class Habits:
    """A kind of shop. Times of day are hours after midnight; shares are of all such deeds, 0 to 1."""

    items: int = 300
    lines_per_item: float = 6.0
    """Sale lines on an average item's day; the items differ by a factor of about a hundred."""
    opens_h: float = 8.0
    closes_h: float = 20.0
    visit: Law = Law(6 * 60, 0.55)
    """From coming in to joining the queue; goods are picked up at any moment of it."""
    queue: Law = Law(60, 0.7)
    payment: Law = Law(40, 0.5)
    delivery_waits: Law = Law(40 * 60, 0.6)
    """From a delivery's standing in the bay until it is scanned."""
    put_away: Law = Law(30 * 60, 0.6)
    back_on_shelf: Law = Law(6 * 60, 0.6)
    """From a return's scan, or a refusal at the till, until the goods are on the shelf again."""
    waste_walk: Law = Law(4 * 60, 0.6)
    """From taking spoilt goods off the shelf until they are scanned."""
    fill_walk: Law = Law(5 * 60, 0.6)
    """From taking goods out of the stockroom until they are on the shelf."""
    returned: float = 0.02
    scanned_twice: float = 0.01
    """A piece is scanned once too often, and the last scan undone."""
    refused: float = 0.004
    """A line is scanned, not wanted after all, and undone before payment; staff bring the goods back."""
    put_back: float = 0.0
    """Goods are carried about for half of the visit and put back on the shelf, and no scanner ever saw them."""
    wasted_per_item: float = 0.2
    stolen_per_item: float = 0.06
    """Thefts, all before the item's last count: of later ones no book can know."""
    counts_in_hours: bool = True
    """Whether counts are taken among customers, or after closing once all goods are back in their places."""
    counts_by_spot: bool = False
    """Whether who counts says of each spot, when it is done, what was found there and that this is all; else a session
    comes to one count of each item."""
    second_counts: float = 0.25
    """The share of items counted twice that day."""
    read_s: float = 1.2
    """A counter's time for a piece."""
    fills_wait: bool = True
    """Nobody fills the shelf, or puts a delivery away, of goods that are being counted, and the other way round."""


@dataclass(frozen=True, slots=True)
class Weather:
    """What befalls stations and network. Shares are 0 to 1."""

    wall_off_us: int = HOUR_US
    """A station's own clock is off by up to this, either way."""
    drift_ppm: float = 50.0
    long_outage: float = 0.6
    """The share of stations that lose the network once for up to `outage_h`; all lose it for minutes now and then."""
    outage_h: float = 8.0
    restarts: float = 0.3
    """The share of stations that lose power once: another boot, whose clock is off by something else."""
    lost: float = 0.02
    repeated: float = 0.05
    """Frames that never come, and that come a second time, some of them much later."""
    flush_us: int = 15 * MINUTE_US
    frame_entries: int = 500
