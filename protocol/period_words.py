"""What was declared final of the books at the end of a period, and what came to be known of it later.

    ["finality"]         ["F", at_us, until_us, part, parts, heads, excluded, rows, author, note, key]
    ["corrected"]        ["K", at_us, until_us, rows, author, note]

Entries of the hub journal, beside those of `protocol.decisions`, where `key` is told of.
"""

from __future__ import annotations

import msgspec


class FigureRow(msgspec.Struct, frozen=True, array_like=True):
    """What an item has on hand in an area, and what the virtual places have of it; or by how much that changed.

    The seven quantities sum to zero.
    """

    item: str
    area: str
    on_hand_milli: int
    supplier_milli: int
    customer_milli: int
    shrink_milli: int
    opening_milli: int
    transit_milli: int
    conversion_milli: int


class Finality(msgspec.Struct, frozen=True, array_like=True, tag="F"):
    """A person declared what the books held at `until_us` (UTC) final; what comes to be known later is a correction.

    It goes over `parts` entries, written together, which are `part` 1 and so on and share out the `rows`. The first
    has the `heads`: the last entry of each log ("station/epoch/seq") that the books then knew. `excluded` are the
    stations and open counts that were not waited for.
    """

    at_us: int
    until_us: int
    part: int
    parts: int
    heads: tuple[str, ...]
    excluded: tuple[str, ...]
    rows: tuple[FigureRow, ...]
    author: str
    note: str
    key: str = ""


class Corrected(msgspec.Struct, frozen=True, array_like=True, tag="K"):
    """The hub came to know, at `at_us`, that figures declared final as of `until_us` are off by these."""

    at_us: int
    until_us: int
    rows: tuple[FigureRow, ...]
    author: str
    note: str


PeriodWord = Finality | Corrected
"""What is said of closed periods: what they held is the sum of it."""
