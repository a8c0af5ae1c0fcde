"""Which devices must come up under new settings, and which of them have not. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from edge.configuring import rules
from edge.settings import Settings
from edge.station.happenings import LIGHTS, StationStatus
from protocol.identity import DeviceId

_READY: Final = "ready"


def required(old: Settings, new: Settings, status: StationStatus) -> tuple[str, ...]:
    """List what must come up under `new`, the lights among them; `status` is how the station is under `old`."""
    well = {one.device for one in status.devices if one.status == _READY}
    must = rules.required(old.devices, new.devices, well)
    has_lights = new.lights is not None and (old.lights is None or LIGHTS in well)
    return (*must, LIGHTS) if has_lights else must


def ill(status: StationStatus, must: Collection[str]) -> str:
    """Say which of the devices that must come up are not up, and why."""
    known = {one.device: one for one in status.devices}
    return "; ".join(
        f"{name}: {known[DeviceId(name)].status} {known[DeviceId(name)].note}".strip()
        if name in known
        else f"{name}: gone"
        for name in must
        if name not in known or known[DeviceId(name)].status != _READY
    )
