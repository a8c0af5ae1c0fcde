"""`[presence]` and `[zones.<name>]` of `edge.toml`: how people say what the engine is told.

[zones.shelf]
antennas = ["reader:1", "reader:2"]  # device and the reader's own number; an antenna is in one zone at most
threshold_db = 6.0                   # how much better another zone must hear a tag to take it from this one,
holdoff_s = 60                       # for so long after this one last read it,
fall_db_per_s = 0.5                  # and then less by so much each second
ring_reads = 20                      # reads of a tag that are kept
half_life_s = 30.0                   # the age at which one of them counts half
move_reads = 8                       # reads here before a tag can move here
witness_reads = 3                    # reads elsewhere, none here between, before silence here is believed

[presence]
min_reads = 2                        # reads before a tag has arrived
departed_after_s = 600               # unread for so long, its antenna alive
alive_for_s = 60                     # how long a sign of life of an antenna counts
max_tags = 100000
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from typing import Annotated

import msgspec

from edge.errors import BadSettings
from edge.presence.rules import S_US, Antenna, Rules, Smoothing, Zone
from protocol.identity import DeviceId

_ANTENNA = re.compile(r"(?P<device>[a-z0-9-]{1,63}):(?P<number>[0-9]{1,5})")
_ZONE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class ZoneSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One zone."""

    antennas: Annotated[list[str], msgspec.Meta(min_length=1, max_length=64)]
    threshold_db: Annotated[float, msgspec.Meta(ge=0, le=60)] = 6.0
    holdoff_s: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 60.0
    fall_db_per_s: Annotated[float, msgspec.Meta(ge=0, le=100)] = 0.5
    ring_reads: Annotated[int, msgspec.Meta(ge=1, le=64)] = 20
    half_life_s: Annotated[float, msgspec.Meta(ge=0.1, le=86_400)] = 30.0
    move_reads: Annotated[int, msgspec.Meta(ge=1, le=64)] = 8
    witness_reads: Annotated[int, msgspec.Meta(ge=0, le=64)] = 3


class PresenceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What holds for all zones."""

    min_reads: Annotated[int, msgspec.Meta(ge=1, le=100)] = 2
    departed_after_s: Annotated[float, msgspec.Meta(ge=1, le=86_400)] = 600.0
    alive_for_s: Annotated[float, msgspec.Meta(ge=45, le=3600)] = 60.0
    max_tags: Annotated[int, msgspec.Meta(ge=1, le=200_000)] = 100_000


def parse_zone(name: str, table: Mapping[str, object]) -> ZoneSettings:
    """Check a zone's table. Raises `BadSettings`, typos with a suggestion."""
    known = [field.encode_name for field in msgspec.structs.fields(ZoneSettings)]
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            raise BadSettings(f"zones.{name}", f"unknown key {key!r}", near[0] if near else None)
    try:
        return msgspec.convert(table, ZoneSettings)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `$.")
        raise BadSettings(f"zones.{name}.{path}".rstrip("`."), what) from error


def presence_rules(
    presence: PresenceSettings, zones: Mapping[str, Mapping[str, object]], devices: Collection[DeviceId]
) -> Rules:
    """Make the engine's rules. Raises `BadSettings` with the place in the file."""
    taken: dict[Antenna, str] = {}
    made: list[Zone] = []
    for name, table in zones.items():
        if not _ZONE.fullmatch(name):
            raise BadSettings(f"zones.{name}", "a zone is named with 1 to 63 of a-z, 0-9 and inner hyphens")
        zone = parse_zone(name, table)
        antennas: list[Antenna] = []
        for text in zone.antennas:
            match = _ANTENNA.fullmatch(text)
            if match is None:
                raise BadSettings(f"zones.{name}.antennas", f'{text!r} is not like "reader:1"')
            antenna = Antenna(DeviceId(match["device"]), int(match["number"]))
            if antenna.device not in devices:
                raise BadSettings(f"zones.{name}.antennas", f"no device {antenna.device!r}")
            if antenna in taken:
                raise BadSettings(f"zones.{name}.antennas", f"{text!r} is in zone {taken[antenna]!r} already")
            taken[antenna] = name
            antennas.append(antenna)
        try:
            smoothing = Smoothing(
                ring_reads=zone.ring_reads,
                half_life_us=round(zone.half_life_s * S_US),
                threshold_cdb=round(zone.threshold_db * 100),
                holdoff_us=round(zone.holdoff_s * S_US),
                fall_cdb_per_s=round(zone.fall_db_per_s * 100),
                move_reads=zone.move_reads,
                witness_reads=zone.witness_reads,
            )
        except ValueError as error:
            raise BadSettings(f"zones.{name}", "move_reads and witness_reads may not exceed ring_reads") from error
        made.append(Zone(name, tuple(antennas), smoothing))
    return Rules(
        zones=tuple(made),
        min_reads=presence.min_reads,
        departed_after_us=round(presence.departed_after_s * S_US),
        alive_for_us=round(presence.alive_for_s * S_US),
        max_tags=presence.max_tags,
    )
