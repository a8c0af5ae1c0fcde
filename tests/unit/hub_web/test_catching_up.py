"""How far the books are behind, and an estimate that promises nothing it has not measured."""

from __future__ import annotations

import asyncio

from hub.store.views import StationRow
from hub.web.catching_up import LITTLE, CatchingUp, Pace, ProgressWatch
from protocol.identity import StationId
from tests.unit.hub_web.shop import MILK, Shop, eventually

TILL, BAY = StationId("till-1"), StationId("bay")


def row(
    station: StationId, committed: int, folded: int, *, state: str = "online", backlog: int | None = None
) -> StationRow:
    return StationRow(
        station=station,
        state=state,
        state_us=0,
        last_seen_us=0,
        place=None,
        backlog=backlog,
        at=None,
        mark_us=None,
        committed=committed,
        folded=folded,
        movements=0,
        quarantined=0,
        losses=0,
        report=None,
    )


def test_a_week_offline_is_told_from_the_greeting_to_the_last_entry_booked() -> None:
    """Committed at 100,000/s while the fold waits, then folded at 20,000/s."""
    pace = Pace()
    seen = pace.look(0.0, [row(TILL, 50_000, 50_000)], {TILL: 1_000_000})
    assert seen.stations[TILL].told == 1_050_000
    assert (seen.stations[TILL].to_come, seen.stations[TILL].percent, seen.seconds) == (1_000_000, 0, None)
    for second in range(1, 11):
        committed = 50_000 + 100_000 * second
        seen = pace.look(float(second), [row(TILL, committed, 50_000)], {TILL: 1_050_000 - committed})
    assert seen.stations[TILL].to_come == 0
    assert seen.stations[TILL].percent == 0
    assert seen.seconds is None
    percents = []
    for second in range(11, 60):
        folded = 50_000 + 20_000 * (second - 10)
        seen = pace.look(float(second), [row(TILL, 1_050_000, folded)], {TILL: 0})
        percents.append(seen.stations[TILL].percent)
        left_s = (1_050_000 - folded) / 20_000
        assert seen.seconds is not None
        assert abs(seen.seconds - left_s) <= 1
    assert percents == sorted(percents)
    assert percents[-1] == 98
    seen = pace.look(60.0, [row(TILL, 1_050_000, 1_050_000)], {TILL: 0})
    assert (seen.stations[TILL].percent, seen.seconds) == (100, 0)


def test_once_the_fold_s_speed_is_known_both_ways_are_added() -> None:
    pace = Pace()
    for second in range(5):
        pace.look(float(second), [row(TILL, 100_000, 10_000 * second)], {TILL: 0})
    pace.look(20.0, [row(TILL, 100_000, 100_000)], {TILL: 0})
    seen = pace.look(30.0, [row(TILL, 100_000, 100_000)], {TILL: 500_000})
    for second in range(1, 4):
        committed = 100_000 + 50_000 * second
        seen = pace.look(30.0 + second, [row(TILL, committed, 100_000)], {TILL: 600_000 - committed})
    assert seen.seconds == 350_000 // 50_000 + 500_000 // 10_000


def test_nothing_is_promised_while_nothing_comes() -> None:
    pace = Pace()
    for second in range(5):
        pace.look(float(second), [row(TILL, 100_000, 10_000 * second)], {TILL: 0})
    for second in range(5, 30):
        pace.look(float(second), [row(TILL, 100_000, 100_000)], {TILL: 5000})
    assert pace.look(30.0, [row(TILL, 100_000, 100_000)], {TILL: 5000}).seconds is None


def test_a_station_out_of_touch_has_a_backlog_and_no_time() -> None:
    pace = Pace()
    rows = [row(TILL, 100, 100, state="offline", backlog=5000), row(BAY, 100, 100)]
    seen = pace.look(0.0, rows, {})
    assert seen.stations[TILL].to_come == 5000
    assert seen.stations[TILL].percent == 0
    assert seen.seconds_of(rows[0]) is None
    assert (seen.seconds_of(rows[1]), seen.seconds) == (0, 0)


def test_a_live_trickle_is_no_backlog() -> None:
    seen = Pace().look(0.0, [row(TILL, 100, 100)], {TILL: LITTLE})
    assert (seen.stations[TILL].percent, seen.seconds) == (100, 0)


def test_a_hundred_percent_is_said_of_nothing_less() -> None:
    pace = Pace()
    pace.look(0.0, [row(TILL, 0, 0)], {TILL: 10_000_000})
    seen = pace.look(1.0, [row(TILL, 10_000_000, 9_999_900)], {TILL: 0})
    assert seen.stations[TILL].percent == 99


async def test_the_watch_follows_the_store(shop: Shop) -> None:
    to_come = {TILL: 2000}
    watch = ProgressWatch(shop.store, lambda: to_come)
    watching = asyncio.create_task(watch.run())
    await asyncio.sleep(0)
    await shop.arrive("till-1", *[shop.sale(MILK)] * 10)
    await eventually(lambda: watch.latest.to_come == 2000)
    assert watch.latest.stations[TILL].told == 2010
    assert isinstance(watch.latest, CatchingUp)
    to_come[TILL] = 0
    await shop.fold()
    await eventually(lambda: watch.latest.stations[TILL].percent == 100)
    watching.cancel()
    await asyncio.wait((watching,))
