"""What a client of NTP asks a time server, and what the answer says (RFC 5905, section 7.3)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

PORT: Final = 123
_PACKET: Final = struct.Struct("!BBbbII4sQQQQ")
_VERSION, _CLIENT, _SERVER = 4, 3, 4
_UNSET: Final = 3
"""The leap indicator of a server that does not know the time."""
_1970: Final = 2_208_988_800
"""NTP's seconds count from 1900."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`stratum` is 0 where the server refuses, 1 beside a clock, one more at each hand; `sent_s` counts from 1970."""

    leap: int
    stratum: int
    sent_s: float

    @property
    def usable(self) -> bool:
        """Say whether a client may take the time from it."""
        return self.leap != _UNSET and 1 <= self.stratum <= 15


def question(mark: int) -> bytes:
    """Ask for the time; the answer repeats `mark`, where a client may put its own time or, better, chance."""
    return _PACKET.pack(_VERSION << 3 | _CLIENT, 0, 0, 0, 0, 0, bytes(4), 0, 0, 0, mark)


def read_answer(data: bytes, mark: int) -> Answer:
    """Read an answer. Raises `ValueError` for what is none, or none to this question."""
    if len(data) < _PACKET.size:
        raise ValueError(f"{len(data)} bytes are no NTP")
    first, stratum, *_, origin, _received, sent = _PACKET.unpack_from(data)
    if (first >> 3 & 7, first & 7, origin) != (_VERSION, _SERVER, mark):
        raise ValueError(f"no answer to this question: {data[: _PACKET.size].hex()}")
    return Answer(first >> 6, stratum, sent / 2**32 - _1970)
