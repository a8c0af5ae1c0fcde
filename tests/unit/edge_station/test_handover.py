"""The hand-over check: what passes a step and what does not, and that it always ends.

Beyond 300 lines because these are one state machine's rules, and all of them at random.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import edge.station
from edge.codecs.readings import CardTap, Reading, Refused, Scan, TagRead, Weight, WeightState
from edge.station.handover import MOST_REPEATS, REVIEW_US, STEP_US, Check
from edge.station.handover_evidence import CHECK_TEXT, LOAD_GRAMS
from edge.station.handover_steps import Cue, Phase, Planned, Taken
from edge.station.happenings import LIGHTS
from protocol.acceptance import (
    Acceptance,
    SignedAcceptance,
    StepKind,
    StepResult,
    read_envelope,
    read_record,
    record_bytes,
)
from protocol.cards import AnswerCard, Card, EndCard, Mode, ModeCard, SkipCard, SkipReason, WhoCard, card_text
from protocol.errors import BadInput
from protocol.identity import DeviceId

HAND, OTHER, SCALE, DOOR, PAD, KEY = (DeviceId(name) for name in ("hand", "other", "scale", "door", "pad", "key"))
STEPS = {
    StepKind.SCAN: HAND,
    StepKind.WEIGH: SCALE,
    StepKind.TAG: DOOR,
    StepKind.CARD: PAD,
    StepKind.BUTTON: KEY,
    StepKind.LIGHTS: LIGHTS,
    StepKind.TONE: LIGHTS,
    StepKind.READY: OTHER,
}
MILK = "4006381333931"


def check(*kinds: StepKind, ambient: frozenset[bytes] = frozenset()) -> Check:
    return Check("0" * 16, [Planned(kind, STEPS[kind], "a driver") for kind in kinds], 0, ambient)


def scan(text: str | Card) -> Scan:
    code = text if isinstance(text, str) else card_text(text)
    return Scan(code, code.encode(), "]C0")


def grams(figure: int) -> Weight:
    return Weight(figure, WeightState.ZERO if figure == 0 else WeightState.STABLE, False, b"")


def scale_says(state: WeightState) -> Weight:
    return Weight(None, state, False, b"")


def tag(number: int) -> TagRead:
    return TagRead(bytes([number]) * 12, 1, None, None)


def name_of(taken: Taken | None) -> str | None:
    return None if taken is None else "" if taken.refused is None else taken.refused.name


def test_a_scanner_is_proved_by_the_check_card_alone() -> None:
    one = check(StepKind.SCAN, StepKind.CARD)
    assert one.on_reading(HAND, scan(MILK), 1) is None, "goods are goods"
    assert (one.trouble, one.steps[0].result) == ("another-code", None)
    assert name_of(one.on_reading(OTHER, scan(CHECK_TEXT), 2)) == "another-device"
    assert one.on_reading(HAND, scan(ModeCard(Mode.SALE)), 3) is None
    assert one.on_reading(HAND, scan("sw1:check"), 4) is None
    assert one.trouble == "bad-card"
    assert one.on_reading(HAND, Refused("too-long", "", b""), 5) is None
    assert (one.trouble, one.at) == ("too-long", 0)
    assert name_of(one.on_reading(HAND, scan(CHECK_TEXT), 6)) == ""
    assert (one.steps[0].result, one.steps[0].seen, one.at) == (StepResult.PASSED, "]C0SW1:CHECK", 1)
    assert name_of(one.on_reading(HAND, scan(CHECK_TEXT), 7)) == "another-step"


def test_a_scale_is_proved_by_zero_and_then_a_weight_that_rests() -> None:
    one = check(StepKind.WEIGH)
    one.on_reading(SCALE, grams(500), 1)
    assert one.trouble == "not-empty"
    for state, trouble in (
        (WeightState.MOTION, "unstable"),
        (WeightState.OVER, "overload"),
        (WeightState.UNDER, "under-zero"),
        (WeightState.FAULT, "scale-fault"),
    ):
        one.on_reading(SCALE, scale_says(state), 2)
        assert (one.trouble, one.zeroed) == (trouble, False)
    assert one.on_reading(SCALE, grams(0), 3) is None, "weights go on to those who wait for one"
    assert one.zeroed
    one.on_reading(SCALE, grams(LOAD_GRAMS - 1), 4)
    assert one.running
    one.on_reading(OTHER, grams(900), 5)
    assert one.running
    one.on_reading(SCALE, grams(900), 6)
    assert (one.phase, one.steps[0].grams, one.steps[0].zero_grams) == (Phase.DONE, 900, 0)


def test_a_scale_that_sends_once_was_empty_before_it_was_asked() -> None:
    one = Check("0" * 16, [Planned(StepKind.WEIGH, SCALE, "")], 0, weights={SCALE: grams(0)})
    assert one.zeroed
    one.on_reading(SCALE, scale_says(WeightState.UNCHANGED), 1)
    assert one.running


def test_tags_that_lie_about_prove_nothing_and_those_held_up_are_not_booked() -> None:
    one = check(StepKind.SCAN, StepKind.TAG, ambient=frozenset({tag(1).epc}))
    assert one.on_reading(DOOR, tag(2), 1) is None, "seen before it was asked for"
    one.on_reading(HAND, scan(CHECK_TEXT), 2)
    assert one.on_reading(DOOR, tag(1), 3) is None
    assert one.on_reading(DOOR, tag(2), 3) is None
    assert one.next_deadline_us == 2 + STEP_US
    assert name_of(one.on_reading(DOOR, tag(3), 4)) == ""
    assert name_of(one.on_reading(DOOR, tag(3), 5)) == ""
    assert name_of(one.on_reading(DOOR, tag(4), 6)) == ""
    deadline = one.next_deadline_us
    assert deadline is not None
    one.on_tick(deadline)
    assert (one.phase, one.steps[1].tags) == (Phase.DONE, 2)


def test_a_button_is_pressed_and_does_nothing_else() -> None:
    one = check(StepKind.BUTTON)
    assert name_of(one.on_reading(KEY, scan("SW1:UNDO"), 1)) == ""
    assert (one.phase, one.steps[0].seen) == (Phase.DONE, "SW1:UNDO")


def test_whose_card_it_was_is_not_written_down() -> None:
    one = check(StepKind.CARD)
    assert one.on_reading(PAD, CardTap(b"\x01\x02\x03\x04", "ISO 14443A", b""), 1) == Taken()
    assert (one.phase, one.steps[0].seen) == (Phase.DONE, "ISO 14443A")


def test_lights_and_tone_are_shown_and_asked_about() -> None:
    one = check(StepKind.LIGHTS, StepKind.TONE)
    assert one.cues == [Cue.LOOK, Cue.SHOW_LIGHTS]
    assert name_of(one.on_reading(HAND, scan(AnswerCard(True)), 1)) == ""
    assert one.cues[-2:] == [Cue.PASSED, Cue.SHOW_TONE]
    assert name_of(one.on_reading(HAND, scan(AnswerCard(False)), 2)) == ""
    assert (one.phase, one.steps[1].fault) == (Phase.REVIEW, "not-heard")
    # No, it is not all right as it is: once more.
    assert name_of(one.on_reading(HAND, scan(AnswerCard(False)), 3)) == ""
    assert (one.phase, one.at, one.cues[-1]) == (Phase.STEP, 1, Cue.SHOW_TONE)


def test_what_is_not_there_fails_at_once_by_name_and_comes_again_with_its_cable() -> None:
    one = check(StepKind.SCAN, StepKind.WEIGH)
    one.on_condition(SCALE, "absent", "no such file", 1)
    one.on_reading(HAND, scan(CHECK_TEXT), 2)
    assert (one.phase, one.steps[1].fault, one.steps[1].note) == (Phase.REVIEW, "absent", "no such file")
    one.on_condition(SCALE, "ready", "", 3)
    assert (one.phase, one.at, one.steps[1].result) == (Phase.STEP, 1, None)
    one.on_condition(SCALE, "lost", "gone", 4)
    assert (one.phase, one.steps[1].fault) == (Phase.REVIEW, "lost")


def test_of_a_device_of_which_no_more_is_known_all_to_be_seen_is_that_it_is_there() -> None:
    one = check(StepKind.READY)
    one.on_condition(OTHER, "closed", "", 1)
    assert one.running
    one.on_condition(OTHER, "ready", "", 2)
    assert one.phase is Phase.DONE


def test_a_step_ends_with_its_time_and_is_named_for_what_hindered_it() -> None:
    one = check(StepKind.WEIGH, StepKind.SCAN)
    one.name_person("anna", 0)
    one.on_reading(SCALE, scale_says(WeightState.MOTION), 1)
    one.on_tick(STEP_US - 1)
    assert one.at == 0
    one.on_tick(STEP_US)
    assert (one.steps[0].result, one.steps[0].fault, one.at) == (StepResult.FAILED, "unstable", 1)
    one.on_tick(2 * STEP_US)
    assert (one.phase, one.steps[1].fault) == (Phase.REVIEW, "not-done")
    one.on_tick(2 * STEP_US + REVIEW_US)
    assert one.phase is Phase.DONE


def test_who_tries_gets_his_time_once_more() -> None:
    one = check(StepKind.SCAN)
    for number in range(1, 5):
        one.on_reading(HAND, scan(MILK), number * (STEP_US - 1))
        one.on_tick(number * (STEP_US - 1))
        assert (one.phase, one.next_deadline_us) == (Phase.STEP, number * (STEP_US - 1) + STEP_US)
    one.on_tick(4 * (STEP_US - 1) + STEP_US)
    assert (one.phase, one.steps[0].fault) == (Phase.REVIEW, "another-code")


def test_where_nobody_is_it_is_left() -> None:
    one = check(StepKind.WEIGH, StepKind.SCAN)
    one.on_reading(SCALE, grams(0), 1)
    one.on_tick(1 + STEP_US)
    assert (one.phase, one.left) == (Phase.LEFT, "nobody-there")
    gone = check(StepKind.SCAN)
    gone.on_condition(HAND, "absent", "", 1)
    gone.on_tick(1 + REVIEW_US)
    assert gone.phase is Phase.LEFT


def test_it_is_left_by_a_card_and_takes_nothing_more() -> None:
    one = check(StepKind.SCAN)
    assert name_of(one.on_reading(HAND, scan(EndCard()), 1)) == ""
    assert (one.phase, one.left, one.next_deadline_us) == (Phase.LEFT, "by-hand", None)
    assert one.on_reading(HAND, scan(CHECK_TEXT), 2) is None


def test_a_skipped_step_has_a_reason_and_a_person_a_name_that_is_inert() -> None:
    one = check(StepKind.SCAN, StepKind.CARD)
    assert name_of(one.on_reading(HAND, scan(WhoCard("anna")), 1)) == ""
    assert one.person == "anna"
    one.name_person("a\x1b[2J\u202eb" + "x" * 200, 1)
    assert one.person.startswith("a?[2J?b")
    assert len(one.person) == 100
    assert name_of(one.on_reading(HAND, scan(SkipCard(SkipReason.NOT_INSTALLED)), 2)) == ""
    one.skip("nothing to try it with", 3)
    assert [step.note for step in one.steps] == ["not installed yet (by card)", "nothing to try it with"]
    assert one.phase is Phase.REVIEW


def test_a_card_that_gives_no_reason_is_told_of_as_such_with_what_was_not_shown() -> None:
    one = check(*StepKind, StepKind.WEIGH)
    for number in range(len(one.steps)):
        if number == 0:
            one.on_reading(HAND, scan(MILK), 1)
        if number == len(StepKind):
            one.on_reading(SCALE, grams(0), 1)
        assert name_of(one.on_reading(HAND, scan(SkipCard()), 2)) == ""
    assert [step.note.removeprefix("by card, no reason given: ") for step in one.steps] == [
        "the CHECK card was not read (another-code)",
        "it was not shown empty",
        "no tag was seen",
        "no card was seen",
        "it was not pressed",
        "nobody said whether they lit",
        "nobody said whether it sounded",
        "it was not ready",
        "nothing was put on it",
    ]
    assert {step.result for step in one.steps} == {StepResult.SKIPPED}
    assert all(step.done.note == step.note for step in one.steps), "none is cut off in the record"
    assert name_of(one.on_reading(HAND, scan(SkipCard()), 3)) == "nothing-asked"


@pytest.mark.parametrize("why", SkipReason)
def test_the_reasons_on_cards_are_those_that_the_page_offers(why: SkipReason) -> None:
    one = check(StepKind.SCAN)
    one.on_reading(HAND, scan(SkipCard(why)), 1)
    page = (Path(edge.station.__file__).parents[1] / "api" / "enrol_page" / "check.html").read_text()
    assert f'data-skip="{one.steps[0].note.removesuffix(" (by card)")}"' in page


def test_steps_are_not_done_again_for_ever() -> None:
    one = check(StepKind.SCAN)
    for _ in range(MOST_REPEATS):
        one.again(0, 1)
    with pytest.raises(BadInput, match="begin a new check") as refused:
        one.again(0, 1)
    assert refused.value.name == "too-often"


def readings() -> st.SearchStrategy[tuple[DeviceId, Reading]]:
    texts = [CHECK_TEXT, MILK, "sw1:check", *(card_text(card) for card in (AnswerCard(True), AnswerCard(False)))]
    texts += [card_text(SkipCard()), card_text(WhoCard("anna")), card_text(ModeCard(Mode.SALE))]
    each: st.SearchStrategy[Reading] = st.one_of(
        st.sampled_from(texts).map(scan),
        st.sampled_from((0, 5, 49, 50, 2000)).map(grams),
        st.sampled_from([state for state in WeightState if state not in (WeightState.ZERO, WeightState.STABLE)]).map(
            scale_says
        ),
        st.integers(0, 5).map(tag),
        st.just(CardTap(b"1234", "", b"")),
        st.just(Refused("too-long", "", b"")),
    )
    return st.tuples(st.sampled_from([*STEPS.values()]), each)


Deed = tuple[DeviceId, Reading] | tuple[DeviceId, str] | int | str
DEEDS: st.SearchStrategy[Deed] = st.one_of(
    readings(),
    st.tuples(st.sampled_from([*STEPS.values()]), st.sampled_from(["ready", "absent", "lost", "closed"])),
    st.integers(-1, 8),
    st.sampled_from(["yes", "no", "skip", "finish", "tick"]),
)


@given(st.lists(st.sampled_from(list(StepKind)), min_size=1, max_size=8), st.lists(DEEDS, max_size=60))
def test_it_always_ends_and_never_passes_a_step_without_evidence(kinds: list[StepKind], deeds: list[Deed]) -> None:
    one, now_us = check(*kinds), 0
    yes_at: set[int] = set()
    for deed in deeds:
        now_us += 1_000_000
        before, passed = one.at, {n for n, step in enumerate(one.steps) if step.result is StepResult.PASSED}
        was_asked = one.step is not None and one.step.planned.kind in (StepKind.LIGHTS, StepKind.TONE)
        said_yes = deed == "yes" or (
            isinstance(deed, tuple) and isinstance(deed[1], Scan) and deed[1].text == card_text(AnswerCard(True))
        )
        try:
            match deed:
                case (device, said):
                    if isinstance(said, str):
                        one.on_condition(device, said, "", now_us)
                    else:
                        one.on_reading(device, said, now_us)
                case int(number):
                    one.again(number, now_us)
                case "yes" | "no":
                    one.answer(deed == "yes", now_us)
                case "skip":
                    one.skip("because", now_us)
                case "finish":
                    one.finish()
                case _:
                    one.on_tick(now_us)
        except BadInput:
            pass
        if was_asked and said_yes:
            yes_at.add(before)
        for number, step in enumerate(one.steps):
            if step.result is StepResult.PASSED and number not in passed:
                match step.planned.kind:
                    case StepKind.SCAN:
                        assert step.seen.endswith(CHECK_TEXT)
                    case StepKind.WEIGH:
                        assert step.zero_grams is not None
                        assert (step.grams or 0) >= LOAD_GRAMS
                    case StepKind.TAG:
                        assert (step.tags or 0) > 0
                    case StepKind.CARD | StepKind.BUTTON:
                        assert step.seen
                    case StepKind.LIGHTS | StepKind.TONE:
                        assert number in yes_at
                    case StepKind.READY:
                        assert isinstance(deed, tuple)
    # Left alone, it ends by itself, within the time that all its steps have.
    for _ in range(2 * len(kinds) + 2):
        deadline = one.next_deadline_us
        if deadline is None:
            break
        one.on_tick(max(deadline, now_us))
        now_us = max(deadline, now_us)
    assert not one.running
    if one.phase is Phase.DONE:
        assert all(step.result is not None for step in one.steps)
        assert [step.done.result for step in one.steps] == [step.result for step in one.steps]


def test_the_longest_record_that_a_station_can_write_is_taken() -> None:
    one = Check("0" * 16, [Planned(StepKind.SCAN, DeviceId("d" * 63), "x" * 90, "\u5b57" * 300)] * 99, 0)
    while one.step is not None:
        one.on_reading(HAND, scan(MILK), 1)
        one.skip("\u5b57" * 300, 1)
    record = Acceptance(
        check=one.name,
        store="s" * 63,
        station="st-" + "a" * 13,
        position="p" * 63,
        person="\u5b57" * 100,
        begun_us=1,
        ended_us=2,
        software="v" * 100,
        serial="a" * 40,
        certificate="b" * 64,
        steps=tuple(step.done for step in one.steps),
    )
    data = record_bytes(record)
    assert read_record(data) == record
    envelope = msgspec.json.encode(SignedAcceptance(data.decode(), "A" * 120, "A" * 200))
    assert read_envelope(envelope).record == data.decode()
