"""The network between simulated stations and hub: cut for minutes or hours, losing frames and repeating them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from protocol.frames import encode_frame
from protocol.identity import StationId
from tests.shop.habits import HOUR_US, MINUTE_US, Weather
from tests.shop.station import SimulatedStation
from tests.shop.world import World

FROM_US = HOUR_US
UNTIL_US = 40 * HOUR_US


@dataclass(frozen=True, slots=True)
class Delivery:
    """A frame as it reached the hub."""

    t_us: int
    station: StationId
    payload: bytes


@dataclass(slots=True)
class _Link:
    """What a station's uplink does: how far the hub has got, when there is no way through, what comes once more."""

    station: SimulatedStation
    outages: list[tuple[int, int]]
    cursor: int = 0
    again: list[bytes] | None = None


class Network:
    """Carries the stations' logs. `deliveries` is all that reached the hub, in the order in which it did."""

    def __init__(
        self, world: World, weather: Weather, stations: Sequence[SimulatedStation], rng: random.Random
    ) -> None:
        self.deliveries: list[Delivery] = []
        self._world = world
        self._weather = weather
        self._rng = rng
        self._links = [_Link(station, self._outages(), again=[]) for station in stations]
        world.at(FROM_US, self._flush, beside=True)

    def close(self) -> None:
        """Let every station come back and tell the rest."""
        for link in self._links:
            link.outages.clear()
        while any(link.cursor < len(link.station.lines) or link.again for link in self._links):
            self._world.now_us += self._weather.flush_us
            for link in self._links:
                self._serve(link, last=True)

    def _outages(self) -> list[tuple[int, int]]:
        rng, weather = self._rng, self._weather
        cuts: list[tuple[int, int]] = []
        for _ in range(rng.randint(0, 4)):
            start_us = rng.randint(2 * HOUR_US, 22 * HOUR_US)
            cuts.append((start_us, start_us + rng.randint(MINUTE_US, 20 * MINUTE_US)))
        if rng.random() < weather.long_outage:
            start_us = rng.randint(5 * HOUR_US, 20 * HOUR_US)
            cuts.append((start_us, start_us + int(rng.uniform(0.2, weather.outage_h) * HOUR_US)))
        return cuts

    def _flush(self) -> None:
        now_us = self._world.now_us
        for link in self._links:
            if not any(start_us <= now_us < end_us for start_us, end_us in link.outages):
                self._serve(link, last=False)
        if now_us < UNTIL_US:
            self._world.after_beside(self._weather.flush_us, self._flush)

    def _serve(self, link: _Link, *, last: bool) -> None:
        rng, weather, station = self._rng, self._weather, link.station
        assert link.again is not None
        if not last or link.cursor < len(station.lines):
            station.exchange(self._world.now_us)
        repeats, link.again = link.again, []
        for payload in repeats:
            if last or rng.random() < 0.5:
                self._deliver(station, payload)
            else:
                link.again.append(payload)
        sent = link.cursor
        while sent < len(station.lines):
            frame = station.frame(sent, weather.frame_entries)
            payload = encode_frame(frame)
            if rng.random() < weather.lost:
                # What follows it is a gap, which the hub answers with its cursor: it begins there next time.
                sent = frame.last
                continue
            self._deliver(station, payload)
            if link.cursor == frame.first - 1:
                link.cursor = frame.last
            if rng.random() < weather.repeated:
                link.again.append(payload)
            sent = frame.last

    def _deliver(self, station: SimulatedStation, payload: bytes) -> None:
        self.deliveries.append(Delivery(self._world.now_us, station.name, payload))
