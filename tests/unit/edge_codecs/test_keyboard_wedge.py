"""Key events from a wedge scanner: the known faults of wedge readers, each by name."""

from __future__ import annotations

from itertools import chain, zip_longest

import pytest

from edge.codecs.keyboard_wedge import MAX_CODE_CHARACTERS, KeyboardWedgeCodec
from edge.codecs.layouts import DE, ES, FR, IT, LAYOUTS, US, Layout
from edge.codecs.readings import Reading, Refused, Scan
from tests.unit.edge_codecs import keys
from tests.unit.edge_codecs.keys import ENTER, LOST, alt_code, change, press, typing
from tests.unit.edge_codecs.taking import drain, take

EAN = "4006381333931"
END = press(ENTER)
GS1 = "010400638133393121AbC-7\x1d10LOT"


def scans(readings: list[Reading]) -> list[str]:
    assert all(isinstance(one, Scan) for one in readings), readings
    return [one.text for one in readings if isinstance(one, Scan)]


def refused(readings: list[Reading]) -> list[str]:
    assert all(isinstance(one, Refused) for one in readings), readings
    return [one.name for one in readings if isinstance(one, Refused)]


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize(
    "text", [EAN, "SHELF-7/b.3:x_Y", "https://id.gs1.org/01/04006381333931?17=261231", "[a]{b}@|\\~"]
)
def test_a_code_is_read_in_the_layout_the_scanner_types_in(layout: Layout, text: str) -> None:
    assert take(KeyboardWedgeCodec(layout), typing(layout, text) + END) == [Scan(text, text.encode())]


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_an_aim_prefix_is_told_from_the_code(layout: Layout) -> None:
    assert take(KeyboardWedgeCodec(layout), typing(layout, "]E0" + EAN) + END) == [
        Scan(EAN, b"]E04006381333931", "]E0")
    ]


@pytest.mark.parametrize(
    "end",
    [press(ENTER), press(keys.KEYPAD_ENTER), press(keys.TAB), press(50, keys.LEFT_CTRL), alt_code("013"), None],
    ids=["Enter", "keypad Enter", "Tab", "Ctrl+M", "Alt+013", "idle gap"],
)
def test_each_way_to_end_a_code_ends_it_and_is_not_typed_into_it(end: bytes | None) -> None:
    code = typing(US, EAN)
    assert scans(take(KeyboardWedgeCodec(US), code, end, code, end)) == [EAN, EAN]


def test_an_end_without_a_code_says_nothing() -> None:
    assert take(KeyboardWedgeCodec(US), END, None, END, press(keys.TAB), None) == []


def test_an_idle_gap_may_be_told_not_to_end_a_code() -> None:
    codec = KeyboardWedgeCodec(US, idle_ends=False)
    assert take(codec, typing(US, "40063"), None) == [
        Refused("unfinished", "typing stopped without Enter or Tab", b"40063")
    ]
    assert scans(take(codec, typing(US, EAN) + END)) == [EAN]


def test_two_scanners_at_once_stay_two_codes() -> None:
    left, right = KeyboardWedgeCodec(US), KeyboardWedgeCodec(DE)
    one, other = typing(US, "SHELF-Y1") + END, typing(DE, "shelf-z2") + END
    events = [
        [(codec, data[at : at + 24]) for at in range(0, len(data), 24)] for codec, data in ((left, one), (right, other))
    ]
    for codec, data in filter(None, chain.from_iterable(zip_longest(*events))):
        codec.feed(data)
    assert scans(drain(left)) == ["SHELF-Y1"]
    assert scans(drain(right)) == ["shelf-z2"]


def test_shift_held_on_one_scanner_does_not_shift_the_other() -> None:
    left, right = KeyboardWedgeCodec(US), KeyboardWedgeCodec(US)
    left.feed(change(keys.LEFT_SHIFT, 1))
    assert scans(take(right, typing(US, "abc") + END)) == ["abc"]


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize(
    "gs",
    [press(27, keys.LEFT_CTRL), alt_code("029"), alt_code("29"), alt_code("0029")],
    ids=["Ctrl and the US bracket key", "Alt+029", "Alt+29", "Alt+0029"],
)
def test_gs_arrives_as_a_chord_and_becomes_one_character(layout: Layout, gs: bytes) -> None:
    before, after = GS1.split("\x1d")
    assert scans(take(KeyboardWedgeCodec(layout), typing(layout, before) + gs + typing(layout, after) + END)) == [GS1]


@pytest.mark.parametrize(("layout", "bracket"), [(DE, 10), (FR, 12)], ids=["de", "fr"])
def test_ctrl_with_the_layouts_own_bracket_is_gs_inside_a_code_and_a_bracket_before_it(
    layout: Layout, bracket: int
) -> None:
    chord = press(bracket, keys.LEFT_CTRL, keys.RIGHT_ALT)
    strokes = chord + typing(layout, "C10104006381333931") + chord + typing(layout, "10A") + END
    assert take(KeyboardWedgeCodec(layout), strokes) == [
        Scan("0104006381333931\x1d10A", b"]C10104006381333931\x1d10A", "]C1")
    ]


