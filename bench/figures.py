"""A measured figure, its floor and what must hold of it: the values that are kept as JSON. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum
from statistics import median

import msgspec

LOADED_ABOVE = 0.10
"""Others' share of the processors, above which a figure is marked as taken under load."""


class Better(StrEnum):
    """Which way a figure should go."""

    LESS = "less"
    MORE = "more"


class Floor(msgspec.Struct, frozen=True):
    """The bare thing a figure is compared with, measured in the same run and in the same unit."""

    what: str
    value: float


class Limit(msgspec.Struct, frozen=True):
    """What the project promises: `value` is the most (the least, where more is better); `text` says it in full."""

    value: float
    text: str


class Taken(msgspec.Struct, frozen=True):
    """When a figure was measured (UTC), and which commit."""

    at: str
    commit: str


class Figure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One published number; `value` is the median of `rounds` where there are several.

    `others` is the share of the machine's processors that other people's processes used meanwhile, 0 to 1. `taken` is
    None for a figure of the run that it is kept with.
    """

    part: str
    what: str
    unit: str
    value: float
    better: Better = Better.LESS
    rounds: tuple[float, ...] = ()
    floor: Floor | None = None
    limit: Limit | None = None
    others: float = 0.0
    taken: Taken | None = None

    @property
    def times_floor(self) -> float | None:
        """How many times the floor's time (or memory) it takes; 1 would be no cost at all."""
        if self.floor is None or not self.floor.value or not self.value:
            return None
        if self.better is Better.LESS:
            return self.value / self.floor.value
        return self.floor.value / self.value

    @property
    def holds(self) -> bool | None:
        """Whether the promise is kept; None if none was made."""
        if self.limit is None:
            return None
        return self.value <= self.limit.value if self.better is Better.LESS else self.value >= self.limit.value

    @property
    def loaded(self) -> bool:
        """Whether others kept the machine busy meanwhile."""
        return self.others > LOADED_ABOVE


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Where it was measured. `noise` is the spread of a fixed computation over the run: slowest / fastest - 1."""

    cpu: str
    cores: int
    memory_mb: int
    kernel: str
    file_system: str
    python: str
    sqlite_apsw: str
    sqlite_stdlib: str
    mosquitto: str
    noise: float


class Cuts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What power cuts did to one store: how many of them were `lossy`, and how many acknowledged events that was.

    After `unreadable` of them something was wrong with what was left; `faults` tell what, of stores of ours. `note`
    says why there are no cuts.
    """

    store: str
    ours: bool = False
    version: str = ""
    cuts: int = 0
    lossy: int = 0
    acknowledged: int = 0
    lost: int = 0
    unreadable: int = 0
    faults: tuple[str, ...] = ()
    note: str = ""


class PowerCuts(msgspec.Struct, frozen=True, kw_only=True):
    """A run of power cuts under our stores and others'."""

    at: str
    commit: str
    seconds: float
    seed: int
    rows: tuple[Cuts, ...]

    @property
    def holds(self) -> bool:
        """Whether our stores lost nothing and were whole, which is promised."""
        return not any(one.ours and (one.lossy or one.unreadable) for one in self.rows)


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """All of a run, and parts kept from runs before it that it did not measure.

    `at` is its date, UTC; `seconds` how long it took; `quick` if it was too short to publish.
    """

    at: str
    commit: str
    seconds: float
    quick: bool
    machine: Machine
    figures: tuple[Figure, ...]
    power: PowerCuts | None = None

    def taken(self, figure: Figure) -> Taken:
        """Say when a figure of these was measured."""
        return figure.taken or Taken(self.at, self.commit)


def with_what_is_kept(results: Results, kept: Results) -> Results:
    """Add the parts of `kept` that were not measured now, each with its own date, in the order they had."""
    if not results.figures:
        return msgspec.structs.replace(kept, power=results.power or kept.power)
    new: dict[str, list[Figure]] = {}
    for figure in results.figures:
        new.setdefault(figure.part, []).append(figure)
    parts: dict[str, list[Figure]] = {}
    for figure in kept.figures:
        stays = msgspec.structs.replace(figure, taken=kept.taken(figure))
        parts.setdefault(figure.part, []).append(stays)
    figures = tuple(figure for part in (parts | new).values() for figure in part)
    return msgspec.structs.replace(results, figures=figures, power=results.power or kept.power)


def percentile(values: Sequence[float], share: float) -> float:
    """Give the value that `share` (0 to 1) of them do not exceed: the nearest rank, never one in between."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def middle(rounds: Sequence[float]) -> float:
    """Give the median of rounds."""
    return median(rounds)


def to_json(results: Results) -> bytes:
    """Write results as they are kept."""
    return msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n"


def from_json(data: bytes) -> Results:
    """Read kept results. Raises `msgspec.DecodeError`."""
    return msgspec.json.decode(data, type=Results)
