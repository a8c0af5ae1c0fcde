"""What a step of the hand-over check accepts from its device as evidence, and what of it only hinders.

scan     the CHECK card, read by this very scanner: code and AIM identifier
weigh    near zero, and after that a weight that rests
tag      tags that nobody has seen before they were asked for
card     any contactless card, of which only the standard is kept
button   the code it sends
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Final

from edge.codecs.readings import CardTap, Scan, Weight, WeightState
from edge.station.handover_steps import Step
from protocol.acceptance import StepKind
from protocol.cards import CheckCard, card_text

CHECK_TEXT: Final = card_text(CheckCard())
GATHER_US: Final = 1_500_000
"""How long tags are counted from the first on."""
MOST_TAGS: Final = 500
"""A tag held before the antenna is one; so many are a pallet, and enough."""
MOST_AMBIENT: Final = 100_000
NEAR_ZERO_GRAMS: Final = 10
"""Two steps of the common 5 g and 0.01 lb scales."""
LOAD_GRAMS: Final = 50
"""The least that counts as something put on."""
GONE: Final = frozenset({"absent", "lost", "failed"})
"""Conditions of a device that no waiting mends."""

_SCALE_TROUBLE: Final = {
    WeightState.MOTION: "unstable",
    WeightState.OVER: "overload",
    WeightState.UNDER: "under-zero",
    WeightState.FAULT: "scale-fault",
}


@dataclass(frozen=True, slots=True)
class Weighed:
    """What a weight is to the step of its scale: the step with it, whether that proves the scale, what hinders it."""

    step: Step
    proved: bool = False
    trouble: str = ""


def weighed(step: Step, weight: Weight) -> Weighed:
    """Hold a weight against the step of its scale, which is to be empty first."""
    trouble = _SCALE_TROUBLE.get(weight.state, "")
    if weight.grams is None:
        return Weighed(step, trouble=trouble)
    if step.zero_grams is None:
        if abs(weight.grams) > NEAR_ZERO_GRAMS:
            return Weighed(step, trouble="not-empty")
        return Weighed(replace(step, zero_grams=weight.grams), trouble=trouble)
    if weight.grams < LOAD_GRAMS:
        return Weighed(step, trouble=trouble)
    return Weighed(replace(step, grams=weight.grams), proved=True, trouble=trouble)


def scanned(step: Step, scan: Scan) -> Step:
    """Give the step of a scanner with the card that it read, or of a button with the code that it sent."""
    aim = scan.aim or "" if step.planned.kind is StepKind.SCAN else ""
    return replace(step, seen=f"{aim}{scan.text}")


def tapped(step: Step, tap: CardTap) -> Step:
    """Give the step of a card reader with what it saw. Whose card it was is nobody's business."""
    return replace(step, seen=tap.standard or "a card")


class TagsSeen:
    """Tells tags that are held up for the check from those that lie about, `ambient` at first: these prove nothing."""

    def __init__(self, ambient: AbstractSet[bytes]) -> None:
        self._ambient = set(ambient)
        self._held: set[bytes] = set()

    def is_held(self, epc: bytes) -> bool:
        """Whether a tag was held up before."""
        return epc in self._held

    def holds(self, epc: bytes, *, asked: bool) -> bool:
        """Take a tag for one that is held up, if that is `asked` for and nobody saw it before; else it lies about."""
        if not asked or epc in self._ambient or len(self._held) >= MOST_TAGS:
            if len(self._ambient) < MOST_AMBIENT:
                self._ambient.add(epc)
            return False
        self._held.add(epc)
        return True
