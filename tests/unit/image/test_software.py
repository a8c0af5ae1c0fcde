"""What is laid into the root beside the wheels: our packages say what an installed distribution would."""

from __future__ import annotations

import configparser
import marshal
import sys
import tomllib
from pathlib import Path

import pytest

from image.building.compiling import compile_from_outside
from image.building.software import entry_points, what_is_there

PROJECT = Path(__file__).parents[3] / "pyproject.toml"


def test_every_driver_of_ours_is_found_on_the_machine() -> None:
    told = configparser.ConfigParser(delimiters=("=",))
    told.optionxform = str  # type: ignore[method-assign, assignment]
    text = PROJECT.read_text("utf-8")
    told.read_string(entry_points(text))
    groups = tomllib.loads(text)["project"]["entry-points"]
    assert groups["shelfwire.drivers"]
    assert {group: dict(told[group]) for group in told.sections()} == groups


def test_what_is_compiled_from_outside_knows_the_paths_of_the_machine_and_asks_no_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path / "elsewhere"))
    source = tmp_path / "opt/shelfwire/till.py"
    source.parent.mkdir(parents=True)
    source.write_text("def rung() -> int:\n    return 1\n")
    compile_from_outside(tmp_path, ["/opt/shelfwire"], [sys.executable], {})
    (compiled,) = (source.parent / "__pycache__").iterdir()
    flags, code = int.from_bytes(compiled.read_bytes()[4:8], "little"), marshal.loads(compiled.read_bytes()[16:])
    assert flags == 1, "unchecked: by a hash that nobody compares (PEP 552)"
    assert code.co_filename == "/opt/shelfwire/till.py"


def test_a_wheels_record_says_nothing_of_who_installed_it() -> None:
    kept = "alembic/__init__.py,sha256=abc,10\nalembic-1.dist-info/RECORD,,\n"
    assert what_is_there("../../bin/alembic,sha256=xyz,174\n" + kept + "../../share/man/man1/x.1,sha256=q,9\n") == kept
