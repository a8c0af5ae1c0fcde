"""What people decide of places, positions, leads and sources: it holds for entries from a moment on, whenever said.

    ["place given"]      ["P", at_us, place, parent, area, kind, from_us, author, note, key]
    ["home given"]       ["H", at_us, item, place, from_us, to_us, author, note, key]
    ["position given"]   ["Q", at_us, position, station, area, from_us, author, note, key]
    ["leads given"]      ["L", at_us, area, reason, lead_us, lag_us, from_us, author, note, key]
    ["source declared"]  ["O", at_us, place, reason, source, from_us, author, note, key]

Entries of the hub journal, beside those of `protocol.decisions`, where `key` is told of.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from protocol.events import Reason


class PlaceKind(StrEnum):
    """What a place is: an area has books of its own; shelves and pop-ups are parts of one, where goods are looked for.

    A pop-up is a shelf that stands for a while. A spot is a part of an area where nothing is kept: a till, a door. A
    virtual place has books of its own, and nobody can go there: goods on loan, in repair. One that is gone is part of
    its area as before, and nobody is sent there any more.
    """

    AREA = "area"
    SHELF = "shelf"
    POP_UP = "pop-up"
    SPOT = "spot"
    VIRTUAL = "virtual"
    GONE = "gone"


class PlaceGiven(msgspec.Struct, frozen=True, array_like=True, tag="P"):
    """From `from_us` (UTC) on, until a later word, `place` is such a place, and what happens there is of `area`.

    `parent` is the place it is a part of, "" for none. Of two words from the same moment on, the later one in the
    journal holds.
    """

    at_us: int
    place: str
    parent: str
    area: str
    kind: PlaceKind
    from_us: int
    author: str
    note: str
    key: str = ""


class HomeGiven(msgspec.Struct, frozen=True, array_like=True, tag="H"):
    """A shelf holds an item from `from_us` until before `to_us` (UTC; None: until a later word).

    Of two words on one item, place and `from_us`, the later one in the journal holds: it may end the other, or, ending
    it where it begins, take it back.
    """

    at_us: int
    item: str
    place: str
    from_us: int
    to_us: int | None
    author: str
    note: str
    key: str = ""


class LeadsGiven(msgspec.Struct, frozen=True, array_like=True, tag="L"):
    """From `from_us` (UTC) on goods may have left up to `lead_us` before their scan, or come back `lag_us` after it.

    So it is for movements of a reason in `area` ("": in all areas that have no word of their own). Of two words from
    the same moment on, the later one in the journal holds.
    """

    at_us: int
    area: str
    reason: Reason
    lead_us: int
    lag_us: int
    from_us: int
    author: str
    note: str
    key: str = ""


class Source(StrEnum):
    """What tells that stock moved: a scan, till software, a gate that tags cross, a reader that tags are put on."""

    SCANNER = "scanner"
    TILL = "till"
    PORTAL = "portal"
    READER = "reader"


class DeclaredFor(StrEnum):
    """What a source can be declared for: reasons of `protocol.reasons.Reason`."""

    SALE = "sale"
    RECEIPT = "receipt"
    TRANSFER = "transfer"


class SourceDeclared(msgspec.Struct, frozen=True, array_like=True, tag="O"):
    """From `from_us` (UTC) on, until a later word, `source` alone says what moves at `place` for `reason`.

    What others say there is evidence. Of two words from the same moment on, the later one in the journal holds.
    """

    at_us: int
    place: str
    reason: DeclaredFor
    source: Source
    from_us: int
    author: str
    note: str
    key: str = ""


class PositionGiven(msgspec.Struct, frozen=True, array_like=True, tag="Q"):
    """From `from_us` (UTC) on `station` stands at `position`, in `area`; None: no station does.

    Of two words from the same moment on, the later one in the journal holds.
    """

    at_us: int
    position: str
    station: str | None
    area: str
    from_us: int
    author: str
    note: str
    key: str = ""


FloorWord = PlaceGiven | HomeGiven
"""What says how the shop floor is laid out."""

DatedWord = FloorWord | LeadsGiven | PositionGiven
"""What says how entries from a moment on are to be read."""
