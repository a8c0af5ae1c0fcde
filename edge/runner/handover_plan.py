"""Which steps the devices of a station ask for in its hand-over check, and in which order."""

from __future__ import annotations

from collections.abc import Sequence

from edge.runner.supervisor import Peripheral
from edge.station.handover_steps import Planned
from edge.station.happenings import LIGHTS
from protocol.acceptance import StepKind


def plan_of(peripherals: Sequence[Peripheral], *, lights: bool, tone: bool) -> tuple[Planned, ...]:
    """Say which steps a station's devices ask for: scanners first, whose cards answer for the rest."""
    steps = [
        Planned(kind, one.id, one.kind, _model(one.paths))
        for one in peripherals
        for kind in one.checks or (StepKind.READY,)
    ]
    steps += [Planned(StepKind.LIGHTS, LIGHTS, "lights")] if lights else []
    steps += [Planned(StepKind.TONE, LIGHTS, "lights")] if tone else []
    return tuple(sorted(steps, key=lambda step: list(StepKind).index(step.kind)))


def _model(paths: Sequence[str]) -> str:
    """Give what the path of a device says of the very one: udev names USB devices by maker, model and serial number."""
    named = [path for path in paths if "/by-id/" in path]
    return (named or list(paths) or [""])[0].rpartition("/")[2]
