"""What people decide about count sessions: entries of the hub journal, beside those of `protocol.decisions`.

    ["count planned"]    ["S", at_us, session, area, items, shelves, blind, closed, two_passes, author, note, key]
    ["count ruled"]      ["U", at_us, session, verdict, item, pass, target, author, note, key]

`key` is the one it was asked for under, once only ("": without one). Fields are only ever added at the end.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

MAX_ITEMS = 1000
"""Items that one plan names; who counts more counts all there is."""
MAX_SHELVES = 500


class CountVerdict(StrEnum):
    """What a person rules on what a session found.

    `accept`: it is right; of several passes the one that is named. `reject`: the pass that is named, or all of it, is
    not to be used. Of these two the later word counts. `void`: it never was, and nothing brings it back.
    """

    ACCEPT = "accept"
    REJECT = "reject"
    VOID = "void"


class CountPlanned(msgspec.Struct, frozen=True, array_like=True, tag="S"):
    """A person said what `session` is to count: `items` of `area`, or with None all there is, known or not yet.

    `shelves` are those to be gone to, all of the area if there are none. `blind`: who counts is not shown what the
    books expect. `closed`: nobody else is in the area meanwhile, and nothing in trolleys or hands. `two_passes`: every
    shelf is counted by two people. Of two plans of a session the later one in the journal holds.
    """

    at_us: int
    session: str
    area: str
    items: tuple[str, ...] | None
    shelves: tuple[str, ...]
    blind: bool
    closed: bool
    two_passes: bool
    author: str
    note: str
    key: str = ""


class CountRuled(msgspec.Struct, frozen=True, array_like=True, tag="U"):
    """A person ruled on what a session found of `item`, or with None of all items.

    `pass_` None: of all passes. With `target` ("station/epoch/seq"), void is of that one count, or of that one word
    that a place is counted.
    """

    at_us: int
    session: str
    verdict: CountVerdict
    item: str | None
    pass_: int | None
    target: str | None
    author: str
    note: str
    key: str = ""


CountDecision = CountPlanned | CountRuled
