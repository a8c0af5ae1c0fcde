"""Updates of machines: what the hub decides of a release, what it offers a station, and which version is the newer.

    ["release said"]  ["J", at_us, release, version, compatible, size, stations, percent, anytime, older, offered,
                       author, note, key]

`release` is the bundle's SHA-256 in hex. Of several words on one release the last one holds. A station asks over its
own certificate, and answers nothing but with what it runs (`protocol.state`):

    GET /station/release?compatible=…    `Offered` as JSON
    GET /station/releases/{release}      the bundle; `Range: bytes=N-` goes on where a cable was pulled

Fields are only ever added at the end.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

import msgspec

RELEASE_PATH: Final = "/station/release"
RELEASES_PATH: Final = "/station/releases"
MAX_BUNDLE_BYTES: Final = 1024 * 1024 * 1024
RELEASE: Final = re.compile(r"[0-9a-f]{64}")
VERSION: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+~:_-]{0,63}")
COMPATIBLE: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}")


class ReleaseSaid(msgspec.Struct, frozen=True, array_like=True, tag="J"):
    """From `at_us` (UTC) on a release is offered to stations, or, `offered` False, to none any more.

    `stations` are the positions it is for, none for all; of those, `percent` in a hundred get it, always the same ones.
    `anytime`: also in opening hours. `older`: also to a station that runs a newer version. `key` is the one it was
    asked under.
    """

    at_us: int
    release: str
    version: str
    compatible: str
    size: int
    stations: tuple[str, ...]
    percent: int
    anytime: bool
    older: bool
    offered: bool
    author: str
    note: str
    key: str = ""


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What a station is to run. `said_us` tells one word on a release from the next: a release that fell back is tried
    again by itself only if it was offered anew."""

    release: str
    version: str
    compatible: str
    size: int
    anytime: bool
    older: bool
    said_us: int


class Offered(msgspec.Struct, frozen=True, kw_only=True):
    """The hub's answer: its own time, the next span in which the shop is closed (both None: it never is), the offer.

    Within `closed_from_us` and `closed_to_us` a machine may restart.
    """

    now_us: int
    closed_from_us: int | None = None
    closed_to_us: int | None = None
    offer: Offer | None = None


def is_for(word: ReleaseSaid, station: str, position: str, compatible: str) -> bool:
    """Say whether a release is offered to a station that stands at `position` and is of this kind."""
    if not word.offered or word.compatible != compatible:
        return False
    if word.stations and position not in word.stations:
        return False
    drawn = hashlib.sha256(f"{word.release} {station}".encode()).digest()
    return int.from_bytes(drawn[:4]) % 100 < word.percent


def order_of(version: str) -> tuple[tuple[int, int | str], ...]:
    """Give what versions are ordered by: 1.10 is newer than 1.9, and 1.9 newer than 1.9~rc1."""
    parts = re.findall(r"[0-9]+|~|[A-Za-z]+", version)
    ranks = ((2, int(part)) if part.isdigit() else (0, part) if part == "~" else (3, part) for part in parts)
    return (*ranks, (1, 0))


def is_newer(version: str, than: str) -> bool:
    """Say whether a version is newer than another; anything is newer than none."""
    return not than or order_of(version) > order_of(than)
