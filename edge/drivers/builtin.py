"""The drivers that come with the agent, by the name a device's table gives."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from edge.drivers.api import Driver
from edge.errors import ContractBroken


@dataclass(frozen=True, slots=True)
class DriverSpec:
    """Where a driver is: `module` has it as `DRIVER`. Nothing of it is imported before `load`."""

    name: str
    module: str

    def load(self) -> Driver[Any]:
        """Import the driver. Raises `ContractBroken` if the module has no driver of this name."""
        found = getattr(importlib.import_module(self.module), "DRIVER", None)
        if not isinstance(found, Driver) or found.name != self.name:
            raise ContractBroken(f"{self.module} has no DRIVER named {self.name!r}")
        return found


_SPECS = (
    DriverSpec("serial-scanner", "edge.drivers.serial_scanner"),
    DriverSpec("keyboard-wedge", "edge.drivers.keyboard_wedge"),
    DriverSpec("scale-8217", "edge.drivers.scale_8217"),
)


def builtin_drivers() -> Mapping[str, DriverSpec]:
    """Give the drivers by name, none of them loaded."""
    return MappingProxyType({spec.name: spec for spec in _SPECS})
