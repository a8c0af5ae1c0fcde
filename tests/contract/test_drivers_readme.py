"""The sample tables in the drivers' READMEs work, and show every setting there is."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge.drivers.api import parse_table
from edge.drivers.installed import installed_drivers
from edge.drivers.lights import FeedbackSettings, pins_of

DRIVERS = Path(__file__).parents[2] / "edge" / "drivers"


def samples(file: Path) -> list[dict[str, Any]]:
    return [tomllib.loads(block) for block in re.findall(r"```toml\n(.*?)```", file.read_text("utf-8"), re.DOTALL)]


def fields(settings: type[msgspec.Struct]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(settings)}


@pytest.mark.parametrize("file", sorted((DRIVERS / "readme").glob("*.md")), ids=lambda file: file.stem)
def test_a_driver_has_a_sample_with_all_its_settings(file: Path) -> None:
    devices = [device for sample in samples(file) for device in sample.get("devices", {}).values()]
    assert {device["driver"] for device in devices} == {file.stem}
    assert f"[{file.stem}](readme/{file.name})" in (DRIVERS / "README.md").read_text("utf-8")
    driver = installed_drivers()[file.stem].load()
    for device in devices:
        del device["driver"]
        driver.make_from(device)
    assert any(set(device) == fields(driver.settings) for device in devices)


def test_the_lights_have_a_sample_with_all_their_settings() -> None:
    (lights,) = [sample["lights"] for sample in samples(DRIVERS / "README.md") if "lights" in sample]
    assert set(lights) == fields(FeedbackSettings)
    assert len(pins_of(parse_table("lights", FeedbackSettings, lights))) == 7
