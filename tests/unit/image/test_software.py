"""What is laid into the root beside the wheels: our packages say what an installed distribution would."""

from __future__ import annotations

import configparser
import tomllib
from pathlib import Path

from image.building.software import entry_points

PROJECT = Path(__file__).parents[3] / "pyproject.toml"


def test_every_driver_of_ours_is_found_on_the_machine() -> None:
    told = configparser.ConfigParser(delimiters=("=",))
    told.optionxform = str  # type: ignore[method-assign, assignment]
    text = PROJECT.read_text("utf-8")
    told.read_string(entry_points(text))
    groups = tomllib.loads(text)["project"]["entry-points"]
    assert groups["shelfwire.drivers"]
    assert {group: dict(told[group]) for group in told.sections()} == groups
