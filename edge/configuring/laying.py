"""Makes the settings that hold at a station of its own and of those its hub gives. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from edge.configuring.merging import merged
from edge.settings import Settings, parse_table
from protocol.state import SettingDrift

_GIVEN: Final = ("place", "area", "mode", "selling", "scale", "limits", "codes", "presence", "lights", "devices")
"""The fields of `Settings` that a hub may have a say in."""


def laid_under(base: Settings, given: Mapping[str, object]) -> tuple[Settings, tuple[SettingDrift, ...]]:
    """Give the station's own settings with the hub's below them, and the local overrides. Raises `BadSettings`."""
    table, drift = merged(base.table, given)
    # Who the station is stands in its file, or in the papers it was given when it enrolled.
    named: dict[str, Any] = {"store": base.store, "station": base.station, "place": base.place, "mode": base.mode.value}
    if base.area is not None:
        named["area"] = base.area
    held = parse_table({**named, **table}, base.data_dir)
    return replace(base, **{name: getattr(held, name) for name in _GIVEN}), drift
