"""What the engine remembers: zones, antennas and tags as it changes them with every read.

These are its own and leave it never; what leaves is in `changes`. Names are short and nothing is called for a read of a
tag that stays, for each of these is touched hundreds of thousands of times a second.
"""

from __future__ import annotations

from array import array

from edge.codecs.readings import TagRead
from edge.presence.liveness import Liveness
from edge.presence.rules import Antenna, Smoothing
from edge.presence.signal_strength import NOT_TOLD

MOST_READS = 65_535
"""In one report: what LLRP can say (TagSeenCount, 16 bits)."""


class ZoneRecord:
    """A zone's name and figures, each an attribute away."""

    __slots__ = ("fall", "half_life", "holdoff", "keep", "move_reads", "name", "threshold", "witness")

    def __init__(self, name: str, smoothing: Smoothing) -> None:
        self.name = name
        self.keep = smoothing.ring_reads
        self.half_life = smoothing.half_life_us
        self.threshold = smoothing.threshold_cdb
        self.holdoff = smoothing.holdoff_us
        self.fall = smoothing.fall_cdb_per_s
        self.move_reads = smoothing.move_reads
        self.witness = smoothing.witness_reads


class AntennaRecord(Liveness):
    """An antenna, its zone, and whether its reader vouches for it."""

    __slots__ = ("device", "number", "told", "zone")

    def __init__(self, antenna: Antenna, zone: ZoneRecord, alive_for_us: int, begun_us: int) -> None:
        super().__init__(alive_for_us, begun_us)
        self.device = antenna.device
        self.number = antenna.number
        self.zone = zone
        self.told = False
        """The reader said that it is connected, and not since that it is not."""


Ring = tuple["array[int]", "array[int]"]
"""Times, ascending, and the strengths told then (`NOT_TOLD`: none). Arrays take a quarter
of the room of lists, and where tags are many, waiting for memory is most of a read's time."""


def empty_ring() -> Ring:
    """Make a ring without reads."""
    return array("q"), array("h")


def strength_of(rssi_cdbm: int | None) -> int:
    """Give a strength as a ring holds it."""
    return rssi_cdbm if rssi_cdbm is not None and NOT_TOLD < rssi_cdbm <= -NOT_TOLD - 1 else NOT_TOLD


def times_of(read: TagRead) -> int:
    """How often the tag was seen, as far as that can be believed."""
    return min(max(1, read.reads), MOST_READS)


class TagRecord:
    """What is known of a tag. `zone` is None unless it is present; `times` and `rssi` are its ring there."""

    __slots__ = ("antenna", "dead", "epc", "home", "judge", "last", "reads", "rings", "rssi", "times", "zone")

    def __init__(self, epc: bytes, antenna: AntennaRecord, at_us: int) -> None:
        self.epc = epc
        self.zone: ZoneRecord | None = None
        self.home: ZoneRecord | None = None
        """Where it was before it became unknown; None while it is pending, and while it is present."""
        self.times, self.rssi = empty_ring()
        self.rings: dict[ZoneRecord, Ring] = {}
        """The rings of the other zones; of all zones while it is pending."""
        self.last = at_us
        self.antenna = antenna
        self.dead = antenna.dead_us
        self.reads = 0
        self.judge = 0
