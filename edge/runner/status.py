"""How a station is, put together from what those who work in it know."""

from __future__ import annotations

from collections.abc import Iterable

from edge.runner.answers import Answers
from edge.runner.chatter import ChatterWriter
from edge.station.happenings import DeviceCondition, StationStatus
from edge.station.station import Station


def status_of(
    station: Station, answers: Answers, chatter: ChatterWriter, devices: Iterable[DeviceCondition], swept: int | None
) -> StationStatus:
    """Say how the station is now; `swept` as in `StationStatus`."""
    rejections = answers.rejections
    return StationStatus(
        mode=station.work.mode,
        document=station.work.document,
        to_place=station.work.to_place,
        session=station.session,
        devices=tuple(devices),
        accepted=answers.accepted,
        rejected=rejections.total(),
        suppressed=answers.suppressed,
        rejections=tuple(sorted(rejections.items())),
        chatter_dropped=chatter.dropped,
        chatter_thinned=chatter.thinned,
        count=station.work.count,
        person=station.person,
        arriving=station.work.arriving,
        swept=swept,
        basket=None if station.basket is None else station.basket.name,
    )
