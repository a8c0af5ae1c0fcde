"""The hand-over check of a station: one step after the other, each passed only by evidence, to a sure end.

    begin -> step -> step -> ... -> (review: what was not passed may be done again) -> done
                  any time -> left: nothing came of it

A step ends by what its device says, by a person's word, or when its time is up; a device that is not there fails at
once. What is scanned for the check is taken by it, and never gets to the books: the cards of the check, a button that
is asked to be pressed, the tag that is held before the antenna. All else goes on as ever, goods included.

Times are boot time in microseconds. Pure: who owns a `Check` tells it what happens, and when.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from edge.codecs.readings import CardTap, Reading, Refused, Scan, TagRead, Weight, WeightState
from edge.station.actions import Rejected
from edge.station.skipped import said_by_card
from protocol.acceptance import MAX_STEPS, StepDone, StepKind, StepResult, inert
from protocol.cards import AnswerCard, CheckCard, EndCard, SkipCard, WhoCard, card_text, parse_card
from protocol.errors import BadInput
from protocol.identity import DeviceId

STEP_US: Final = 60_000_000
"""How long a step waits from the last sign of a person: to get down the ladder, and up again."""
REVIEW_US: Final = 120_000_000
GATHER_US: Final = 1_500_000
"""How long tags are counted from the first on."""
MOST_REPEATS: Final = 20
MOST_TAGS: Final = 500
"""A tag held before the antenna is one; so many are a pallet, and enough."""
MOST_AMBIENT: Final = 100_000
MODEL_SHOWN, NOTE_SHOWN, SEEN_SHOWN = 80, 100, 60
"""Characters: a record of `MAX_STEPS` steps then is never larger than the hub takes."""
NEAR_ZERO_GRAMS: Final = 10
"""Two steps of the common 5 g and 0.01 lb scales."""
LOAD_GRAMS: Final = 50
"""The least that counts as something put on."""

LIGHTS: Final = DeviceId("lights")
CHECK_TEXT: Final = card_text(CheckCard())
ASKED: Final = frozenset({StepKind.LIGHTS, StepKind.TONE})
"""Steps whose evidence is a person's word."""
GONE: Final = frozenset({"absent", "lost", "failed"})
"""Conditions of a device that no waiting mends."""


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


_HELPED: Final = Taken()


