"""The steps of a hand-over check: what is planned, what came of it, and how that stands in the record.

How far a check is, what it shows and what it takes are words of the same vocabulary: `edge.station.handover` says them,
`edge.runner.handover` and the page hear them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from edge.station.actions import Rejected
from protocol.acceptance import StepDone, StepKind, StepResult, inert
from protocol.identity import DeviceId

MODEL_SHOWN, NOTE_SHOWN, SEEN_SHOWN = 80, 100, 60
"""Characters: a record of `MAX_STEPS` steps then is never larger than the hub takes."""

ASKED: Final = frozenset({StepKind.LIGHTS, StepKind.TONE})
"""Steps whose evidence is a person's word."""


class Phase(StrEnum):
    """How far a check is."""

    STEP = "step"
    REVIEW = "review"
    """All steps have come out, and not all were passed."""
    DONE = "done"
    LEFT = "left"


class Cue(StrEnum):
    """What the person at the station is to see and hear."""

    LOOK = "look"
    PASSED = "passed"
    FAILED = "failed"
    SHOW_LIGHTS = "show-lights"
    SHOW_TONE = "show-tone"


@dataclass(frozen=True, slots=True)
class Planned:
    """A step that the station's devices ask for."""

    kind: StepKind
    device: DeviceId
    driver: str
    model: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A step, and what came of it; `result` None while it is to be done."""

    planned: Planned
    result: StepResult | None = None
    fault: str = ""
    note: str = ""
    seen: str = ""
    grams: int | None = None
    zero_grams: int | None = None
    tags: int | None = None
    took_us: int = 0

    @property
    def done(self) -> StepDone:
        """It as the record has it."""
        planned = self.planned
        return StepDone(
            kind=planned.kind,
            device=planned.device,
            driver=inert(planned.driver[:63]),
            model=inert(planned.model[-MODEL_SHOWN:]),
            result=self.result or StepResult.FAILED,
            fault=self.fault[:63],
            note=inert(self.note[:NOTE_SHOWN]),
            seen=inert(self.seen[:SEEN_SHOWN]),
            grams=self.grams,
            zero_grams=self.zero_grams,
            tags=self.tags,
            took_ms=self.took_us // 1000,
        )


@dataclass(frozen=True, slots=True)
class Taken:
    """A reading that the check took for itself: `refused` says why it did not help."""

    refused: Rejected | None = None
