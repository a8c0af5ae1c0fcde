"""How many RFID reads a second one core takes, and that it does not matter how many tags there are.

Every tag stands in one of four zones, one in eight of them between two; its rings are full. Reads come in reports of a
hundred, each with an EPC of its own making, as from a reader. The figure is of processor time and of the engine alone:
reading a dialect and writing what changed are others' work.
"""

from __future__ import annotations

import gc
import random
import time
from array import array
from collections.abc import Iterator

from bench.figures import Better, Figure, Floor, Limit, middle
from bench.workbench import Workbench
from edge.codecs.readings import TagRead
from edge.presence.engine import Engine
from edge.presence.rules import Antenna, Rules, Smoothing, Zone
from protocol.identity import DeviceId

TAGS = (1_000, 10_000, 50_000)
READS = 300_000
_REPORT = 100
_PROMISED = 300_000
_FLAT = 1.25
_KEEP = Smoothing().ring_reads
_READER = DeviceId("reader")
_PART = "RFID presence"
_BEGUN_US = 1_750_000_000_000_000


async def measure(bench: Workbench) -> list[Figure]:
    """Measure with few tags, more and many, in turns, so that the machine's moods are shared."""
    floors = [Bare(bench.size(tags)) for tags in TAGS]
    halls = [Hall(bench.size(tags)) for tags in TAGS]
    rates: list[list[float]] = [[] for _ in TAGS]
    bare: list[list[float]] = [[] for _ in TAGS]
    for _ in range(bench.rounds):
        for hall, floor, rate, least in zip(halls, floors, rates, bare, strict=True):
            least.append(floor.reads_per_s(bench.size(READS)))
            rate.append(hall.reads_per_s(bench.size(READS)))
    if any(hall.moves for hall in halls):
        raise RuntimeError("tags that stand still were told to move")
    figures = [
        Figure(
            part=_PART,
            what=f"reads, {tags:,} tags present",
            unit="reads/s",
            value=middle(rate),
            better=Better.MORE,
            rounds=tuple(rate),
            floor=Floor("each tag's newest reads kept in a dictionary", middle(least)),
            limit=Limit(_PROMISED, f"{_PROMISED:,} reads/s on one core"),
        )
        for tags, rate, least in zip(TAGS, rates, bare, strict=True)
    ]
    slower, dictionary = (middle(of[0]) / middle(of[-1]) for of in (rates, bare))
    # The steps are the same, which a test counts; but what is not in the processor's caches is waited for, and whoever
    # keeps as much of each tag waits as long.
    flat = Limit(_FLAT * dictionary, f"as flat as the dictionary, within {_FLAT - 1:.0%}")
    what = f"time of a read, {TAGS[-1]:,} tags against {TAGS[0]:,}"
    figures.append(
        Figure(
            part=_PART,
            what=what,
            unit="times",
            value=slower,
            floor=Floor("the same of the dictionary", dictionary),
            limit=flat,
        )
    )
    return figures


class Hall:
    """A reader, four zones of two antennas, and tags that stand still in them."""

    def __init__(self, tags: int) -> None:
        zones = tuple(
            Zone(f"zone-{n}", (Antenna(_READER, 2 * n + 1), Antenna(_READER, 2 * n + 2)), Smoothing()) for n in range(4)
        )
        self._reports = Reports(tags)
        self._engine = Engine(Rules(zones, max_tags=tags), _BEGUN_US)
        for report, now_us in self._reports.take((Smoothing().ring_reads + 2) * tags):
            self._engine.on_reads(_READER, report, now_us)
        if self._engine.known != tags or len(self._engine.waiting) != tags:
            raise RuntimeError("not every tag has arrived, once")
        self._engine.told(tags)

    @property
    def moves(self) -> int:
        """How many changes were told since all arrived."""
        return len(self._engine.waiting)

    def reads_per_s(self, reads: int) -> float:
        """Take reads; the making of them is not counted, nor is the collector's look at them."""
        reports = list(self._reports.take(reads))
        took_s = 0.0
        gc.collect()
        gc.disable()
        try:
            began = time.process_time()
            for report, now_us in reports:
                self._engine.on_reads(_READER, report, now_us)
                self._engine.on_tick(now_us)
            took_s = time.process_time() - began
        finally:
            gc.enable()
        return len(reports) * _REPORT / took_s


class Reports:
    """What the reader sends: each tag once in turn, some of them by two zones' antennas, as loud in both."""

    def __init__(self, tags: int) -> None:
        self._draw = random.Random(3)
        self._epcs = [(0x3034 << 80 | n).to_bytes(12, "big") for n in range(tags)]
        self._order = list(range(tags))
        self._draw.shuffle(self._order)
        self._at = 0
        self._now_us = _BEGUN_US

    def take(self, reads: int) -> Iterator[tuple[list[TagRead], int]]:
        """Give reports, and when each comes: together as many reads, or a few more."""
        draw, tags = self._draw, len(self._order)
        for _ in range(-(-reads // _REPORT)):
            report: list[TagRead] = []
            for n in range(_REPORT):
                turn, place = divmod(self._at, tags)
                self._at += 1
                number = self._order[place]
                zone = number % 4
                if number % 8 == 0 and turn % 2:
                    zone = (zone + 1) % 4
                seen_us = self._now_us + 3 * n
                epc = bytes(bytearray(self._epcs[number]))
                report.append(TagRead(epc, 2 * zone + 1 + turn % 2, draw.randrange(-6300, -5700), seen_us))
            self._now_us += 3 * _REPORT
            yield report, self._now_us


class Bare:
    """The least that whoever smooths can do with a read: keep the tag's last times and strengths, deciding nothing."""

    def __init__(self, tags: int) -> None:
        self._reports = Reports(tags)
        self._rings: dict[bytes, tuple[array[int], array[int]]] = {}
        for report, _ in self._reports.take((_KEEP + 2) * tags):
            for read in report:
                times, strengths = self._rings.setdefault(read.epc, (array("q"), array("h")))
                times.append(read.seen_us or 0)
                strengths.append(read.rssi_cdbm or 0)
                if len(times) > _KEEP:
                    del times[0], strengths[0]

    def reads_per_s(self, reads: int) -> float:
        """Keep each tag's newest reads."""
        reports = list(self._reports.take(reads))
        ring_of = self._rings.get
        gc.collect()
        gc.disable()
        try:
            began = time.process_time()
            for report, _ in reports:
                for read in report:
                    ring = ring_of(read.epc)
                    if ring is None:
                        continue
                    times, strengths = ring
                    times.append(read.seen_us or 0)
                    strengths.append(read.rssi_cdbm or 0)
                    if len(times) > _KEEP:
                        del times[0], strengths[0]
            took_s = time.process_time() - began
        finally:
            gc.enable()
        return len(reports) * _REPORT / took_s
