"""Chatter is bounded, and a restless scale does not crowd out refusals."""

from __future__ import annotations

from edge.station.chatter import BURST_S, ChatterGate, Room
from protocol.events import Rejection, Weighing, When

WHEN = When("0123456789ab", 0, 0, False)
REFUSAL = Rejection(WHEN, "scanner", "check-digit", "", "")


def weighing(grams: int | None, device: str = "scale") -> Weighing:
    return Weighing(WHEN, device, "motion" if grams is None else "stable", grams)


def test_a_weight_that_did_not_change_is_logged_once_and_is_no_loss() -> None:
    gate = ChatterGate(per_s=10)
    entries = [weighing(100), weighing(100), weighing(None), weighing(None), weighing(100), weighing(100, "other")]
    assert [gate.passes(entry, 0) for entry in entries] == [True, False, True, False, True, True]
    assert gate.suppressed == 0


def test_the_rate_holds_over_time_and_the_rest_is_counted() -> None:
    gate = ChatterGate(per_s=10)
    passed = sum(gate.passes(REFUSAL, up_us) for up_us in range(0, 10_000_000, 1000))
    assert 10 * 10 <= passed <= 10 * (10 + BURST_S)
    assert passed + gate.suppressed == 10_000


def test_a_restless_scale_leaves_room_for_refusals() -> None:
    gate = ChatterGate(per_s=10)
    for grams in range(1000):
        gate.passes(weighing(grams), 0)
    assert [gate.passes(REFUSAL, 0) for _ in range(20)] == [True] * 20


def test_short_of_room_weights_give_way_first_and_then_refusals_and_both_are_counted() -> None:
    gate = ChatterGate(per_s=10)
    gate.room = Room.SHORT
    assert [gate.passes(one, 0) for one in (weighing(1), REFUSAL)] == [False, True]
    gate.room = Room.SCARCE
    assert [gate.passes(one, 0) for one in (weighing(1), REFUSAL)] == [False, False]
    assert (gate.thinned, gate.suppressed) == (3, 0)
    gate.room = Room.AMPLE
    assert [gate.passes(one, 0) for one in (weighing(1), REFUSAL)] == [True, True]
