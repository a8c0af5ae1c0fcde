"""What is said of a position's settings: entries of the hub journal, each a version, the last one the one that holds.

    ["configured"]  ["G", at_us, position, number, settings, restores, author, note, key]

`settings` is the document of `protocol.station_settings` as JSON. Fields are only ever added at the end.
"""

from __future__ import annotations

from typing import Any

import msgspec

from protocol.errors import BadInput
from protocol.station_settings import Version, check_settings

_encode = msgspec.json.Encoder(order="deterministic").encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class StationConfigured(msgspec.Struct, frozen=True, array_like=True, tag="G"):
    """From `at_us` (UTC) on these settings, version `number`, are given to whichever station stands at `position`.

    `restores` is the earlier version whose settings these are again, 0 for none. `key` is the one it was asked under.
    """

    at_us: int
    position: str
    number: int
    settings: str
    restores: int
    author: str
    note: str
    key: str = ""

    @property
    def version(self) -> Version:
        """What stations are told. Raises `BadInput` ("bad-settings")."""
        return Version(n=self.number, at_us=self.at_us, settings=read_document(self.settings))


def write_document(settings: dict[str, Any]) -> str:
    """Write a checked document as an entry holds it."""
    return _encode(settings).decode()


def read_document(text: str) -> dict[str, Any]:
    """Read and check a document. Raises `BadInput` ("bad-settings")."""
    try:
        return check_settings(_decode(text.encode()))
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadInput("bad-settings", str(error)[:300]) from error
