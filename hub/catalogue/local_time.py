"""What instant a store's clock on the wall means, also in the two nights of the year when that is not plain. Pure.

    02:30 where the clock goes from 02:00 to 03:00     there is no such minute: the first one that there is, 03:00
    02:30 where the clock goes from 03:00 to 02:00     there are two: the first

One minute is one instant whether an offer begins or ends at it, so that offers which follow each other neither overlap
nor leave a hole.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

from protocol.errors import BadInput

_LOCAL: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[ T]([0-9]{2}):([0-9]{2}))?")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = timedelta(seconds=1)


def instant_us(text: str, zone: tzinfo, *, end: bool = False) -> int:
    """Read "2026-03-29 02:30", the time of day in `zone`, as UTC microseconds.

    A day alone is its first minute, or, where it is the `end`, the first one after it: it is named as the last day.
    Raises `BadInput` ("bad-time"), also before 1970.
    """
    found = _LOCAL.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        day = date(int(found[1]), int(found[2]), int(found[3]))
        hour, minute = (0, 0) if found[4] is None else (int(found[4]), int(found[5]))
        local = datetime(day.year, day.month, day.day, hour, minute) + timedelta(days=end and found[4] is None)  # noqa: DTZ001  (wall time is what it is)
        micros = (_instant(local, zone) - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, OverflowError) as error:
        raise BadInput("bad-time", f"{text[:40]!r} is not a day, or a day and time like 2026-03-29 08:00") from error
    if micros < 0:
        raise BadInput("bad-time", f"{text[:40]!r} is before 1970")
    return micros


def _instant(local: datetime, zone: tzinfo) -> datetime:
    # PEP 495: of two, fold 0 is the first; of none, fold 0 counts by the clock before the gap, so lies beyond it.
    later = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if _on_the_wall(later, zone) == local:
        return later
    earlier = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    while later - earlier > _SECOND:
        middle = earlier + (later - earlier) // _SECOND // 2 * _SECOND
        if _on_the_wall(middle, zone) < local:
            earlier = middle
        else:
            later = middle
    return later


def _on_the_wall(instant: datetime, zone: tzinfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)
