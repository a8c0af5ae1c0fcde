"""The hand-over check of a station: one step after the other, each passed only by evidence, to a sure end.

    begin -> step -> step -> ... -> (review: what was not passed may be done again) -> done
                  any time -> left: nothing came of it

A step ends by what its device says, by a person's word, or when its time is up; a device that is not there fails at
once. What is scanned for the check is taken by it, and never gets to the books: the cards of the check, a button that
is asked to be pressed, the tag that is held before the antenna. All else goes on as ever, goods included.

Times are boot time in microseconds. Pure: who owns a `Check` tells it what happens, and when.
Beyond 300 lines because it is one state machine: whatever a device, a person or the time says moves the same step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Final

from edge.codecs.readings import CardTap, Reading, Refused, Scan, TagRead, Weight, WeightState
from edge.station.actions import Rejected
from edge.station.handover_evidence import GATHER_US, GONE, TagsSeen, scanned, tapped, weighed
from edge.station.handover_steps import ASKED, Cue, Phase, Planned, Step, Taken
from edge.station.skipped import said_by_card
from protocol.acceptance import MAX_STEPS, StepKind, StepResult, inert
from protocol.cards import AnswerCard, CheckCard, EndCard, SkipCard, WhoCard, parse_card
from protocol.errors import BadInput
from protocol.identity import DeviceId

STEP_US: Final = 60_000_000
"""How long a step waits from the last sign of a person: to get down the ladder, and up again."""
REVIEW_US: Final = 120_000_000
MOST_REPEATS: Final = 20

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
        self._tags = TagsSeen(ambient)
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
            case Scan():
                return self._scan(device, reading, now_us)
            case TagRead(epc=epc):
                return self._tag(device, epc, now_us)
            case CardTap():
                return self._tap(device, reading, now_us)
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
            self._pass(step, now_us)

    def on_tick(self, now_us: int) -> None:
        """Let time pass."""
        step = self.step
        if step is not None and self._first_tag_us is not None and now_us >= self._first_tag_us + GATHER_US:
            self._pass(step, now_us)
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
            self._pass(step, now_us)
        else:
            self._fail("not-seen" if step.planned.kind is StepKind.LIGHTS else "not-heard", "", now_us)

    def skip(self, reason: str, now_us: int) -> None:
        """Go on without the present step. Raises `BadInput` ("nothing-asked", "no-reason")."""
        if self.step is None:
            raise BadInput("nothing-asked", "no step is being done")
        if not reason.strip():
            raise BadInput("no-reason", "a step is skipped for a reason")
        self.attended = True
        self._come_out(replace(self.steps[self.at], result=StepResult.SKIPPED, note=reason.strip()), now_us)
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

    def _scan(self, device: DeviceId, scan: Scan, now_us: int) -> Taken | None:
        step = self.step
        if step is not None and (step.planned.kind, step.planned.device) == (StepKind.BUTTON, device):
            self.attended = True
            self._pass(scanned(step, scan), now_us)
            return _HELPED
        try:
            card = parse_card(scan.text)
        except BadInput as error:
            if self._asks(device):
                self._hindered(error.name, now_us)
            return None
        match card:
            case CheckCard():
                return self._check_card(device, scan, now_us)
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

    def _check_card(self, device: DeviceId, scan: Scan, now_us: int) -> Taken:
        self._somebody(now_us)
        step = self.step
        if step is None:
            return self._said(lambda: self.again(self._first_bad(), now_us))
        if step.planned.kind is not StepKind.SCAN:
            return Taken(Rejected("another-step", f"the check waits at {step.planned.device}"))
        if step.planned.device != device:
            self.trouble = "another-device"
            return Taken(Rejected("another-device", f"{step.planned.device} is to read it"))
        self._pass(scanned(step, scan), now_us)
        return _HELPED

    def _weigh(self, device: DeviceId, weight: Weight, now_us: int) -> None:
        if weight.state is WeightState.UNCHANGED:
            weight = self._weights.get(device, weight)
        else:
            self._weights[device] = weight
        step = self._step_of(StepKind.WEIGH, device)
        if step is None:
            return
        after = weighed(step, weight)
        self.trouble = after.trouble
        if after.proved:
            self.attended = True
            self._pass(after.step, now_us)
        elif after.step is not step:
            self._come_out(after.step, now_us)
            self.until_us = now_us + STEP_US

    def _tag(self, device: DeviceId, epc: bytes, now_us: int) -> Taken | None:
        if self._tags.is_held(epc):
            return _HELPED
        step = self._step_of(StepKind.TAG, device)
        if not self._tags.holds(epc, asked=step is not None) or step is None:
            return None
        self.attended = True
        self._first_tag_us = now_us if self._first_tag_us is None else self._first_tag_us
        self._come_out(replace(step, tags=(step.tags or 0) + 1), now_us)
        return _HELPED

    def _tap(self, device: DeviceId, tap: CardTap, now_us: int) -> Taken | None:
        self.attended = True
        step = self._step_of(StepKind.CARD, device)
        if step is None:
            return None
        self._pass(tapped(step, tap), now_us)
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

    def _step_of(self, kind: StepKind, device: DeviceId) -> Step | None:
        """Give the present step, if it is of this kind and this device."""
        step = self.step
        return step if step is not None and (step.planned.kind, step.planned.device) == (kind, device) else None

    def _asks(self, device: DeviceId) -> bool:
        return self.step is not None and self.step.planned.device == device

    def _first_bad(self) -> int:
        return next((n for n, step in enumerate(self.steps) if step.result is not StepResult.PASSED), 0)

    def _come_out(self, step: Step, now_us: int) -> None:
        """Note what is known of the present step now."""
        self.steps[self.at] = replace(step, took_us=max(0, now_us - self._began_us))

    def _pass(self, step: Step, now_us: int) -> None:
        self._come_out(replace(step, result=StepResult.PASSED), now_us)
        self.cues.append(Cue.PASSED)
        self._next(now_us)

    def _fail(self, fault: str, note: str, now_us: int) -> None:
        step = replace(self.steps[self.at], result=StepResult.FAILED, fault=fault, note=note)
        self._come_out(step, now_us)
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
