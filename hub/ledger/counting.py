"""What a count session is made of: readings, shelves counted, a plan, rulings; and what it comes to."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from hashlib import blake2b
from typing import Final, Protocol

import msgspec

from hub.ledger.entries import Count, Scope
from protocol.identity import EntryId, Epoch, ItemId, PlaceId, StationId

COUNTS_STATION: Final = StationId("counts")
"""The station of entries that no log holds: they follow from a session, and their ids from its name."""
UNKNOWN_ITEM: Final = ItemId("")
"""The item of a part whose code means nothing yet."""
_SEQS: Final = 2**59
"""How many seqs they are spread over: `EntryId.parse` takes 18 digits."""


def session_entry(session: str, scope: Scope) -> EntryId:
    """Name the one count a session makes of a scope, whatever came first and whoever computes it.

    Two scopes of a session share an id once in 2**59; whoever files these counts has to refuse that.
    """
    nonce = int.from_bytes(blake2b(session.encode(), digest_size=8).digest(), "big")
    words = f"{len(scope.item)}:{scope.item}{scope.area}".encode()
    seq = 1 + int.from_bytes(blake2b(words, digest_size=8).digest(), "big") % _SEQS
    return EntryId(COUNTS_STATION, Epoch(1, nonce), seq)


class Part(msgspec.Struct, frozen=True, gc=False):
    """What was found of an item at a place in one pass: a station's `Count` of it, or what a sweep saw of it.

    Read from `from_us` to `to_us`, UTC, both true to ± `err_us`. `person` is "" if nobody said who. A sweep has
    `soft_hi_milli`: it saw `qty_milli`, and no more than `soft_hi_milli` can have been there. While the code means
    nothing the part is of `UNKNOWN_ITEM`, and in no count; but then nobody can say what is not there.
    """

    entry: EntryId
    session: str
    item: ItemId
    place: PlaceId
    qty_milli: int
    from_us: int
    to_us: int
    err_us: int = 0
    pass_: int = 1
    person: str = ""
    soft_hi_milli: int | None = None


class Goods(StrEnum):
    """Which goods: all, those that have no RFID tags, or those of which every piece has one."""

    ALL = "all"
    UNTAGGED = "untagged"
    TAGGED = "tagged"


class ShelfDone(msgspec.Struct, frozen=True, gc=False):
    """All there is at a place was counted in this pass, also where nothing was: so a person said, or it was swept.

    A person beside whom a reader worked left to it what has tags, and speaks of the other `goods` alone.
    """

    entry: EntryId
    session: str
    place: PlaceId
    from_us: int
    to_us: int
    err_us: int = 0
    pass_: int = 1
    person: str = ""
    goods: Goods = Goods.ALL

    def looked_for(self, is_tagged: bool) -> bool:
        """Whether an item, of which every piece has a tag or not, would have been counted had it been there."""
        return self.goods is Goods.ALL or (self.goods is Goods.TAGGED) == is_tagged


class Plan(msgspec.Struct, frozen=True):
    """What a session is to count: `items` of an area, or with None all that is there, known or not yet.

    Made at `at_us`, UTC. `shelves` are those to be gone to; empty: all of the area. `two_passes`: every shelf by two
    people. `blind`: nobody who counts is shown what the books expect. `closed`: nobody else is in the area, and nothing
    in trolleys or hands.
    """

    session: str
    area: PlaceId
    at_us: int
    items: frozenset[ItemId] | None = None
    shelves: frozenset[PlaceId] = frozenset()
    blind: bool = False
    closed: bool = False
    two_passes: bool = False


class Verdict(StrEnum):
    """What a person rules on a session's result."""

    ACCEPT = "accept"
    REJECT = "reject"
    VOID = "void"


class Ruling(msgspec.Struct, frozen=True, gc=False):
    """A decision on what a session found; of an `item`, or with None of all of them. `entry` is the decision's own.

    Accept: it is right; if a `pass_` is named, that one. Reject: the pass named, or with None all of it, is not to be
    used. Of these two the later one counts, by the order of `entry`. Void: it never was, and nothing brings it back;
    with `target`, that one part or shelf only.
    """

    entry: EntryId
    verdict: Verdict
    session: str
    item: ItemId | None = None
    pass_: int | None = None
    target: EntryId | None = None


class Floor(Protocol):
    """Where goods have their places in the store, at a moment in UTC."""

    def area(self, place: PlaceId, at_us: int) -> PlaceId:
        """The area whose books a place belongs to."""
        ...

    def shelves(self, area: PlaceId, at_us: int) -> frozenset[PlaceId]:
        """The shelves declared in an area; none while the area is one place to its people."""
        ...

    def homes(self, item: ItemId, area: PlaceId, at_us: int) -> frozenset[PlaceId]:
        """The shelves of the area that hold the item, as far as anybody said."""
        ...

    def is_tagged(self, item: ItemId, at_us: int) -> bool:
        """Whether every piece of the item has an RFID tag."""
        ...


class PassResult(msgspec.Struct, frozen=True):
    """What one pass found at a shelf, and who went."""

    pass_: int
    qty_milli: int
    persons: frozenset[str]


class ShelfResult(msgspec.Struct, frozen=True):
    """What the passes found at a shelf, in their order, and the pass that counts."""

    place: PlaceId
    counts: int
    passes: tuple[PassResult, ...]


class Result(msgspec.Struct, frozen=True):
    """A session's count of a scope, and how it came about. `settled`: a person accepted it."""

    count: Count
    shelves: tuple[ShelfResult, ...]
    settled: bool


class Complete(msgspec.Struct, frozen=True):
    """An area was counted completely: there was nothing of any item but those in `spoken_for`.

    These were seen, or a person ruled on them; the session's own counts speak of them, if any does. `goods` are all,
    or untagged ones where not every shelf was swept that a reader worked at.
    """

    session: str
    area: PlaceId
    span_us: int
    t_us: int
    err_us: int
    closed: bool
    spoken_for: frozenset[ItemId]
    goods: Goods

    def zero(self, scope: Scope, floor: Floor) -> Count | None:
        """Give the count of nothing for a scope, also one first heard of long after; None if it says nothing of it."""
        if scope.area != self.area or scope.item in self.spoken_for:
            return None
        if self.goods is Goods.UNTAGGED and floor.is_tagged(scope.item, self.t_us):
            return None
        identity = session_entry(self.session, scope)
        return Count(
            identity, scope, 0, self.span_us, self.t_us, self.err_us, document=self.session, closed=self.closed
        )


class Composed(msgspec.Struct, frozen=True):
    """All that follows from a session.

    `entries` are counts for the fold, by id, all of fit 0: one for each station's count, which stands only if it is
    a count of the whole area by itself, and one for each scope the session covers. `results` say how the latter came
    about. `open` are scopes that something was found of, or that were to be counted, with the shelves still to go to:
    none where goods of unknown codes have to be looked at first, or nobody has been anywhere yet.
    """

    entries: Mapping[EntryId, Count]
    results: Mapping[Scope, Result]
    open: Mapping[Scope, frozenset[PlaceId]]
    complete: Complete | None