class Check:
    """One check. `cues` gathers what is to be shown; its owner takes them away.

    `ambient` are the tags that lie about: they prove nothing. `weights` is what each scale said last.
    """

    def __init__(
        self,
        name: str,
        plan: Sequence[Planned],
        now_us: int,
        ambient: AbstractSet[bytes] = frozenset(),
        weights: Mapping[DeviceId, Weight] | None = None,
    ) -> None:
        self.name = name
        self.person = ""
        self.phase = Phase.STEP
        self.at = 0
        self.left = ""
        """Why it was left: "by-hand", "nobody-there"."""
        self.trouble = ""
        """What hinders the present step just now, by name."""
        self.attended = False
        """Whether anybody has shown that he is there."""
        self.cues: list[Cue] = []
        self.steps: list[Step] = [Step(each) for each in plan[:MAX_STEPS]]
        self._ambient = set(ambient)
        self._held: set[bytes] = set()
        self._weights = dict(weights or {})
        self._gone: dict[DeviceId, tuple[str, str]] = {}
        self._repeats = 0
        self._first_tag_us: int | None = None
        self._began_us = self.until_us = now_us
        self.cues.append(Cue.LOOK)
        self._go_on(now_us)

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.phase in (Phase.STEP, Phase.REVIEW)

    @property
    def step(self) -> Step | None:
        """The present step."""
        return self.steps[self.at] if self.phase is Phase.STEP else None

    @property
    def zeroed(self) -> bool:
        """Whether the scale of the present step has shown that it is empty, and wants something put on."""
        return self.step is not None and self.step.zero_grams is not None

    @property
    def next_deadline_us(self) -> int | None:
        """When `on_tick` will have something to do."""
        if not self.running:
            return None
        if self._first_tag_us is not None:
            return min(self.until_us, self._first_tag_us + GATHER_US)
        return self.until_us

    # What the station's devices say

    def on_reading(self, device: DeviceId, reading: Reading, now_us: int) -> Taken | None:
        """Take a reading, or leave it to the station's rules: None."""
        match reading:
            case Weight():
                self._weigh(device, reading, now_us)
                return None
            case _ if not self.running:
                return None
            case Scan(text=text, aim=aim):
                return self._scan(device, text, aim or "", now_us)
            case TagRead(epc=epc):
                return self._tag(device, epc, now_us)
            case CardTap(standard=standard):
                return self._tap(device, standard, now_us)
            case Refused(name=name):
                if self._asks(device):
                    self._hindered(name, now_us)
                return None
            case _:
                return None

    def on_condition(self, device: DeviceId, status: str, note: str, now_us: int) -> None:
        """Learn how a device is."""
        if status in GONE:
            self._gone[device] = (status, note)
        elif self._gone.pop(device, None) is not None:
            self._came_back(device, now_us)
        step = self.step
        if step is None or step.planned.device != device:
            return
        if status in GONE:
            self._fail(status, note, now_us)
        elif step.planned.kind is StepKind.READY and status == "ready":
            self._pass(now_us)

    def on_tick(self, now_us: int) -> None:
        """Let time pass."""
        step = self.step
        if step is not None and self._first_tag_us is not None and now_us >= self._first_tag_us + GATHER_US:
            self._pass(now_us)
            return
        if not self.running or now_us < self.until_us:
            return
        if not self.attended:
            self._leave("nobody-there")
        elif self.phase is Phase.REVIEW:
            self._end()
        else:
            self._fail(self.trouble or "not-done", "", now_us)

    # What a person says

    def answer(self, yes: bool, now_us: int) -> None:
        """Say that what was asked is so, or is not. Raises `BadInput` ("nothing-asked")."""
        step = self.step
        if self.phase is Phase.REVIEW:
            self.attended = True
            if yes:
                self._end()
            else:
                self.again(self._first_bad(), now_us)
            return
        if step is None or step.planned.kind not in ASKED:
            raise BadInput("nothing-asked", "nothing was asked that could be answered by yes or no")
        self.attended = True
        if yes:
            self._pass(now_us)
        else:
            self._fail("not-seen" if step.planned.kind is StepKind.LIGHTS else "not-heard", "", now_us)

    def skip(self, reason: str, now_us: int) -> None:
        """Go on without the present step. Raises `BadInput` ("nothing-asked", "no-reason")."""
        if self.step is None:
            raise BadInput("nothing-asked", "no step is being done")
        if not reason.strip():
            raise BadInput("no-reason", "a step is skipped for a reason")
        self.attended = True
        self._come_out(now_us, result=StepResult.SKIPPED, note=reason.strip())
        self._next(now_us)

    def again(self, number: int, now_us: int) -> None:
        """Do a step again, counted from 0; what it came to is forgotten. Raises `BadInput` ("no-step", "too-often")."""
        if not self.running or not 0 <= number < len(self.steps):
            raise BadInput("no-step", "there is no such step to be done again")
        if self._repeats >= MOST_REPEATS:
            raise BadInput("too-often", f"steps were done again {MOST_REPEATS} times; begin a new check")
        self.attended = True
        self._repeats += 1
        self.steps[number] = Step(self.steps[number].planned)
        self.phase, self.at = Phase.STEP, number
        self._begin_step(now_us)

    def finish(self) -> None:
        """Leave what was not passed as it is. Raises `BadInput` ("not-done")."""
        if self.phase is not Phase.REVIEW:
            raise BadInput("not-done", "there are steps to be done")
        self.attended = True
        self._end()

    def leave(self) -> None:
        """End it here; nothing comes of it."""
        if self.running:
            self._leave("by-hand")

    def name_person(self, person: str, now_us: int) -> None:
        """Say who does it."""
        self._somebody(now_us)
        self.person = inert(person.strip()[:100])

    # Within

    def _scan(self, device: DeviceId, text: str, aim: str, now_us: int) -> Taken | None:
        step = self.step
        if step is not None and step.planned.kind is StepKind.BUTTON and step.planned.device == device:
            self.attended = True
            self._come_out(now_us, seen=text)
            self._pass(now_us)
            return _HELPED
        try:
            card = parse_card(text)
        except BadInput as error:
            card = None
            if self._asks(device):
                self._hindered(error.name, now_us)
            return None
        match card:
            case CheckCard():
                return self._check_card(device, text, aim, now_us)
            case AnswerCard(yes=yes):
                return self._said(lambda: self.answer(yes, now_us))
            case SkipCard(why):
                kind = None if step is None else step.planned.kind
                reason = said_by_card(why, kind, self.zeroed, self.trouble)
                return self._said(lambda: self.skip(reason, now_us))
            case WhoCard(person=person):
                self.name_person(person, now_us)
                return _HELPED
            case EndCard():
                self.leave()
                return _HELPED
            case _:
                if self._asks(device):
                    self._hindered("another-code", now_us)
                return None

    def _check_card(self, device: DeviceId, text: str, aim: str, now_us: int) -> Taken:
        self._somebody(now_us)
        step = self.step
        if step is None:
            return self._said(lambda: self.again(self._first_bad(), now_us))
        if step.planned.kind is not StepKind.SCAN:
            return Taken(Rejected("another-step", f"the check waits at {step.planned.device}"))
        if step.planned.device != device:
            self.trouble = "another-device"
            return Taken(Rejected("another-device", f"{step.planned.device} is to read it"))
        self._come_out(now_us, seen=f"{aim}{text}")
        self._pass(now_us)
        return _HELPED

    def _weigh(self, device: DeviceId, weight: Weight, now_us: int) -> None:
        if weight.state is WeightState.UNCHANGED:
            weight = self._weights.get(device, weight)
        else:
            self._weights[device] = weight
        step = self.step
        if step is None or (step.planned.kind, step.planned.device) != (StepKind.WEIGH, device):
            return
        self.trouble = _SCALE_TROUBLE.get(weight.state, "")
        if weight.grams is None:
            return
        if step.zero_grams is None:
            if abs(weight.grams) > NEAR_ZERO_GRAMS:
                self.trouble = "not-empty"
                return
            self._come_out(now_us, zero_grams=weight.grams)
            self.until_us = now_us + STEP_US
        elif weight.grams >= LOAD_GRAMS:
            self.attended = True
            self._come_out(now_us, grams=weight.grams)
            self._pass(now_us)

    def _tag(self, device: DeviceId, epc: bytes, now_us: int) -> Taken | None:
        if epc in self._held:
            return _HELPED
        step = self.step
        asked = step is not None and (step.planned.kind, step.planned.device) == (StepKind.TAG, device)
        if not asked or epc in self._ambient or len(self._held) >= MOST_TAGS:
            if len(self._ambient) < MOST_AMBIENT:
                self._ambient.add(epc)
            return None
        self.attended = True
        self._held.add(epc)
        self._first_tag_us = now_us if self._first_tag_us is None else self._first_tag_us
        self._come_out(now_us, tags=(self.steps[self.at].tags or 0) + 1)
        return _HELPED

    def _tap(self, device: DeviceId, standard: str, now_us: int) -> Taken | None:
        self.attended = True
        step = self.step
        if step is None or (step.planned.kind, step.planned.device) != (StepKind.CARD, device):
            return None
        # Whose card it was is nobody's business.
        self._come_out(now_us, seen=standard or "a card")
        self._pass(now_us)
        return _HELPED

    def _came_back(self, device: DeviceId, now_us: int) -> None:
        """Somebody has plugged it in: what failed for want of it comes again by itself."""
        for number, step in enumerate(self.steps):
            if self.running and step.planned.device == device and step.fault in GONE and self._repeats < MOST_REPEATS:
                self._repeats += 1
                self.attended = True
                self.steps[number] = Step(step.planned)
                if self.phase is Phase.REVIEW:
                    self.phase, self.at = Phase.STEP, number
                    self._begin_step(now_us)

    def _said(self, say: Callable[[], None]) -> Taken:
        try:
            say()
        except BadInput as error:
            return Taken(Rejected(error.name, error.detail))
        return _HELPED

    def _somebody(self, now_us: int) -> None:
        """Somebody is there: he gets the whole time once more."""
        self.attended = True
        if self.phase is Phase.STEP:
            self.until_us = now_us + STEP_US

    def _hindered(self, trouble: str, now_us: int) -> None:
        self._somebody(now_us)
        self.trouble = trouble

    def _asks(self, device: DeviceId) -> bool:
        return self.step is not None and self.step.planned.device == device

    def _first_bad(self) -> int:
        return next((n for n, step in enumerate(self.steps) if step.result is not StepResult.PASSED), 0)

    def _come_out(
        self,
        now_us: int,
        *,
        result: StepResult | None = None,
        fault: str = "",
        note: str = "",
        seen: str | None = None,
        grams: int | None = None,
        zero_grams: int | None = None,
        tags: int | None = None,
    ) -> None:
        """Note what is known of the present step; what was seen of it before stays."""
        step = self.steps[self.at]
        self.steps[self.at] = replace(
            step,
            result=result,
            fault=fault,
            note=note,
            seen=step.seen if seen is None else seen,
            grams=step.grams if grams is None else grams,
            zero_grams=step.zero_grams if zero_grams is None else zero_grams,
            tags=step.tags if tags is None else tags,
            took_us=max(0, now_us - self._began_us),
        )

    def _pass(self, now_us: int) -> None:
        self._come_out(now_us, result=StepResult.PASSED)
        self.cues.append(Cue.PASSED)
        self._next(now_us)

    def _fail(self, fault: str, note: str, now_us: int) -> None:
        self._come_out(now_us, result=StepResult.FAILED, fault=fault, note=note)
        self.cues.append(Cue.FAILED)
        self._next(now_us)

    def _next(self, now_us: int) -> None:
        self.trouble, self._first_tag_us = "", None
        self._go_on(now_us)

    def _go_on(self, now_us: int) -> None:
        """Begin the next step that is to be done, or look back on all."""
        # Those after the present one first, then what was to be done again before it.
        order = (*range(self.at, len(self.steps)), *range(self.at))
        following = next((n for n in order if self.steps[n].result is None), None)
        if following is not None:
            self.at = following
            self._begin_step(now_us)
        elif all(step.result is StepResult.PASSED for step in self.steps):
            self._end()
        else:
            self.phase, self.until_us = Phase.REVIEW, now_us + REVIEW_US
            self.cues.append(Cue.LOOK)

    def _begin_step(self, now_us: int) -> None:
        self.trouble, self._first_tag_us = "", None
        self._began_us, self.until_us = now_us, now_us + STEP_US
        planned = self.steps[self.at].planned
        gone = self._gone.get(planned.device)
        if gone is not None:
            self._fail(*gone, now_us)
            return
        if planned.kind in ASKED:
            self.cues.append(Cue.SHOW_LIGHTS if planned.kind is StepKind.LIGHTS else Cue.SHOW_TONE)
        if planned.kind is StepKind.WEIGH and (last := self._weights.get(planned.device)) is not None:
            self._weigh(planned.device, last, now_us)

    def _end(self) -> None:
        self.phase = Phase.DONE

    def _leave(self, why: str) -> None:
        self.phase, self.left = Phase.LEFT, why


_SCALE_TROUBLE: Final = {
    WeightState.MOTION: "unstable",
    WeightState.OVER: "overload",
    WeightState.UNDER: "under-zero",
    WeightState.FAULT: "scale-fault",
}
