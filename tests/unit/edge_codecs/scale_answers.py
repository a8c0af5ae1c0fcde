"""What a scale's codec makes of one answer, as the tests of all dialects write it down."""

from __future__ import annotations

from edge.codecs.base import Codec
from edge.codecs.readings import Reading, Refused, Weight, WeightState
from tests.unit.edge_codecs.taking import take


def weigh(codec: Codec, answer: bytes) -> Reading:
    """Feed one answer, which gives one reading with the answer as its raw bytes."""
    (reading,) = take(codec, answer)
    assert isinstance(reading, Weight | Refused)
    assert reading.raw == answer
    return reading


def stable(grams: int, raw: bytes, *, net: bool = False) -> Weight:
    return Weight(grams, WeightState.STABLE if grams else WeightState.ZERO, net, raw)


def nothing(state: WeightState, raw: bytes, *, net: bool = False) -> Weight:
    return Weight(None, state, net, raw)


def names(readings: list[Reading]) -> list[str]:
    """Name what was refused; everything was."""
    refused = [one.name for one in readings if isinstance(one, Refused)]
    assert len(refused) == len(readings), readings
    return refused
