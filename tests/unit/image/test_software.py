"""What is laid into the root beside the wheels: our packages say what an installed distribution would."""

from __future__ import annotations

import configparser
import tomllib
from pathlib import Path

import pytest

from image.building import software
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


@pytest.mark.parametrize("says", ["echo 3.12.cpython", "echo 3.13.pypy", "exit 127"])
def test_a_python_that_is_not_the_images_compiles_nothing(
    says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "python3.13").write_text(f"#!/bin/sh\n{says}\n")
    (tmp_path / "python3.13").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert software._builders_python() is None
    (tmp_path / "python3.13").write_text("#!/bin/sh\necho 3.13.cpython\n")
    assert software._builders_python() == str(tmp_path / "python3.13")