def test_ctrl_with_left_alt_is_altgr_where_the_layout_has_it() -> None:
    chord = press(10, keys.LEFT_CTRL, keys.LEFT_ALT)
    assert scans(take(KeyboardWedgeCodec(DE), typing(DE, "a") + chord + END)) == ["a]"]


@pytest.mark.parametrize(("digits", "typed"), [("065", "A"), ("65", "A"), ("0233", "é"), ("130", "é"), ("0128", "€")])
def test_alt_codes_follow_the_code_page_that_windows_would_use(digits: str, typed: str) -> None:
    assert scans(take(KeyboardWedgeCodec(US), alt_code(digits) + END)) == [typed]


def test_an_alt_code_that_an_idle_gap_tore_is_not_joined_again() -> None:
    torn = (
        change(keys.LEFT_ALT, 1) + press(keys.KEYPAD["6"]),
        None,
        press(keys.KEYPAD["5"]) + change(keys.LEFT_ALT, 0),
    )
    assert refused(take(KeyboardWedgeCodec(US), *torn, END)) == ["control-character"]


@pytest.mark.parametrize("digits", ["0129", "300", "99999"])
def test_an_alt_code_for_nothing_refuses_the_code(digits: str) -> None:
    assert refused(take(KeyboardWedgeCodec(US), typing(US, "40063") + alt_code(digits) + END)) == ["unknown-key"]


@pytest.mark.parametrize(
    "chord", [press(26, keys.LEFT_CTRL), press(30, keys.LEFT_CTRL), alt_code("002"), alt_code("127")]
)
def test_a_control_character_other_than_gs_refuses_the_code(chord: bytes) -> None:
    codec = KeyboardWedgeCodec(US)
    assert refused(take(codec, typing(US, "40063") + chord + typing(US, "81333931") + END)) == ["control-character"]
    assert scans(take(codec, typing(US, EAN) + END)) == [EAN]


def test_shift_capslock_numlock_and_ctrl_are_never_typed_into_the_code() -> None:
    strokes = press(keys.NUM_LOCK) + press(keys.CAPS_LOCK) + typing(US, "aB1") + press(keys.CAPS_LOCK)
    assert scans(take(KeyboardWedgeCodec(US), strokes + press(27, keys.LEFT_CTRL) + typing(US, "aB1") + END)) == [
        "Ab1\x1daB1"
    ]


def test_a_scanner_that_believes_caps_lock_is_on_is_read_right() -> None:
    assert scans(take(KeyboardWedgeCodec(DE, caps_lock=True), typing(DE, "abÜ1ß") + END)) == ["ABü1ß"]


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_keypad_digits_are_digits_in_every_layout(layout: Layout) -> None:
    assert scans(take(KeyboardWedgeCodec(layout), b"".join(press(keys.KEYPAD[c]) for c in EAN) + END)) == [EAN]


def test_a_held_key_is_typed_once() -> None:
    strokes = change(2, 1) + change(2, 2) * 5 + change(2, 0)
    assert scans(take(KeyboardWedgeCodec(US), strokes + END)) == ["1"]


def test_dead_keys_combine_or_stand_alone() -> None:
    caret = press(41)
    assert scans(take(KeyboardWedgeCodec(DE), caret + typing(DE, "e") + END)) == ["ê"]
    assert scans(take(KeyboardWedgeCodec(DE), caret + press(57) + END)) == ["^"]
    assert scans(take(KeyboardWedgeCodec(DE), caret + typing(DE, "7") + END)) == ["^7"]
    assert scans(take(KeyboardWedgeCodec(DE), typing(DE, "7") + caret + END)) == ["7^"]
    assert scans(take(KeyboardWedgeCodec(FR), press(26, keys.LEFT_SHIFT) + typing(FR, "i") + END)) == ["ï"]


@pytest.mark.parametrize(
    ("host", "scanner"), [(FR, US), (FR, DE), (FR, ES), (US, FR), (DE, FR), (IT, FR)], ids=lambda one: one.name
)
def test_a_scanner_set_to_another_layout_is_named_instead_of_read_as_signs(host: Layout, scanner: Layout) -> None:
    assert refused(take(KeyboardWedgeCodec(host), typing(scanner, EAN) + END)) == ["wrong-layout"]
    assert refused(take(KeyboardWedgeCodec(host), typing(scanner, "96385074") + END)) == ["wrong-layout"]


