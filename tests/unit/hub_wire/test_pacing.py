"""How much each writer may have under way: a fair share, a bound on all together, and never nothing."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.wire.pacing import (
    AHEAD_S,
    FLOOR,
    LEAST_A_TRANSACTION,
    LEAST_BYTES,
    MOST_A_TRANSACTION,
    MOST_BYTES,
    SILENT_S,
    TRANSACTION_S,
    USUAL_BYTES,
    Pacing,
)

ALL = MOST_BYTES // USUAL_BYTES


def draining(pacing: Pacing, *logs: str, backlog: int = 1_000_000, now_s: float = 0.0) -> None:
    for log in logs:
        pacing.heard(log, backlog, now_s)


def test_a_station_alone_gets_all_of_it() -> None:
    pacing = Pacing()
    draining(pacing, "a")
    assert pacing.credit("a", 0.0) == ALL
    assert ALL > 40_000


def test_fifty_that_return_at_once_have_the_same_share_after_their_first_frames() -> None:
    pacing = Pacing()
    logs = [f"s/{n}/stock" for n in range(50)]
    draining(pacing, *logs)
    for log in logs:
        pacing.credit(log, 0.0)
    for _ in range(3):
        for log in logs:
            pacing.committed(log, ALL, 900_000)
            pacing.credit(log, 0.0)
    assert {pacing.credit(log, 0.0) for log in logs} == {ALL // 50}


def test_whoever_greets_first_does_not_leave_the_others_without() -> None:
    pacing = Pacing()
    draining(pacing, "first")
    pacing.credit("first", 0.0)
    draining(pacing, "second")
    assert pacing.credit("second", 0.0) == FLOOR
    pacing.committed("first", ALL, 900_000)
    assert pacing.credit("first", 0.0) == ALL // 2
    assert pacing.credit("second", 0.0) == ALL // 2


def test_one_fresh_scan_among_fifty_backlogs_may_go_at_once() -> None:
    pacing = Pacing()
    logs = [f"s/{n}/stock" for n in range(50)]
    draining(pacing, *logs)
    for log in logs:
        pacing.credit(log, 0.0)
    pacing.heard("till", 1, 0.0)
    assert pacing.credit("till", 0.0) >= FLOOR


def test_a_station_without_a_backlog_takes_nothing_from_the_others() -> None:
    pacing = Pacing()
    for n in range(50):
        pacing.heard(f"idle-{n}", 1, 0.0)
        pacing.credit(f"idle-{n}", 0.0)
    draining(pacing, "a")
    assert pacing.credit("a", 0.0) >= ALL - 50


def test_a_station_that_went_silent_holds_nothing() -> None:
    pacing = Pacing()
    draining(pacing, "gone", "here")
    pacing.credit("gone", 0.0)
    draining(pacing, "here", now_s=SILENT_S)
    assert pacing.credit("here", SILENT_S) == ALL


def test_a_greeting_begins_anew() -> None:
    pacing = Pacing()
    draining(pacing, "a")
    pacing.credit("a", 0.0)
    draining(pacing, "b")
    pacing.heard("a", 1_000_000, 0.0, greeting=True)
    assert pacing.credit("b", 0.0) == ALL // 2


def test_large_entries_are_counted_by_their_bytes() -> None:
    pacing = Pacing()
    pacing.heard("a", 1_000_000, 0.0, entry_bytes=20 * USUAL_BYTES)
    assert pacing.credit("a", 0.0) == ALL // 20


def test_chatter_waits_while_stock_drains_and_not_the_other_way_round() -> None:
    pacing = Pacing()
    pacing.heard("s/a/chatter", 1_000_000, 0.0, first=False)
    pacing.heard("s/a/stock", 1_000_000, 0.0)
    assert pacing.credit("s/a/stock", 0.0) == ALL
    assert pacing.credit("s/a/chatter", 0.0) == FLOOR
    pacing.committed("s/a/stock", ALL, 0)
    pacing.heard("s/a/stock", 0, 0.0)
    assert pacing.credit("s/a/chatter", 0.0) == ALL


def test_a_hub_that_grows_slow_lets_less_come_and_takes_less_at_a_time() -> None:
    pacing = Pacing()
    draining(pacing, "a", "b")
    assert (pacing.budget_bytes, pacing.transaction_entries) == (MOST_BYTES, MOST_A_TRANSACTION)
    for _ in range(30):
        pacing.committed_in(2_000_000, 0.3)
    speed = 2_000_000 / 0.3
    assert abs(pacing.budget_bytes - speed * AHEAD_S) < 10_000
    assert abs(pacing.transaction_entries - speed * TRANSACTION_S / USUAL_BYTES) < 50
    assert pacing.credit("a", 0.0) == pacing.budget_bytes // 2 // USUAL_BYTES
    for _ in range(30):
        pacing.committed_in(2_000_000, 60.0)
    assert (pacing.budget_bytes, pacing.transaction_entries) == (LEAST_BYTES, LEAST_A_TRANSACTION)
    for _ in range(30):
        pacing.committed_in(8_000_000, 0.1)
    assert pacing.budget_bytes == MOST_BYTES


def test_a_lone_scan_says_nothing_of_the_hub_s_speed() -> None:
    pacing = Pacing()
    for _ in range(100):
        pacing.committed_in(200, 0.05)
    assert pacing.budget_bytes == MOST_BYTES


LOG = st.integers(0, 299)
STEP = st.tuples(LOG, st.sampled_from(("greet", "frame", "commit")), st.integers(0, 50_000))


@settings(max_examples=200)
@given(st.lists(STEP, max_size=400))
def test_all_together_have_less_than_two_budgets_under_way_however_many_they_are(
    steps: list[tuple[int, str, int]],
) -> None:
    """Each writer here sends all it may, at once, and takes back only what is committed."""
    pacing = Pacing()
    under_way: dict[str, int] = {}
    for n in range(300):
        pacing.heard(f"{n}", 1_000_000, 0.0)
    for number, what, amount in steps:
        log = f"{number}"
        if what == "greet":
            under_way[log] = 0
            pacing.heard(log, 1_000_000, 0.0, greeting=True)
        elif what == "commit":
            done = min(amount, under_way.get(log, 0))
            under_way[log] = under_way.get(log, 0) - done
            pacing.committed(log, done, 1_000_000)
        credit = pacing.credit(log, 0.0)
        assert credit >= 1
        under_way[log] = max(under_way.get(log, 0), credit)
        assert sum(under_way.values()) * USUAL_BYTES <= 2 * MOST_BYTES
