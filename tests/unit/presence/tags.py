"""Readers, zones and tags for the tests of the presence engine; times are seconds since the engine began."""

from __future__ import annotations

from collections.abc import Iterable

from edge.codecs.readings import TagRead
from edge.presence.changes import Change
from edge.presence.engine import Engine
from edge.presence.rules import S_US, Antenna, Rules, Smoothing, Zone
from protocol.identity import DeviceId

BEGUN_US = 1_750_000_000 * S_US
READER = DeviceId("reader")
OTHER = DeviceId("other")
TAG = bytes.fromhex("30340BB6884CB101A13BC744")
SHELF, STOCKROOM = 1, 2
"""Antennas of `READER`, each a zone."""
GATE = 3


def us(at_s: float) -> int:
    """Turn seconds since the start into UTC microseconds."""
    return BEGUN_US + round(at_s * S_US)


def rules(
    smoothing: Smoothing = Smoothing(),  # noqa: B008 - a value
    *,
    min_reads: int = 2,
    max_tags: int = 1000,
    max_waiting: int = 1000,
) -> Rules:
    """A shelf, a stockroom and a gate that two readers watch."""
    return Rules(
        zones=(
            Zone("shelf", (Antenna(READER, SHELF),), smoothing),
            Zone("stockroom", (Antenna(READER, STOCKROOM),), smoothing),
            Zone("gate", (Antenna(READER, GATE), Antenna(OTHER, 1)), smoothing),
        ),
        min_reads=min_reads,
        max_tags=max_tags,
        max_waiting=max_waiting,
    )


def read(
    at_s: float | None, antenna: int = SHELF, dbm: float | None = -60, epc: bytes = TAG, reads: int = 1
) -> TagRead:
    """A report of a tag."""
    return TagRead(
        epc, antenna, None if dbm is None else round(dbm * 100), None if at_s is None else us(at_s), reads=reads
    )


class Told:
    """An engine, and what it said so far in few words: "arrived shelf", "moved stockroom from shelf"."""

    def __init__(self, given: Rules | None = None, engine: Engine | None = None) -> None:
        self.engine = engine or Engine(given or rules(), BEGUN_US)
        self.changes: list[Change] = []

    def hear(self, reads: Iterable[TagRead], now_s: float, device: DeviceId = READER) -> list[str]:
        """Have reads come at a time; give what is new."""
        self.engine.on_reads(device, list(reads), us(now_s))
        return self.news()

    def each(self, reads: Iterable[TagRead]) -> list[str]:
        """Have each read come when it was made."""
        for one in reads:
            assert one.seen_us is not None
            self.engine.on_tick(one.seen_us)
            self.engine.on_reads(READER, [one], one.seen_us)
        return self.news()

    def wait(self, until_s: float, alive: bool = True) -> list[str]:
        """Let time pass, the antennas of `READER` working or not."""
        at_s = until_s if not alive else 0.0
        while at_s < until_s:
            at_s = min(until_s, at_s + 10)
            for antenna in (SHELF, STOCKROOM, GATE):
                self.engine.on_antenna(READER, antenna, True, us(at_s))
        self.engine.on_tick(us(until_s))
        return self.news()

    def news(self) -> list[str]:
        """Take what is waiting."""
        taken = list(self.engine.waiting)
        self.engine.told(len(taken))
        self.changes += taken
        return [words(one) for one in taken]


def words(change: Change) -> str:
    """Say a change in few words."""
    told = f"{change.change} {change.zone}"
    return told if change.from_zone is None else f"{told} from {change.from_zone}"
