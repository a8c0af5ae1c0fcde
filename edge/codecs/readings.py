"""What a device said, as values: a scan, a weight, a tag, a card, or something that was refused."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

SAMPLE_BYTES = 64
"""How much of refused bytes is kept, so that a megabyte of noise costs no megabyte."""


@dataclass(frozen=True, slots=True)
class Scan:
    """One decoded barcode.

    `text` is the code without suffix, fixed prefix and AIM prefix; GS (U+001D) may stand inside it. `raw` is
    what the device sent for it, without the suffix. `aim` is the symbology identifier such as "]E0"
    (ISO/IEC 15424), None if the device sent none.
    """

    text: str
    raw: bytes
    aim: str | None = None


class WeightState(Enum):
    """What a scale says about its own figure. Only `STABLE` and `ZERO` come with grams."""

    STABLE = "stable"
    ZERO = "zero"
    MOTION = "motion"
    UNDER = "under"
    OVER = "over"
    FAULT = "fault"
    UNCHANGED = "unchanged"
    """The scale has no new figure since the last one it sent, and says nothing more."""


@dataclass(frozen=True, slots=True)
class Weight:
    """One answer of a scale: whole grams and the state they were measured in.

    `grams` is None unless `state` is STABLE or ZERO: a scale in motion, under zero, over capacity or at
    fault weighs nothing, not 0. `net` is True when a tare was taken off. `confirmed` is True when the scale
    did not send the figure again but said that the one before still holds. `raw` is its answer as sent, b"" if it
    gave none (then the state is FAULT).
    """

    grams: int | None
    state: WeightState
    net: bool
    raw: bytes
    confirmed: bool = False

    def __post_init__(self) -> None:
        if (self.grams is not None) != (self.state in (WeightState.STABLE, WeightState.ZERO)):
            raise ValueError(f"a weight that is {self.state.value} cannot have grams={self.grams}")


@dataclass(frozen=True, slots=True)
class Refused:
    """Bytes that are no reading.

    `name` is a short stable word for counters and quarantine rows ("too-long", "control-character",
    "resynchronised"); `detail` is for people; `raw` is the first `SAMPLE_BYTES` of the bytes at most.
    """

    name: str
    detail: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class TagRead:
    """One report of one RFID tag by one antenna; every dialect of every reader comes down to this.

    `epc` is the EPC without PC and CRC, as long as its PC says. `antenna` is the reader's own number for it, from 1.
    `rssi_cdbm` is in hundredths of dBm. `seen_us` is when it was last seen, UTC microseconds by the reader's clock,
    None if the reader does not tell. `reads` is how often it was seen since the report before. `raw` is the report's
    first `SAMPLE_BYTES` bytes at most.
    """

    epc: bytes
    antenna: int
    rssi_cdbm: int | None
    seen_us: int | None
    reads: int = 1
    tid: bytes | None = None
    raw: bytes = b""


@dataclass(frozen=True, slots=True)
class AntennaState:
    """A reader says that an antenna is, or is no longer, able to see tags; `seen_us` as in `TagRead`."""

    antenna: int
    connected: bool
    seen_us: int | None


@dataclass(frozen=True, slots=True)
class CardTap:
    """A contactless card was put on a reader.

    `uid` is its number, 4 to 10 bytes. `standard` says what it is, as far as its ATR tells ("ISO 14443A",
    "ISO 15693"), "" if it does not. `raw` is the ATR.
    """

    uid: bytes
    standard: str
    raw: bytes


Reading = Scan | Weight | TagRead | AntennaState | CardTap | Refused
