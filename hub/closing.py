"""When the shop is closed, by the clock on its wall: spans of each day or of one weekday, read and looked up. Pure.

20:30-07:30          each day, over midnight
Sun 00:00-24:00      all of Sunday
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Final

from hub.errors import BadInput

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_SPAN: Final = re.compile(
    rf"(?:(?P<day>{'|'.join(_DAYS)}) )?(?P<from>[0-2]\d):(?P<from_min>[0-5]\d)-(?P<to>[0-2]\d):(?P<to_min>[0-5]\d)"
)
_SECOND_US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Span:
    """Closed from a minute of the day on, until another one, which may be on the next day; `day` None: each day."""

    day: int | None
    from_min: int
    to_min: int


def parse_closed(texts: Iterable[str]) -> tuple[Span, ...]:
    """Read the spans. Raises `BadInput` ("bad-span")."""
    return tuple(map(_parse, texts))


def next_closed(spans: tuple[Span, ...], zone: tzinfo, now_us: int) -> tuple[int, int] | None:
    """Give the span (UTC, microseconds) that holds now or is the next to begin; None if the shop never closes.

    Spans that touch are one. A span that falls into an hour which the clock skips or repeats is as long as it lasts.
    """
    today = datetime.fromtimestamp(now_us / _SECOND_US, zone).date()
    found: list[tuple[int, int]] = []
    for ahead in range(-2, 9):
        day = today + timedelta(days=ahead)
        for span in spans:
            if span.day in (None, day.weekday()):
                begin = datetime.combine(day, time(), zone)
                last = span.to_min if span.to_min > span.from_min else span.to_min + 1440
                found.append((_us(begin + timedelta(minutes=span.from_min)), _us(begin + timedelta(minutes=last))))
    joined: list[tuple[int, int]] = []
    for begin_us, end_us in sorted(found):
        if joined and begin_us <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end_us)
        else:
            joined.append((begin_us, end_us))
    return next(((begin_us, end_us) for begin_us, end_us in joined if end_us > now_us), None)


def _parse(text: str) -> Span:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise BadInput("bad-span", f"{text[:40]!r} is none like 20:30-07:30 or Sun 00:00-24:00")
    from_min = int(found["from"]) * 60 + int(found["from_min"])
    to_min = int(found["to"]) * 60 + int(found["to_min"])
    if from_min >= 1440 or to_min > 1440 or from_min == to_min:
        raise BadInput("bad-span", f"{text[:40]!r} has no beginning or no end")
    return Span(None if found["day"] is None else _DAYS.index(found["day"]), from_min, to_min)


def _us(moment: datetime) -> int:
    # Local time plus a duration is local time: what it is in UTC, the zone says for that moment.
    return round(moment.astimezone(UTC).timestamp() * _SECOND_US)
