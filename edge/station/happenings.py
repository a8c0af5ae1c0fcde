"""What goes on at a station, as told to till software while it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from edge.codecs.readings import CardTap, Scan, Weight
from edge.errors import TryAgain
from edge.station.actions import GivenCount, Outcome
from protocol.cards import Mode
from protocol.identity import DeviceId, PlaceId

LIGHTS: Final = DeviceId("lights")
"""How the station's own lights and tone are called among its devices."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """A device read a code; nothing is decided yet."""

    device: DeviceId
    scan: Scan


@dataclass(frozen=True, slots=True)
class Weighed:
    """A scale's weight is another than before."""

    device: DeviceId
    weight: Weight


@dataclass(frozen=True, slots=True)
class Tapped:
    """A card was put on a reader; what it means is for whoever listens to say."""

    device: DeviceId
    card: CardTap


@dataclass(frozen=True, slots=True)
class Decided:
    """Something asked at `device` was accepted, and is durable, or was rejected."""

    device: DeviceId
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class DeviceCondition:
    """How a device is: "ready", "absent", "lost", "closed", or "failed" if its driver broke; `note` says why.

    `figures` are what it measures of itself; they change all the time and make no other condition.
    """

    device: DeviceId
    kind: str
    status: str
    note: str = ""
    figures: Mapping[str, int] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class StationStatus:
    """How the station is.

    `accepted`, `suppressed` and `rejected` count since it started, `rejections` by name. `chatter_dropped` counts what
    of the chatter was not logged, `chatter_thinned` what of that was for want of room. `count` is what was given to be
    counted, `person` who counts; `arriving` as in `Work`. `swept` is how many RFID tags were seen where it counts, None
    if no reader takes part. `basket` is the one that is open.
    """

    mode: Mode
    document: str | None
    to_place: PlaceId | None
    session: str | None
    devices: tuple[DeviceCondition, ...]
    accepted: int
    suppressed: int
    rejected: int
    rejections: tuple[tuple[str, int], ...]
    chatter_dropped: int
    chatter_thinned: int
    count: GivenCount | None = None
    person: str = ""
    arriving: bool = False
    swept: int | None = None
    basket: str | None = None


@dataclass(frozen=True, slots=True)
class Missed:
    """This listener was too slow for `count` happenings."""

    count: int


Happening = Scanned | Weighed | Tapped | Decided | DeviceCondition | StationStatus | Missed


class TooManyListeners(TryAgain):
    """Nobody more can listen now."""
