"""Anchors: few, but each one that says something new."""

from __future__ import annotations

from itertools import pairwise

import pytest

from edge.station.anchoring import Anchoring
from protocol.events import Anchor, When, encode_entry

BOOT = "0123456789ab"
UTC = 1_750_000_000_000_000
HOUR_US = 3_600_000_000
TEN_YEARS_US = 3652 * 24 * HOUR_US


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
    assert anchoring.utc_us(When("ffffffffffff", 60_000_000, 9, False)) == 9


def test_a_disciplined_clock_is_asked_as_long_as_it_agrees_with_the_hub() -> None:
    anchoring = Anchoring(BOOT)
    anchoring.offer(0, 0, UTC)
    now = UTC + 60_000_000
    assert anchoring.utc_us(When(BOOT, 60_000_000, now + 900_000, True)) == now + 900_000
    for wrong_us in (-TEN_YEARS_US, -HOUR_US, HOUR_US, TEN_YEARS_US):
        assert anchoring.utc_us(When(BOOT, 60_000_000, now + wrong_us, True)) == now
    # After a week without the hub, what a crystal may have drifted is granted.
    week_us = 7 * 86_400_000_000
    assert anchoring.utc_us(When(BOOT, week_us, UTC + week_us + 50_000_000, True)) == UTC + week_us + 50_000_000


def test_after_a_restart_of_the_agent_the_last_anchor_still_holds() -> None:
    anchor = Anchoring(BOOT).offer(1000, 3000, UTC)
    assert anchor is not None
    again = Anchoring(BOOT)
    again.resume(encode_entry(anchor))
    assert again.utc_us(When(BOOT, 60_002_000, 5, False)) == UTC + 60_000_000
    assert not offered(again, 60, took_ms=5)


def test_a_boot_without_a_clock_is_later_than_the_last_anchor_of_the_boot_before() -> None:
    anchor = Anchoring(BOOT).offer(1000, 3000, UTC)
    assert anchor is not None
    next_boot = Anchoring("ffffffffffff")
    next_boot.resume(encode_entry(anchor))
    assert next_boot.agreed_us(When("ffffffffffff", 5_000_000, 5, False)) is None
    assert next_boot.utc_us(When("ffffffffffff", 5_000_000, 5, False)) == UTC + 5_000_000
    assert next_boot.utc_us(When("ffffffffffff", 5_000_000, UTC + HOUR_US, False)) == UTC + HOUR_US


@pytest.mark.parametrize("note", [None, b"", b"[]", b"not json", b'["m",["0123456789ab",1,2,true],false]'])
def test_a_note_that_tells_of_no_anchor_is_none(note: bytes | None) -> None:
    anchoring = Anchoring(BOOT)
    anchoring.resume(note)
    assert anchoring.agreed_us(When(BOOT, 7, 9, False)) is None
    assert anchoring.utc_us(When(BOOT, 7, 9, False)) == 9


def test_a_hub_that_has_not_learnt_the_time_is_not_believed() -> None:
    assert Anchoring(BOOT).offer(1000, 3000, 1_000_000) is None


def test_how_old_something_is_only_the_hub_can_say() -> None:
    anchoring = Anchoring(BOOT)
    assert anchoring.past_us(When(BOOT, 0, UTC + TEN_YEARS_US, True)) is None
    anchoring.offer(0, 0, UTC)
    assert anchoring.past_us(When(BOOT, 0, UTC + TEN_YEARS_US, True)) == UTC


def test_what_was_stored_under_a_clock_that_was_behind_is_taken_for_younger_than_it_looks() -> None:
    anchoring = Anchoring(BOOT)
    stored_us = anchoring.stored_us(When(BOOT, 0, 5, False))
    anchoring.offer(HOUR_US, HOUR_US, UTC + HOUR_US)
    now = When(BOOT, HOUR_US, 5 + HOUR_US, False)
    assert anchoring.stored_us(now) == UTC + HOUR_US
    past_us = anchoring.past_us(now)
    assert past_us is not None
    assert past_us - stored_us == HOUR_US
