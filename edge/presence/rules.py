"""What the engine is told: the zones, the antennas that make them, and how firmly a zone holds its tags.

A zone is a named group of antennas. All figures are whole numbers: hundredths of dBm, microseconds.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.identity import DeviceId

S_US = 1_000_000
MAX_EPC_BYTES = 62
"""The longest EPC: 31 words, as the protocol-control word can say (EPC Gen2, section 6.3.2.1.2.2)."""


@dataclass(frozen=True, slots=True)
class Antenna:
    """An antenna of a reader, by the reader's own number for it."""

    device: DeviceId
    number: int


@dataclass(frozen=True, slots=True)
class Smoothing:
    """How a zone weighs the reads of a tag.

    `ring_reads` is how many reads of a tag are kept, `half_life_us` the age at which one counts half of the newest.
    A tag leaves the zone once its mean elsewhere is higher by more than an offset: `threshold_cdb` (hundredths of dB)
    for the first `holdoff_us` in which the zone has not read it, then less by `fall_cdb_per_s` each second, below zero
    too. A tag comes into the zone on `move_reads` reads at least. Silence is only believed when the last
    `witness_reads` reads elsewhere were all after the last read here: with 0 it is believed at once.
    """

    ring_reads: int = 20
    half_life_us: int = 30 * S_US
    threshold_cdb: int = 600
    holdoff_us: int = 60 * S_US
    fall_cdb_per_s: int = 50
    move_reads: int = 8
    witness_reads: int = 3

    def __post_init__(self) -> None:
        within = 1 <= self.move_reads <= self.ring_reads and 0 <= self.witness_reads <= self.ring_reads
        if not within or self.half_life_us < 1 or self.holdoff_us < 0 or self.fall_cdb_per_s < 0:
            raise ValueError(f"cannot be: {self}")


@dataclass(frozen=True, slots=True)
class Zone:
    """A named place where tags are told to be."""

    name: str
    antennas: tuple[Antenna, ...]
    smoothing: Smoothing = Smoothing()


@dataclass(frozen=True, slots=True)
class Rules:
    """All that the engine is told. No antenna may be in two zones, no two zones may share a name.

    A tag has arrived after `min_reads` reads. It has departed when unread for `departed_after_us` in which its antenna
    was alive; one sign of life of an antenna counts for `alive_for_us`. Beyond `max_tags` new tags are refused, beyond
    `max_waiting` changes that nobody took, moves and departures are put off. A read up to `ahead_us` in the future is
    believed.
    """

    zones: tuple[Zone, ...]
    min_reads: int = 2
    departed_after_us: int = 600 * S_US
    alive_for_us: int = 60 * S_US
    max_tags: int = 100_000
    max_waiting: int = 10_000
    ahead_us: int = 2 * S_US

    def __post_init__(self) -> None:
        antennas = [antenna for zone in self.zones for antenna in zone.antennas]
        names = [zone.name for zone in self.zones]
        if len(set(antennas)) < len(antennas) or len(set(names)) < len(names):
            raise ValueError("an antenna or a zone is named twice")
        if min(self.min_reads, self.departed_after_us, self.alive_for_us, self.max_tags, self.max_waiting) < 1:
            raise ValueError(f"cannot be: {self}")
