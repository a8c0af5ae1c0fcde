"""What `edge/drivers/quality.toml` calls done is done, and what is not says why."""

from __future__ import annotations

import importlib
import tomllib
from pathlib import Path
from typing import Any

import pytest

from edge.drivers.installed import installed_drivers
from tests.dialects.dialect import dialects
from tests.rigs.rig import driver_cases

DRIVERS = Path(__file__).parents[2] / "edge" / "drivers"
CAPTURES = Path(__file__).parents[1] / "captures"
RULES = {"settings", "contract", "captures", "fuzz", "replug", "field"}
QUALITY: dict[str, dict[str, Any]] = tomllib.loads((DRIVERS / "quality.toml").read_text("utf-8"))
SOURCES: dict[str, list[str]] = {}
for file in CAPTURES.glob("*/codec.toml"):
    capture = tomllib.loads(file.read_text("utf-8"))
    SOURCES.setdefault(capture["codec"], []).append(capture["source"])

every_driver = pytest.mark.parametrize("name", QUALITY)


def test_it_speaks_of_every_driver_that_comes_with_the_agent() -> None:
    ours = {spec.name for spec in installed_drivers().values() if spec.entry.value.startswith("edge.drivers.")}
    assert set(QUALITY) == ours


def test_every_dialect_is_spoken_by_a_driver() -> None:
    assert {dialect for one in QUALITY.values() for dialect in one["dialects"]} == set(dialects())


@every_driver
def test_a_driver_makes_the_codecs_of_its_dialects_for_replay_and_probe(name: str) -> None:
    driver = installed_drivers()[name].load()
    assert set(driver.codecs) == set(QUALITY[name]["dialects"])
    for trial in driver.trials:
        driver.codecs[trial.dialect](**trial.options)


@every_driver
def test_each_line_is_done_or_says_why_not(name: str) -> None:
    assert set(QUALITY[name]) == RULES | {"dialects", "simulators"}
    for rule in RULES:
        said = QUALITY[name][rule]
        assert said == "done" or said.partition(": ")[0] in ("todo", "exempt"), rule
        assert said == "done" or len(said.partition(": ")[2]) > 10, rule


@every_driver
def test_what_is_called_done_is(name: str) -> None:
    one = QUALITY[name]
    if one["settings"] == "done":
        assert (DRIVERS / "readme" / f"{name}.md").is_file()
    if one["contract"] == "done":
        assert name in driver_cases()
    for dialect in one["dialects"]:
        if one["captures"] == "done":
            assert SOURCES.get(dialect), dialect
        if one["fuzz"] == "done":
            assert dialects()[dialect].variants, dialect
        if one["field"] == "done":
            assert any(source.startswith("field: ") for source in SOURCES[dialect]), dialect
    for place in one["simulators"]:
        module, _, what = place.partition(":")
        assert hasattr(importlib.import_module(module), what), place


@every_driver
def test_what_was_never_run_on_the_real_thing_is_called_experimental(name: str) -> None:
    said = installed_drivers()[name].load().experimental
    assert bool(said) == QUALITY[name]["field"].startswith("todo")
    table = next(line for line in (DRIVERS / "README.md").read_text("utf-8").splitlines() if f"[{name}]" in line)
    assert ("experimental" in table) == bool(said)
