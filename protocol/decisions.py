"""What people decide about how the books are to be read: entries of the hub journal that move nothing by themselves.

    ["place given"]      ["P", at_us, place, parent, area, kind, from_us, author, note, key]
    ["home given"]       ["H", at_us, item, place, from_us, to_us, author, note, key]

Each holds for entries from a moment on, whichever arrived first; so the books are a function of what was decided, and
not of when. `key` is the one it was asked for under, once only ("": without one). Fields are only ever added at the
end. The other entries of the journal are in `protocol.events`.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


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


FloorWord = PlaceGiven | HomeGiven
"""What says how the shop floor is laid out."""
