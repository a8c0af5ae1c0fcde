"""Anchors: few, but each one that says something new."""

from __future__ import annotations

from itertools import pairwise

from edge.station.anchoring import Anchoring
from protocol.events import Anchor, When

BOOT = "0123456789ab"
UTC = 1_750_000_000_000_000


def offered(anchoring: Anchoring, at_s: float, took_ms: float, ahead_ms: float = 0) -> bool:
    """Exchange with a hub whose clock is `ahead_ms` ahead; the answer takes the whole of the time."""
    sent = round(at_s * 1e6)
    return anchoring.offer(sent, sent + round(took_ms * 1000), UTC + sent + round(ahead_ms * 1000)) is not None


def test_the_first_exchange_is_an_anchor() -> None:
    anchor = Anchoring(BOOT).offer(1000, 3000, UTC)
    assert anchor == Anchor(BOOT, 1000, 3000, UTC)


def test_a_good_anchor_stands_for_minutes() -> None:
    anchoring = Anchoring(BOOT)
    kept = [second for second in range(0, 3600, 10) if offered(anchoring, second, took_ms=4)]
    assert len(kept) > 1
    assert all(later - earlier >= 480 for earlier, later in pairwise(kept))


def test_a_poor_anchor_is_bettered_at_once() -> None:
    anchoring = Anchoring(BOOT)
    assert offered(anchoring, 0, took_ms=2000)
    assert not offered(anchoring, 1, took_ms=1900)
    assert offered(anchoring, 2, took_ms=30)
    assert not offered(anchoring, 3, took_ms=2)


def test_however_poor_there_is_one_every_ten_minutes() -> None:
    anchoring = Anchoring(BOOT)
    assert offered(anchoring, 0, took_ms=5)
    assert offered(anchoring, 601, took_ms=3000)


def test_a_hub_whose_clock_was_set_is_believed_but_not_every_second() -> None:
    anchoring = Anchoring(BOOT)
    assert offered(anchoring, 0, took_ms=5)
    assert not offered(anchoring, 5, took_ms=5, ahead_ms=3_600_000)
    assert offered(anchoring, 11, took_ms=5, ahead_ms=3_600_000)


def test_an_anchor_that_was_not_logged_is_offered_again() -> None:
    anchoring = Anchoring(BOOT)
    assert offered(anchoring, 0, took_ms=5)
    anchoring.not_logged()
    assert offered(anchoring, 1, took_ms=5)


def test_an_impossible_exchange_is_none() -> None:
    anchoring = Anchoring(BOOT)
    assert anchoring.offer(2000, 1000, UTC) is None
    assert anchoring.offer(1000, 2000, 0) is None


def test_the_hub_tells_the_time_to_a_station_whose_clock_nothing_disciplines() -> None:
    anchoring = Anchoring(BOOT)
    lost = When(BOOT, 60_000_000, 5, False)
    assert anchoring.utc_us(lost) == 5
    anchoring.offer(10_000_000, 10_000_000, UTC)
    assert anchoring.utc_us(lost) == UTC + 50_000_000
    assert anchoring.utc_us(When(BOOT, 60_000_000, 7, True)) == 7
    assert anchoring.utc_us(When("ffffffffffff", 60_000_000, 9, False)) == 9
