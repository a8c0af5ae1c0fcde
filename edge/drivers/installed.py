"""The drivers that are installed, ours and other people's, by the name a device's table gives.

A driver is found through the entry-point group `shelfwire.drivers` (Python Packaging User Guide, "Entry points
specification"), for ours as for anybody's::

    [project.entry-points."shelfwire.drivers"]
    acme-scanner = "acme_shelfwire.scanner:DRIVER"
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Any

from edge.drivers.api import Driver
from edge.errors import BadDriver

GROUP = "shelfwire.drivers"


@dataclass(frozen=True, slots=True)
class DriverSpec:
    """Where a driver is. Nothing of it is imported before `load`."""

    name: str
    entry: EntryPoint

    def load(self) -> Driver[Any]:
        """Import the driver. Raises `BadDriver`: it cannot be imported, or is no driver of this name."""
        try:
            found = self.entry.load()
        except Exception as error:
            raise BadDriver(f"{self.entry.value}: {type(error).__name__}: {error}") from error
        if not isinstance(found, Driver):
            raise BadDriver(f"{self.entry.value} is no Driver")
        if found.name != self.name:
            raise BadDriver(f"{self.entry.value} calls itself {found.name!r} and not {self.name!r}")
        return found


def installed_drivers() -> Mapping[str, DriverSpec]:
    """Give the drivers by name, none of them loaded. Of two with one name, ours is taken, then the first found."""
    specs: dict[str, DriverSpec] = {}
    for entry in sorted(entry_points(group=GROUP), key=_ours_first):
        specs.setdefault(entry.name, DriverSpec(entry.name, entry))
    return MappingProxyType(specs)


def _ours_first(entry: EntryPoint) -> tuple[bool, str]:
    return not entry.value.startswith("edge.drivers."), entry.value
