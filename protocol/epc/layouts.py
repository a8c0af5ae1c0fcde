"""The classic binary schemes: which bits hold what (TDS table 14-1 and the coding tables of 14.6).

    header 8 | filter 3 | partition 3 | company prefix | reference | tail

The partition says how the bits of the pair are split: 12 digits of company prefix in 40 bits and so on, the
reference in what remains. The tail is a serial number, or zeros.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

import msgspec

PREFIX_BITS: Final = (40, 37, 34, 30, 27, 24, 20)
"""Bits of the company prefix by partition, for 12 digits down to 6."""


class Coding(Enum):
    """How a reference or tail is written in bits."""

    DIGITS = 0
    """A number, told with all its zeros."""
    NUMBER = 1
    """A number, told without leading zeros."""
    TEXT7 = 2
    """Characters of 7 bits (table A-1), zeros behind."""
    NUMERIC = 3
    """Digits behind a 1 that keeps their zeros, as a number."""
    ZERO = 4
    """Nothing: zeros."""


class Layout(msgspec.Struct, frozen=True):
    """One scheme: `pair_bits` and `pair_size` (digits or characters) are prefix and reference together.

    `pieces`: two numbers of two digits in 7 bits each stand between the pair and the tail.
    """

    scheme: str
    header: int
    bits: int
    pair_bits: int
    pair_size: int
    reference: Coding
    tail: Coding
    pieces: bool = False

    @property
    def tail_bits(self) -> int:
        """How many bits the tail has."""
        return self.bits - 14 - self.pair_bits - (14 if self.pieces else 0)


_D, _N, _T, _S, _Z = Coding.DIGITS, Coding.NUMBER, Coding.TEXT7, Coding.NUMERIC, Coding.ZERO

LAYOUTS: Final = (
    Layout("gdti-96", 0x2C, 96, 41, 12, _D, _N),
    Layout("gsrn-96", 0x2D, 96, 58, 17, _D, _Z),
    Layout("gsrnp-96", 0x2E, 96, 58, 17, _D, _Z),
    Layout("sgtin-96", 0x30, 96, 44, 13, _D, _N),
    Layout("sscc-96", 0x31, 96, 58, 17, _D, _Z),
    Layout("sgln-96", 0x32, 96, 41, 12, _D, _N),
    Layout("grai-96", 0x33, 96, 44, 12, _D, _N),
    Layout("giai-96", 0x34, 96, 82, 25, _N, _Z),
    Layout("sgtin-198", 0x36, 198, 44, 13, _D, _T),
    Layout("grai-170", 0x37, 170, 44, 12, _D, _T),
    Layout("giai-202", 0x38, 202, 188, 30, _T, _Z),
    Layout("sgln-195", 0x39, 195, 41, 12, _D, _T),
    Layout("gdti-113", 0x3A, 113, 41, 12, _D, _S),
    Layout("cpi-96", 0x3C, 96, 51, 15, _N, _N),
    Layout("gdti-174", 0x3E, 174, 41, 12, _D, _T),
    Layout("sgcn-96", 0x3F, 96, 41, 12, _D, _S),
    Layout("itip-110", 0x40, 110, 44, 13, _D, _N, True),
    Layout("itip-212", 0x41, 212, 44, 13, _D, _T, True),
)
BY_HEADER: Final = {layout.header: layout for layout in LAYOUTS}
BY_SCHEME: Final = {layout.scheme: layout for layout in LAYOUTS}
