"""The sample tables in the drivers' README work, and show every setting there is."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import msgspec

from edge.drivers.api import parse_table
from edge.drivers.builtin import builtin_drivers
from edge.drivers.feedback import FeedbackSettings, pins_of

README = Path(__file__).parents[2] / "edge" / "drivers" / "README.md"
SAMPLES = [tomllib.loads(block) for block in re.findall(r"```toml\n(.*?)```", README.read_text("utf-8"), re.DOTALL)]


def fields(settings: type[msgspec.Struct]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(settings)}


def test_each_driver_has_one_sample_with_all_its_settings() -> None:
    devices = [device for sample in SAMPLES for device in sample.get("devices", {}).values()]
    assert sorted(device["driver"] for device in devices) == sorted(builtin_drivers())
    for device in devices:
        driver = builtin_drivers()[device.pop("driver")].load()
        assert set(device) == fields(driver.settings)
        driver.make_from(device)


def test_the_lights_have_a_sample_with_all_their_settings() -> None:
    (lights,) = [sample["lights"] for sample in SAMPLES if "lights" in sample]
    assert set(lights) == fields(FeedbackSettings)
    assert len(pins_of(parse_table("lights", FeedbackSettings, lights))) == 3
