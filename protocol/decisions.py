"""The entries of the hub journal, what persons and rules at the hub decide: typed values and their stored lines.

A line is one compact JSON array as in `protocol.events`, its first element the kind:

    ["adjustment"]       ["j", at_us, item, area, qty_milli, reason, document, author, note, key]
    ["void"]             ["v", at_us, target, author, note]
    ["transfer said"]    ["T", at_us, document, step, from_store, from_area, to_store, to_area, lines, author, note]
    ["place given"]      ["P", at_us, place, parent, area, kind, from_us, author, note, key]
    ["home given"]       ["H", at_us, item, place, from_us, to_us, author, note, key]
    ["released"]         ["R", at_us, target, item, qty_milli, author, note, key]
    ["dismissed"]        ["D", at_us, target, author, note, key]
    ["finality"]         ["F", at_us, until_us, part, parts, heads, excluded, rows, author, note, key]
    ["corrected"]        ["K", at_us, until_us, rows, author, note]
    ["position given"]   ["Q", at_us, position, station, area, from_us, author, note, key]
    ["leads given"]      ["L", at_us, area, reason, lead_us, lag_us, from_us, author, note, key]
    ["source declared"]  ["O", at_us, place, reason, source, from_us, author, note, key]
    ["reservation said"] ["B", at_us, document, step, item, area, qty_milli, until_us, author, note, key]
    ["safety given"]     ["Y", at_us, item, area, qty_milli, from_us, author, note, key]
    ["basket ended"]     ["Z", at_us, basket, fate, author, note, key]
    about counts: `protocol.count_decisions`; about who may be a station of the store: `protocol.identity_words`,
    `protocol.draining`
    about head office's word: `protocol.hq_decisions`; about updates of machines: `protocol.releases`

    lines = [[item, qty_milli], ...]

`key` is the one it was asked for under, once only ("": without one). What says how the books are to be read moves
nothing by itself; it holds for entries from a moment on, whichever arrived first, so that the books are a function of
what was decided and not of when. Fields are only ever added at the end, so a reader ignores what it does not know.

Long, but one list of the kinds that the journal knows.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from protocol.configured import StationConfigured
from protocol.count_decisions import CountDecision
from protocol.errors import BadInput
from protocol.events import Reason
from protocol.hq_decisions import HqDecision
from protocol.identity_words import IdentityWord
from protocol.releases import ReleaseSaid
from protocol.service_tokens import TokenSaid


class Adjustment(msgspec.Struct, frozen=True, array_like=True, tag="j"):
    """A person or rule at the hub moved stock in the books; asked for under a `key`, once only ("": without one)."""

    at_us: int
    item: str
    area: str
    qty_milli: int
    reason: Reason
    document: str | None
    author: str
    note: str
    key: str = ""


class Void(msgspec.Struct, frozen=True, array_like=True, tag="v"):
    """A person at the hub took back the entry `target` ("station/epoch/seq")."""

    at_us: int
    target: str
    author: str
    note: str


class TransferLine(msgspec.Struct, frozen=True, array_like=True):
    """So much of an item that is to go."""

    item: str
    qty_milli: int


class TransferStep(StrEnum):
    """What is said of a transfer of goods; each step once, in this order."""

    DRAFT = "draft"
    APPROVE = "approve"
    CLOSE = "close"


class TransferSaid(msgspec.Struct, frozen=True, array_like=True, tag="T"):
    """A person at the hub drafted, approved or closed the transfer `document`.

    From and to are a store and an area of it each ("" for an area that the other store is to say). `lines` are what is
    meant to go; those of the approval count, and a close has none. Closed, nothing more is expected: what was shipped
    and not received is then shrink of this document.
    """

    at_us: int
    document: str
    step: TransferStep
    from_store: str
    from_area: str
    to_store: str
    to_area: str
    lines: tuple[TransferLine, ...]
    author: str
    note: str


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


class ReservationStep(StrEnum):
    """What is said of a reservation; the last word on a document, an item and an area holds."""

    RESERVE = "reserve"
    FULFIL = "fulfil"
    RELEASE = "release"


class ReservationSaid(msgspec.Struct, frozen=True, array_like=True, tag="B"):
    """Of `item` in `area`, `qty_milli` are kept for `document`, until before `until_us` (UTC; None: for good).

    `document` names one order. What is sold under it, before this was said or after, is taken off. Fulfilled, handed
    over without a sale that names the document, or released, nothing is kept for it any more, and `qty_milli` is 0.
    """

    at_us: int
    document: str
    step: ReservationStep
    item: str
    area: str
    qty_milli: int
    until_us: int | None
    author: str
    note: str
    key: str = ""


class SafetyGiven(msgspec.Struct, frozen=True, array_like=True, tag="Y"):
    """From `from_us` (UTC) on, `qty_milli` of `item` in `area` are promised to nobody (0: all may be).

    `area` "": in each area that has no word of its own. Of two words from the same moment on, the later one in the
    journal holds.
    """

    at_us: int
    item: str
    area: str
    qty_milli: int
    from_us: int
    author: str
    note: str
    key: str = ""


PromiseWord = ReservationSaid | SafetyGiven
"""What says how much of the stock is not to be promised to others."""

FloorWord = PlaceGiven | HomeGiven
"""What says how the shop floor is laid out."""


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


DatedWord = FloorWord | LeadsGiven | PositionGiven
"""What says how entries from a moment on are to be read."""


class Released(msgspec.Struct, frozen=True, array_like=True, tag="R"):
    """A person looked at the entry `target` ("station/epoch/seq") that is held back: it is to be read again.

    If an `item` is named, it is of that, whatever its code means; `qty_milli` of it, or as many as it says (None).
    """

    at_us: int
    target: str
    item: str | None
    qty_milli: int | None
    author: str
    note: str
    key: str = ""


class Dismissed(msgspec.Struct, frozen=True, array_like=True, tag="D"):
    """A person looked at the entry `target` that is held back: it is to have no effect, until a later word.

    An undo is only shown no more: should what it takes back come after all, it is taken back.
    """

    at_us: int
    target: str
    author: str
    note: str
    key: str = ""


HeldWord = Released | Dismissed
"""What is said of entries that are held back; of two on one entry the later one holds."""


class BasketFate(StrEnum):
    """What became of the goods of a basket that its station did not close.

    `sold`: paid for. `returned`: on their shelves again. `unknown`: written off, and perhaps they are there.
    """

    SOLD = "sold"
    RETURNED = "returned"
    UNKNOWN = "unknown"


class BasketEnded(msgspec.Struct, frozen=True, array_like=True, tag="Z"):
    """A person ended the basket that was opened by the entry `basket` ("station/epoch/seq"), its station being lost.

    It holds of all that is in it, also of what is heard of it later, as long as the station itself has not closed it:
    how that ended it is what became of it. Of two words on one basket the later one in the journal holds.
    """

    at_us: int
    basket: str
    fate: BasketFate
    author: str
    note: str
    key: str = ""


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

JournalEntry = (
    Adjustment
    | Void
    | TransferSaid
    | SourceDeclared
    | DatedWord
    | HeldWord
    | PeriodWord
    | PromiseWord
    | BasketEnded
    | CountDecision
    | StationConfigured
    | ReleaseSaid
    | TokenSaid
    | HqDecision
    | IdentityWord
)

_decode = msgspec.json.Decoder(JournalEntry).decode


def decode_journal_entry(line: bytes) -> JournalEntry:
    """Read a line of the hub journal. Raises `BadInput` ("bad-entry")."""
    try:
        entry: JournalEntry = _decode(line)
        return entry
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput("bad-entry", str(error)[:300]) from error