@pytest.mark.parametrize("key", [59, 104, 183, 272], ids=["F1", "Page Up", "F13", "left mouse button"])
def test_a_pedal_taken_for_a_scanner_gives_no_code(key: int) -> None:
    assert refused(take(KeyboardWedgeCodec(US), press(key), None)) == ["unknown-key"]


def test_alt_or_ctrl_with_a_key_that_means_nothing_refuses_the_code() -> None:
    assert refused(take(KeyboardWedgeCodec(US), press(30, keys.LEFT_ALT) + END)) == ["unknown-key"]
    assert refused(take(KeyboardWedgeCodec(US), press(2, keys.LEFT_CTRL) + END)) == ["unknown-key"]


def test_dropped_events_drop_the_code_they_tore_and_only_that() -> None:
    codec = KeyboardWedgeCodec(US)
    readings = take(codec, typing(US, EAN) + END, typing(US, "40063"), LOST, typing(US, "96385074") + END)
    assert readings == [Scan(EAN, EAN.encode()), Refused("resynchronised", "events lost after 5 characters", b"40063")]
    assert scans(take(codec, typing(US, EAN) + END)) == [EAN]


def test_after_dropped_events_an_idle_gap_is_an_end_too() -> None:
    codec = KeyboardWedgeCodec(US)
    assert refused(take(codec, typing(US, "40063"), LOST, None)) == ["resynchronised"]
    assert scans(take(codec, typing(US, EAN) + END)) == [EAN]


def test_dropped_events_are_counted_once_until_the_next_report() -> None:
    twice = keys.record(keys.SYN, keys.DROPPED, 0) * 2 + keys.REPORTED
    assert refused(take(KeyboardWedgeCodec(US), twice, None)) == ["resynchronised"]


def test_dropped_events_release_shift_and_caps_lock_whose_release_may_be_lost() -> None:
    codec = KeyboardWedgeCodec(US)
    take(codec, press(keys.CAPS_LOCK) + change(keys.LEFT_SHIFT, 1), LOST, None)
    assert scans(take(codec, typing(US, "abc") + END)) == ["abc"]


def test_typing_without_end_is_refused_whole_and_the_next_code_is_read() -> None:
    codec = KeyboardWedgeCodec(US)
    one = press(2)
    readings: list[Reading] = []
    for _ in range(MAX_CODE_CHARACTERS + 10):
        readings += take(codec, one)
    readings += take(codec, END + typing(US, EAN) + END)
    assert readings == [
        Refused("too-long", f"more than {MAX_CODE_CHARACTERS} characters", b"1" * 64),
        Scan(EAN, EAN.encode()),
    ]


@pytest.mark.parametrize(
    ("gs", "strokes"),
    [("f8", press(66)), ("f12", press(88)), ("|", typing(US, "|")), ("~", typing(US, "~")), ("]", typing(US, "]"))],
    ids=["F8", "F12", "bar", "tilde", "bracket"],
)
def test_gs_may_be_a_key_or_sign_that_the_scanner_was_told_to_send(gs: str, strokes: bytes) -> None:
    before, after = GS1.split("\x1d")
    code = typing(US, "]d2" + before) + strokes + typing(US, after) + END
    assert take(KeyboardWedgeCodec(US, gs=gs), code) == [
        Scan(GS1, f"]d2{GS1}".encode(), "]d2"),
    ]


def test_the_other_ways_for_gs_stay_when_a_sign_is_set() -> None:
    chords = press(27, keys.LEFT_CTRL) + alt_code("029")
    assert scans(take(KeyboardWedgeCodec(US, gs="f8"), typing(US, "1") + chords + typing(US, "2") + END)) == [
        "1\x1d\x1d2"
    ]


def test_braces_are_typed_with_shift_and_altgr_in_italian() -> None:
    braces = press(26, keys.LEFT_SHIFT, keys.RIGHT_ALT) + press(27, keys.LEFT_SHIFT, keys.RIGHT_ALT)
    assert scans(take(KeyboardWedgeCodec(IT), braces + press(26, keys.RIGHT_ALT) + END)) == ["{}["]


def test_shift_with_altgr_types_as_altgr_where_it_has_nothing_of_its_own() -> None:
    assert scans(take(KeyboardWedgeCodec(DE), press(16, keys.LEFT_SHIFT, keys.RIGHT_ALT) + END)) == ["@"]


@pytest.mark.parametrize("layout", [ES, IT], ids=lambda one: one.name)
def test_ctrl_with_altgr_and_the_bracket_key_is_a_bracket_only_before_a_code(layout: Layout) -> None:
    chord = press(27, keys.LEFT_CTRL, keys.RIGHT_ALT)
    strokes = chord + typing(layout, "C10104006381333931") + chord + typing(layout, "10A") + END
    assert take(KeyboardWedgeCodec(layout), strokes) == [
        Scan("0104006381333931\x1d10A", b"]C10104006381333931\x1d10A", "]C1")
    ]
