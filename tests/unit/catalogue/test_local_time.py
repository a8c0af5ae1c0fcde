"""The minute at which an offer begins and ends, by the store's own clock: a table of the nights that are not plain."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.catalogue.local_time import instant_us
from protocol.errors import BadInput

BERLIN = "Europe/Berlin"
TABLE = [
    # zone, the clock on the wall, the instant
    (BERLIN, "2026-01-15 08:00", "2026-01-15T07:00"),
    (BERLIN, "2026-07-15 08:00", "2026-07-15T06:00"),
    # 29 March 2026: from 02:00 straight to 03:00
    (BERLIN, "2026-03-29 01:59", "2026-03-29T00:59"),
    (BERLIN, "2026-03-29 02:00", "2026-03-29T01:00"),
    (BERLIN, "2026-03-29 02:30", "2026-03-29T01:00"),
    (BERLIN, "2026-03-29 02:59", "2026-03-29T01:00"),
    (BERLIN, "2026-03-29 03:00", "2026-03-29T01:00"),
    (BERLIN, "2026-03-29 03:01", "2026-03-29T01:01"),
    # 25 October 2026: from 03:00 back to 02:00
    (BERLIN, "2026-10-25 01:59", "2026-10-24T23:59"),
    (BERLIN, "2026-10-25 02:00", "2026-10-25T00:00"),
    (BERLIN, "2026-10-25 02:30", "2026-10-25T00:30"),
    (BERLIN, "2026-10-25 02:59", "2026-10-25T00:59"),
    (BERLIN, "2026-10-25 03:00", "2026-10-25T02:00"),
    # Half an hour only, and south of the equator
    ("Australia/Lord_Howe", "2026-10-04 02:15", "2026-10-03T15:30"),
    ("Australia/Lord_Howe", "2026-04-05 01:45", "2026-04-04T14:45"),
    ("America/New_York", "2026-03-08 02:30", "2026-03-08T07:00"),
    ("America/New_York", "2026-11-01 01:30", "2026-11-01T05:30"),
    ("Asia/Kathmandu", "2026-05-01 00:00", "2026-04-30T18:15"),
    # A day that never was
    ("Pacific/Apia", "2011-12-30 12:00", "2011-12-30T10:00"),
    ("UTC", "2026-03-29 02:30", "2026-03-29T02:30"),
]


def micros(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


@pytest.mark.parametrize(("zone", "wall", "instant"), TABLE)
def test_a_minute_on_the_wall_is_this_instant(zone: str, wall: str, instant: str) -> None:
    assert instant_us(wall, ZoneInfo(zone)) == micros(instant)
    # Where one offer ends another may begin: no hole, no overlap.
    assert instant_us(wall, ZoneInfo(zone), end=True) == micros(instant)


def test_a_day_is_from_its_first_minute_to_its_last() -> None:
    zone = ZoneInfo(BERLIN)
    assert instant_us("2026-10-25", zone) == micros("2026-10-24T22:00")
    assert instant_us("2026-10-25", zone, end=True) == micros("2026-10-25T23:00")
    assert instant_us("2026-03-29", zone, end=True) - instant_us("2026-03-29", zone) == 23 * 3600 * 1_000_000


@pytest.mark.parametrize(
    "text", ["", "29.3.2026", "2026-13-01", "2026-02-30", "2026-03-29 24:00", "1969-01-01", "9999-12-31 9"]
)
def test_what_is_no_time_is_told(text: str) -> None:
    with pytest.raises(BadInput, match="bad-time"):
        instant_us(text, ZoneInfo(BERLIN))


@given(st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1)), st.sampled_from([row[0] for row in TABLE]))  # noqa: DTZ001  (wall time)
def test_what_the_clock_shows_comes_back_or_is_a_minute_that_never_was(wall: datetime, name: str) -> None:
    zone = ZoneInfo(name)
    wall = wall.replace(second=0, microsecond=0)
    instant = instant_us(wall.strftime("%Y-%m-%d %H:%M"), zone)
    shown = datetime.fromtimestamp(instant // 1_000_000, zone).replace(tzinfo=None)
    before = datetime.fromtimestamp(instant // 1_000_000 - 1, zone).replace(tzinfo=None)
    assert shown == wall or before < wall < shown
