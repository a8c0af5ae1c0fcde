"""What the tests of all drivers need to know of one, and something real at the other end of its device."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest

import tests.rigs
from edge.drivers.api import Device


class Rig(NamedTuple):
    """A driver's device with something real at the other end.

    `speak` has the peer send a reading of `kind` (its class in lower case). `vanish` takes the peer away, as
    unplugging would; opening then fails with a note that has `absent_note` in it.
    """

    make: Callable[[], Device]
    speak: Callable[[], object]
    vanish: Callable[[], None]
    kind: str
    absent_note: str = "No such file"


@dataclass(frozen=True)
class DriverCase:
    """One driver: a table of its settings that is right, single values that are not, its rig, and what that needs."""

    name: str
    table: Mapping[str, object]
    wrong: Sequence[tuple[str, object]]
    rig: Callable[[Path], AbstractAsyncContextManager[Rig]]
    marks: Sequence[pytest.MarkDecorator] = ()


def driver_cases() -> dict[str, DriverCase]:
    """All modules of this package that have a `CASE`, or several `CASES`, by the driver's name."""
    found: dict[str, DriverCase] = {}
    for module in pkgutil.iter_modules(tests.rigs.__path__):
        loaded = importlib.import_module(f"tests.rigs.{module.name}")
        for one in getattr(loaded, "CASES", [getattr(loaded, "CASE", None)]):
            if isinstance(one, DriverCase):
                assert one.name not in found
                found[one.name] = one
    return found
