"""Lays what is set at the station over what its hub gives, and says where the two differ. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

import msgspec

from protocol.state import SettingDrift

MAX_SHOWN: Final = 120
_DEVICES: Final = "devices"


def merged(local: Mapping[str, object], given: Mapping[str, object]) -> tuple[dict[str, Any], tuple[SettingDrift, ...]]:
    """Give the table that holds, and each local override: what is set here and otherwise than the hub gives it.

    What is set here wins, key by key. A device that has another driver here is this one, whole: keys of two drivers do
    not mix.
    """
    drift: list[SettingDrift] = []
    table = _merged(local, given, (), drift)
    return table, tuple(drift)


def _merged(
    local: Mapping[str, object], given: Mapping[str, object], path: tuple[str, ...], drift: list[SettingDrift]
) -> dict[str, Any]:
    table: dict[str, Any] = dict(given)
    for key, value in local.items():
        table[key] = value
        if key not in given:
            continue
        theirs, at = given[key], (*path, key)
        if not (isinstance(value, Mapping) and isinstance(theirs, Mapping)):
            drift.extend(_differing(at, value, theirs))
            continue
        mine, theirs = cast("Mapping[str, object]", value), cast("Mapping[str, object]", theirs)
        if path == (_DEVICES,) and mine.get("driver") != theirs.get("driver"):
            drift.extend(_differing((*at, "driver"), mine.get("driver"), theirs.get("driver")))
        else:
            table[key] = _merged(mine, theirs, at, drift)
    return table


def _differing(path: tuple[str, ...], local: object, given: object) -> Iterator[SettingDrift]:
    # True is not 1, while 5 s is 5.0 s.
    if local != given or isinstance(local, bool) is not isinstance(given, bool):
        yield SettingDrift(".".join(path)[:MAX_SHOWN], _shown(local), _shown(given))


def _shown(value: object) -> str:
    return msgspec.json.encode(value, enc_hook=str).decode()[:MAX_SHOWN]
