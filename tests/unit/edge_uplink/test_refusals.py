"""A broker that has not read of a new station yet is waited for, told once; one that refuses is told as an error."""

from __future__ import annotations

from edge.uplink.refusals import EVERY, TAKEN_UP_S, Refusals, Tell


def test_a_new_station_waits_and_says_so_once() -> None:
    refusals = Refusals()
    assert not refusals.waits(0.0)
    assert [refusals.refused(at, permission=True) for at in (1.0, 1.1, 2.0)] == [Tell.WAITS, Tell.NOTHING, Tell.NOTHING]
    assert refusals.waits(2.0)
    refusals.heard()
    assert not refusals.waits(2.1)


def test_what_goes_on_is_an_error_once_and_now_and_then() -> None:
    refusals = Refusals()
    assert refusals.refused(1.0, permission=True) is Tell.WAITS
    late_s = 1.0 + TAKEN_UP_S
    told = [refusals.refused(late_s, permission=True) for _ in range(EVERY)]
    assert (told[0], told[1], told.count(Tell.REFUSED)) == (Tell.REFUSED, Tell.NOTHING, 2)
    assert not refusals.waits(late_s)


def test_who_was_heard_before_and_what_is_no_matter_of_who_we_are_is_an_error_at_once() -> None:
    known = Refusals()
    known.heard()
    assert known.refused(1.0, permission=True) is Tell.REFUSED
    assert Refusals().refused(1.0, permission=False) is Tell.REFUSED
