"""When the shop is closed, by the clock on its wall."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from hub.closing import next_closed, parse_closed
from hub.errors import BadInput

BERLIN = ZoneInfo("Europe/Berlin")


def us(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1e6)


@pytest.mark.parametrize(
    ("spans", "now", "closed"),
    [
        (["20:30-07:30"], "2026-11-24T12:00", ("2026-11-24T19:30", "2026-11-25T06:30")),
        (["20:30-07:30"], "2026-11-24T20:00", ("2026-11-24T19:30", "2026-11-25T06:30")),
        (["20:30-07:30"], "2026-11-25T05:00", ("2026-11-24T19:30", "2026-11-25T06:30")),
        (["Sun 00:00-24:00"], "2026-11-24T12:00", ("2026-11-28T23:00", "2026-11-29T23:00")),
        # The night before Sunday, Sunday, and the night after are one.
        (["20:00-08:00", "Sun 00:00-24:00"], "2026-11-29T12:00", ("2026-11-28T19:00", "2026-11-30T07:00")),
        # The clock goes back in this night: it is an hour longer.
        (["20:00-08:00"], "2026-10-24T20:00", ("2026-10-24T18:00", "2026-10-25T07:00")),
        ([], "2026-11-24T12:00", None),
    ],
)
def test_the_span_that_holds_or_comes_next(spans: list[str], now: str, closed: tuple[str, str] | None) -> None:
    found = next_closed(parse_closed(spans), BERLIN, us(now))
    assert found == (None if closed is None else (us(closed[0]), us(closed[1])))


@pytest.mark.parametrize("text", ["", "20:30", "25:00-26:00", "24:00-07:00", "08:00-08:00", "Sunday 00:00-24:00"])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="bad-span"):
        parse_closed([text])
