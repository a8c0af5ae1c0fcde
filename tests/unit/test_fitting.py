"""What a device is and how it is set, told from a few of its bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from edge.captures import read_capture
from edge.codecs.layouts import LAYOUTS, Layout
from edge.drivers.api import Driver
from edge.drivers.fitting import TEST_TEXT, Fit, fits, scan_fits
from edge.drivers.installed import installed_drivers
from tests.unit.edge_codecs.keys import ENTER, KEYPAD_ENTER, LEFT_CTRL, TAB, alt_code, press, typing

GS = "\x1d"
DRIVERS: list[Driver[Any]] = [spec.load() for spec in installed_drivers().values()]
CAPTURES = Path(__file__).parents[1] / "captures"
SUFFIXES: Mapping[str, bytes] = {"cr": b"\r", "lf": b"\n", "crlf": b"\r\n", "tab": b"\t"}


def of_wedge(events: bytes, printed: str) -> list[Fit]:
    return scan_fits(DRIVERS, 0, "", [events], printed)


def of_serial(data: bytes, printed: str) -> list[Fit]:
    return scan_fits(DRIVERS, 9600, "8N1", [data], printed)


def ctrl_bracket(_: Layout) -> bytes:
    return press(27, LEFT_CTRL)


def alt_029(_: Layout) -> bytes:
    return alt_code("029")


def typed(layout: Layout, text: str, gs: Callable[[Layout], bytes]) -> bytes:
    return gs(layout).join(typing(layout, part) for part in text.split(GS))


def alike(layout: Layout) -> set[str]:
    """The layouts that have every character of the test code on the same keys as this one."""

    def keys(one: Layout) -> list[bytes]:
        return [typing(one, character) for character in TEST_TEXT if character != GS]

    return {other.name for other in LAYOUTS.values() if keys(other) == keys(layout)}


every_layout = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=list(LAYOUTS))


@every_layout
@pytest.mark.parametrize("end", [ENTER, KEYPAD_ENTER, TAB], ids=["enter", "keypad enter", "tab"])
@pytest.mark.parametrize("gs", [ctrl_bracket, alt_029])
def test_the_test_code_settles_the_layout_whatever_ends_it_and_however_gs_comes(
    layout: Layout, end: int, gs: Callable[[Layout], bytes]
) -> None:
    found = of_wedge(typed(layout, TEST_TEXT, gs) + press(end), TEST_TEXT)
    assert {fit.driver.name for fit in found} == {"keyboard-wedge"}
    assert {fit.table["layout"] for fit in found} == alike(layout)
    assert not any(fit.table["caps_lock"] for fit in found)
    assert [note.partition(":")[0] for note in found[0].notes] == ["it sends no AIM prefix"]


def test_only_spanish_and_italian_have_all_characters_of_gs1_on_the_same_keys() -> None:
    assert {frozenset(alike(layout)) for layout in LAYOUTS.values() if len(alike(layout)) > 1} <= {
        frozenset({"es", "it"})
    }


@every_layout
def test_a_scanner_that_swallows_gs_or_sends_something_else_for_it_is_told_so(layout: Layout) -> None:
    found = of_wedge(typed(layout, TEST_TEXT, lambda _: b"") + press(ENTER), TEST_TEXT)
    assert {fit.table["layout"] for fit in found} == alike(layout)
    assert found[0].notes[0].startswith("it swallows GS")
    found = of_wedge(typed(layout, TEST_TEXT, lambda one: typing(one, "!")) + press(ENTER), TEST_TEXT)
    assert {fit.table["layout"] for fit in found} == alike(layout)
    assert found[0].notes[0].startswith("it sends '!' for GS")


@every_layout
def test_without_an_end_the_idle_gap_ends_it_and_that_is_told(layout: Layout) -> None:
    found = of_wedge(typed(layout, TEST_TEXT, ctrl_bracket), TEST_TEXT)
    assert {fit.table["layout"] for fit in found} == alike(layout)
    assert all(any(note.startswith("it sends no Enter") for note in fit.notes) for fit in found)


def test_digits_alone_leave_the_layouts_that_agree_on_them() -> None:
    found = of_wedge(typing(LAYOUTS["us"], "4006381333931") + press(ENTER), "4006381333931")
    assert found[0].table["layout"] == "us"
    layouts = {fit.table["layout"] for fit in found}
    assert {"us", "de"} <= layouts
    assert "fr" not in {fit.table["layout"] for fit in found if not fit.table["caps_lock"]}


def test_an_aim_prefix_is_nothing_to_remark_on() -> None:
    layout = LAYOUTS["de"]
    fit, *_ = of_wedge(typed(layout, "]C1" + TEST_TEXT, ctrl_bracket) + press(ENTER), TEST_TEXT)
    assert fit.notes == ()


def test_another_code_than_the_printed_one_fits_nothing() -> None:
    assert of_wedge(typing(LAYOUTS["us"], "96385074") + press(ENTER), TEST_TEXT) == []
    assert of_wedge(b"", TEST_TEXT) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("prefix", ["", "%", "N1"])
@pytest.mark.parametrize("aim", ["", "]C1"])
def test_suffix_and_prefix_of_a_serial_scanner_are_settled(suffix: str, prefix: str, aim: str) -> None:
    found = of_serial(f"{prefix}{aim}{TEST_TEXT}".encode() + SUFFIXES[suffix], TEST_TEXT)
    best = found[0]
    assert best.driver.name == "serial-scanner"
    assert best.table["suffix"] == suffix
    assert best.table.get("prefix", "") == prefix
    assert any(note.startswith("it sends no AIM") for note in best.notes) == (not aim)


def test_a_serial_scanner_that_swallows_gs_is_told_so() -> None:
    best = of_serial(TEST_TEXT.replace(GS, "").encode() + b"\r", TEST_TEXT)[0]
    assert best.notes[0].startswith("it swallows GS")


@pytest.mark.parametrize("name", sorted(folder.parent.name for folder in CAPTURES.glob("*/codec.toml")))
def test_what_a_capture_holds_is_recognised_by_its_own_dialect(name: str) -> None:
    """Wherever the dialect has a trial with the capture's own options, on the trial's line."""
    capture = read_capture(CAPTURES / name)
    own = [
        (driver, trial)
        for driver in DRIVERS
        for trial in driver.trials
        if trial.dialect == capture.codec and trial.baud and dict(trial.options) == dict(capture.options)
    ]
    for driver, trial in own:
        refused = sum("refused" in row for row in capture.expected or ())
        if 2 * refused >= len(capture.expected or ()):
            continue  # a capture of faults
        found = fits(DRIVERS, trial.baud, trial.frame, capture.stretches)
        assert (driver.name, trial.dialect) in {(fit.driver.name, fit.trial.dialect) for fit in found}


def test_a_weight_is_believed_before_a_code() -> None:
    found = fits(DRIVERS, 9600, "8N1", [b"S S     100.00 g\r\n"])
    if any(driver.name == "scale-mtsics" for driver in DRIVERS):
        assert found[0].driver.name == "scale-mtsics"
    assert any(fit.driver.name == "serial-scanner" for fit in found)


def test_a_scale_is_told_by_its_frame_and_its_units_stay_open() -> None:
    found = fits(DRIVERS, 9600, "7E1", [b"\x0201.250\r", b"\x0201.250\r"])
    assert found[0].driver.name in {"scale-8217", "scale-sasi"}
    units = {fit.table["unit"] for fit in found if fit.driver.name == "scale-8217"}
    assert {"kg"} <= units
    assert found[0].percent == 100


def test_noise_fits_nothing() -> None:
    assert fits(DRIVERS, 9600, "8N1", [bytes(range(128, 256)) * 3]) == []
    assert fits(DRIVERS, 9600, "8N1", []) == []
