"""What the author of a driver imports: the shape of a driver and of a device, and the values they give."""

from __future__ import annotations

import difflib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

import msgspec

from edge.codecs.base import Codec
from edge.codecs.readings import AntennaState, CardTap, Reading, Refused, Scan, TagRead, Weight, WeightState
from edge.errors import BadSettings, ContractBroken, EdgeError, HardwareAbsent, LinkLost, TryAgain
from edge.hardware.kind import Kind
from protocol.acceptance import StepKind

__all__ = [
    "AntennaState",
    "BadSettings",
    "CardTap",
    "Codec",
    "ContractBroken",
    "Device",
    "Driver",
    "EdgeError",
    "HardwareAbsent",
    "Health",
    "Kind",
    "LinkLost",
    "Match",
    "Reading",
    "Refused",
    "Scan",
    "Settings",
    "Status",
    "StepKind",
    "TagRead",
    "Trial",
    "TryAgain",
    "Weight",
    "WeightState",
    "parse_table",
]


class Status(Enum):
    """Whether a device can be used now."""

    CLOSED = "closed"
    """Not opened yet, or closed on purpose."""
    READY = "ready"
    ABSENT = "absent"
    """Not there, or may not be opened; `Health.note` says why."""
    LOST = "lost"
    """Was open and went away."""


@dataclass(frozen=True, slots=True)
class Health:
    """A device's condition at the moment of asking.

    Times are CLOCK_BOOTTIME in nanoseconds, None if it has not happened: whoever asks takes the difference
    to now for the age. `counters` counts since the device was made, by stable word. `figures` are what it measures of
    itself, by a stable word that ends in the unit ("weight_age_ms"); a figure that is not known yet is not there.
    """

    status: Status
    opened_boot_ns: int | None = None
    last_reading_boot_ns: int | None = None
    counters: Mapping[str, int] = field(default_factory=dict)
    note: str = ""
    figures: Mapping[str, int] = field(default_factory=dict)


class Device(Protocol):
    """One peripheral. Making it does no I/O; `async with` opens it; closing twice is harmless."""

    async def __aenter__(self) -> Self:
        """Open. Raises `HardwareAbsent`."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def readings(self) -> AsyncIterator[Reading]:
        """Yield readings as they come, for one reader, while the device is open.

        Raises `LinkLost` when the device goes away and `ContractBroken` if it is not open. Never retries:
        that is the runner's.
        """
        ...

    async def acknowledge(self, accepted: bool) -> None:
        """Say to the device that its oldest unanswered `Scan` is durable (True) or was refused (False).

        Once for each `Scan`, in their order; never for a `Refused`, which the device is told by itself. Without such a
        back channel, or with the device gone, it does nothing.
        """
        ...

    def health(self) -> Health: ...


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every driver's settings: one field per key of the device's TOML table."""


S = TypeVar("S", bound=Settings)


def parse_table(kind: str, settings: type[S], table: Mapping[str, object]) -> S:
    """Check a TOML table against its settings. Raises `BadSettings`, typos with a suggestion."""
    known = {one.encode_name for one in msgspec.structs.fields(settings)}
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            raise BadSettings(key, f"{kind} has no such setting", near[0] if near else None)
    try:
        return msgspec.convert(dict(table), settings)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `$.")
        raise BadSettings(path.rstrip("`"), f"{kind}: {what}") from error


@dataclass(frozen=True, slots=True)
class Trial:
    """One way to learn whether an unknown device on a serial port is of this kind, changing nothing in it.

    The port is set to `baud` and `frame`, and what comes goes to the codec of `dialect` made with `options`. `ask` is a
    question that changes nothing either (b"W": the weight?), sent only when a person said so; b"" where the device
    talks by itself. `table` is what goes into the device's table, beside `port`, `baud` and `frame`, if it fits. For a
    device that is on no serial port `baud` is 0 and `frame` "".
    """

    dialect: str
    baud: int = 0
    frame: str = ""
    options: Mapping[str, object] = field(default_factory=dict)
    table: Mapping[str, object] = field(default_factory=dict)
    ask: bytes = b""


@dataclass(frozen=True, slots=True)
class Match:
    """Attached hardware that is of this kind by what it says of itself: `shelfwire edge probe` then proposes it.

    `key` is the setting that takes its path (of a smart card reader, its name). Of a HID device the usage page, and
    the usage unless it is None, must be these; of others the USB vendor must be one of `vendors`, unless that is empty.
    """

    kind: Kind
    key: str
    usage_page: int | None = None
    usage: int | None = None
    vendors: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Driver(Generic[S]):
    """A kind of device: what it is called in `driver = "..."`, its settings, and how to make one.

    `experimental` says what a driver was built from if nobody has run it on the real thing ("the manual ..., without a
    recorded capture"); people are shown it wherever the device is. "" for one that has been.

    `codecs` has the dialects that it speaks, by the names that captures call them: each makes the codec from the
    `[options]` of a capture, given by name, and `shelfwire edge replay` runs captures through them. `trials` are what
    `shelfwire edge probe` tries where nobody knows what is connected, or how it was set; `matches` is the hardware that
    needs no trying. `checks` are the steps by which a technician proves such a device at the hand-over check, each
    answered by a reading of it, or say which they are by its settings; () where all to be seen is that it opens.
    """

    name: str
    summary: str
    settings: type[S]
    make: Callable[[S], Device]
    experimental: str = ""
    codecs: Mapping[str, Callable[..., Codec]] = field(default_factory=dict)
    trials: Sequence[Trial] = ()
    matches: Sequence[Match] = ()
    checks: Sequence[StepKind] | Callable[[S], Sequence[StepKind]] = ()

    def make_from(self, table: Mapping[str, object]) -> Device:
        """Check a device's table (without its `driver` key) and make the device. Raises `BadSettings`."""
        return self.make(parse_table(self.name, self.settings, table))

    def checked_by(self, table: Mapping[str, object]) -> tuple[StepKind, ...]:
        """Say by which steps a device of this table is proved. Raises `BadSettings`."""
        checks = self.checks
        return tuple(checks(parse_table(self.name, self.settings, table)) if callable(checks) else checks)
