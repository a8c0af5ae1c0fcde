"""An EPC read: its scheme, its filter value, what it says in the terms of GS1 and of the TDS."""

from __future__ import annotations

import re
from typing import Final

import msgspec

_ESCAPED: Final = str.maketrans(
    {'"': "%22", "#": "%23", "%": "%25", "&": "%26", "/": "%2F", "<": "%3C", ">": "%3E", "?": "%3F"}
)
_NO_FILTER: Final = frozenset(("gid-96",))
_ESCAPE = re.compile(r"%([0-9A-F]{2})")


class Epc(msgspec.Struct, frozen=True, gc=False):
    """What an EPC says.

    `scheme` is as in its tag URI ("sgtin-96", "sgtin+", "sgtin++"). `filter` tells item, case and pallet apart (TDS
    section 10), None where the scheme has none. `parts` are the components of its URI, company prefix and all; empty
    for the schemes of TDS 2 that have no URI. `ais` is what it says as application identifiers, with what may follow
    the EPC on the tag; `undecoded_bits` is how much of that was not understood. `hostname` is the "++" schemes' own.
    """

    scheme: str
    filter: int | None
    parts: tuple[str, ...] = ()
    ais: tuple[tuple[str, str], ...] = ()
    hostname: str | None = None
    undecoded_bits: int = 0

    @property
    def pure_uri(self) -> str | None:
        """Its pure identity URI, without filter and binary scheme (TDS section 6); None where there is none."""
        if not self.parts:
            return None
        return f"urn:epc:id:{self.scheme.partition('-')[0]}:{self._told()}"

    @property
    def tag_uri(self) -> str | None:
        """Its tag URI, filter value and all (TDS section 12); None where there is none."""
        if not self.parts:
            return None
        before = "" if self.filter is None else f"{self.filter}."
        return f"urn:epc:tag:{self.scheme}:{before}{self._told()}"

    @property
    def gtin(self) -> str | None:
        """The trade item's GTIN in 14 digits, None for another kind of thing."""
        return self.of("01")

    @property
    def serial(self) -> str | None:
        """The serial number, None if the EPC names a thing without one."""
        told = self.of("21")
        if told is None and self.ais:
            from protocol.gs1.identity import serial_of

            return serial_of(dict(self.ais))
        return self.parts[-1] if told is None and self.parts else told

    def of(self, ai: str) -> str | None:
        """Give the value of an application identifier."""
        for one, value in self.ais:
            if one == ai:
                return value
        return None

    def _told(self) -> str:
        if "".join(self.parts).isalnum():
            return ".".join(self.parts)
        return ".".join(part.translate(_ESCAPED) for part in self.parts)


def parse_tag_uri(uri: str) -> tuple[str, int | None, tuple[str, ...]] | None:
    """Take a tag URI apart into scheme, filter value and components; None for what is none."""
    scheme, _, rest = uri.removeprefix("urn:epc:tag:").partition(":")
    parts = tuple(_ESCAPE.sub(lambda match: chr(int(match[1], 16)), one) for one in rest.split("."))
    if not uri.startswith("urn:epc:tag:") or len(parts) < 2:
        return None
    if scheme in _NO_FILTER:
        return scheme, None, parts
    if not (parts[0].isdecimal() and parts[0].isascii() and len(parts[0]) < 3):
        return None
    return scheme, int(parts[0]), parts[1:]
