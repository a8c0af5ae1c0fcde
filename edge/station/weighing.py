"""The one weighed item that waits for the scale, and the rule that no load is taken twice."""

from __future__ import annotations

from dataclasses import dataclass

from edge.codecs.readings import Scan, Weight, WeightState
from edge.station.actions import Goods, Rejected, Ticket

SAME_LOAD_GRAMS = 5
"""A load that rests may be shown this much apart: the division of a 15 kg shop scale (OIML R 76, e = 5 g)."""

_EXPLAINED = {
    "none": "the scale said nothing",
    "motion": "the scale did not come to rest",
    "under": "the scale is under zero",
    "over": "the scale is over its capacity",
    "fault": "the scale reports a fault",
    "zero": "the scale is empty",
    "unchanged": "the scale has no new figure",
    "same-load": "this load was taken already; lift it and put it back",
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """An item whose quantity is the next stable weight, if that comes by `until_us` (boot time)."""

    ticket: Ticket
    scan: Scan
    goods: Goods
    until_us: int


class Weighing:
    """What waits for a weight, and what the scale has said meanwhile."""

    def __init__(self) -> None:
        self.waiting: Waiting | None = None
        self._instead = "none"
        self._taken: int | None = None

    def wait(self, waiting: Waiting) -> None:
        """Wait for the next weight; whatever the scale said before does not count."""
        self.waiting = waiting
        self._instead = "none"

    def stop(self) -> Waiting | None:
        """Wait no more, and give what waited."""
        waiting, self.waiting = self.waiting, None
        return waiting

    def weigh(self, weight: Weight) -> int | None:
        """Take what the scale says; give the grams if they are good for an item: stable, above zero, a new load.

        A load is new once the scale was empty or shows clearly another weight. Motion alone is none: somebody leans on
        the counter, and it settles where it was.
        """
        if self._taken is not None and self._is_new(weight, self._taken):
            self._taken = None
        if weight.state is not WeightState.STABLE:
            self._instead = weight.state.value
        elif weight.grams is None or weight.grams <= 0:
            self._instead = "zero"
        elif self._taken is not None:
            self._instead = "same-load"
        else:
            return weight.grams
        return None

    @staticmethod
    def _is_new(weight: Weight, taken_grams: int) -> bool:
        if weight.grams is None:
            return weight.state is WeightState.UNDER
        return weight.grams <= 0 or abs(weight.grams - taken_grams) > SAME_LOAD_GRAMS

    def taken(self, grams: int) -> None:
        """Remember that the load on the scale has become an item's quantity."""
        self._taken = grams

    def give_back(self) -> None:
        """Let the load on the scale be taken again: what it was taken for did not happen or was undone."""
        self._taken = None

    def why_none(self) -> Rejected:
        """Say why no weight came in time."""
        return Rejected(f"weight-{self._instead}", _EXPLAINED[self._instead])
