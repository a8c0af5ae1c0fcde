"""Zones as people write them in `edge.toml`."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.errors import BadSettings
from edge.presence.rules import S_US, Antenna, Smoothing
from edge.settings import Settings, parse_settings
from protocol.identity import DeviceId

STATION = """
store = "oak"
station = "door"
place = "shop"
data_dir = "data"
"""
READER = """
[devices.reader]
driver = "rfid-llrp"
"""


def parsed(text: str) -> Settings:
    return parse_settings(STATION + text + READER, Path("/tmp"))


def test_a_zone_is_named_antennas_and_the_defaults_suit_garments() -> None:
    rules = parsed('[zones.shelf]\nantennas = ["reader:1", "reader:2"]').presence
    (zone,) = rules.zones
    assert zone.antennas == (Antenna(DeviceId("reader"), 1), Antenna(DeviceId("reader"), 2))
    assert zone.smoothing == Smoothing()
    assert (zone.smoothing.threshold_cdb, zone.smoothing.holdoff_us) == (600, 60 * S_US)
    assert zone.smoothing.fall_cdb_per_s == 50, "0.0005 dB a millisecond"
    assert (rules.min_reads, rules.departed_after_us) == (2, 600 * S_US)


def test_each_zone_has_its_own_smoothing() -> None:
    rules = parsed(
        """
[presence]
min_reads = 3
departed_after_s = 90
[zones.shelf]
antennas = ["reader:1"]
[zones.gate]
antennas = ["reader:2"]
threshold_db = 3.5
holdoff_s = 0.5
fall_db_per_s = 8
move_reads = 2
"""
    ).presence
    gate = rules.zones[1].smoothing
    assert (gate.threshold_cdb, gate.holdoff_us, gate.fall_cdb_per_s, gate.move_reads) == (350, 500_000, 800, 2)
    assert rules.zones[0].smoothing == Smoothing()
    assert (rules.min_reads, rules.departed_after_us) == (3, 90 * S_US)


def test_a_station_without_zones_has_none() -> None:
    assert parsed("").presence.zones == ()


@pytest.mark.parametrize(
    ("text", "key", "says"),
    [
        ('[zones.shelf]\nantennas = ["reader"]', "zones.shelf.antennas", 'not like "reader:1"'),
        ('[zones.shelf]\nantennas = ["raeder:1"]', "zones.shelf.antennas", "no device 'raeder'"),
        ('[zones.shelf]\nantennas = ["reader:1", "reader:1"]', "zones.shelf.antennas", "already"),
        ('[zones.a]\nantennas = ["reader:1"]\n[zones.b]\nantennas = ["reader:1"]', "zones.b.antennas", "in zone 'a'"),
        ('[zones."Shelf 1"]\nantennas = ["reader:1"]', "zones.Shelf 1", "named with"),
        ("[zones.shelf]\nantennas = []", "zones.shelf.antennas", "length"),
        ('[zones.shelf]\nantennas = ["reader:1"]\nring_reads = 4', "zones.shelf", "may not exceed"),
        ('[zones.shelf]\nantennas = ["reader:1"]\nthreshold = 4', "zones.shelf", "unknown"),
        ("[presence]\nmin_read = 4", "presence", "min_reads"),
        ("[presence]\nmax_tags = 0", "presence.max_tags", "1"),
    ],
)
def test_what_cannot_be_is_said_with_its_place(text: str, key: str, says: str) -> None:
    with pytest.raises(BadSettings) as caught:
        parsed(text)
    assert caught.value.key == key
    assert says in str(caught.value)
