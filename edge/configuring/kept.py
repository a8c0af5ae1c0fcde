"""What a station knows of settings from its hub: one small file, replaced whole, so that a power cut leaves one of two.

    settings.json   {"v":1, "owner":"oak-street/till-3", "good":{version},
                     "trial":{version, required, begun}, "failed":{name, against, reason}}

`good` is what the station runs; while there is a `trial` it runs that, and afterwards one of the two.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from edge.enrol.files import get, put
from protocol.station_settings import Version

FILE: Final = "settings.json"
_MAJOR: Final = 1


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """A version that is tried: devices of `required` must come up. `begun` counts how often the station began with it,
    for one that goes down with it every time must come to an end too."""

    version: Version
    required: tuple[str, ...]
    begun: int = 0


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """A version that is not tried again, and why; `against` stands for the local file and release that it failed on."""

    name: str
    against: str
    reason: str


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """All of it; `owner` is the store and the position that it is about."""

    v: int = _MAJOR
    owner: str = ""
    good: Version | None = None
    trial: Trial | None = None
    failed: Failed | None = None


_decode = msgspec.json.Decoder(Kept).decode


def read_kept(data_dir: Path) -> tuple[Kept, str]:
    """Read what is kept, and why it could not be read ("" if it could): then the local file alone holds.

    A file that says nothing is overwritten by the next version. Raises `OSError` for a disk that fails.
    """
    try:
        data = get(data_dir / FILE)
        kept = Kept() if data is None else _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Kept(), str(error)[:200]
    if kept.v != _MAJOR:
        return Kept(), f"of format {kept.v}"
    return kept, ""


def write_kept(data_dir: Path, kept: Kept) -> None:
    """Replace what is kept; durable on return. Raises `OSError`, and then it is as it was."""
    put(data_dir / FILE, msgspec.json.encode(kept))
