"""The entries of the hub journal, what persons and rules at the hub decide: typed values and their stored lines.

A line is one compact JSON array as in `protocol.events`, its first element the kind:

    ["adjustment"]       ["j", at_us, item, area, qty_milli, reason, document, author, note, key]
    ["void"]             ["v", at_us, target, author, note]
    ["transfer said"]    ["T", at_us, document, step, from_store, from_area, to_store, to_area, lines, author, note]
    ["released"]         ["R", at_us, target, item, qty_milli, author, note, key]
    ["dismissed"]        ["D", at_us, target, author, note, key]
    ["reservation said"] ["B", at_us, document, step, item, area, qty_milli, until_us, author, note, key]
    ["safety given"]     ["Y", at_us, item, area, qty_milli, from_us, author, note, key]
    ["basket ended"]     ["Z", at_us, basket, fate, author, note, key]
    and how entries from a moment on are to be read: `protocol.dated_words`; closed periods: `protocol.period_words`;
    counts: `protocol.count_decisions`; head office's word: `protocol.hq_decisions`; who may be a station of the store:
    `protocol.identity_words`, `protocol.draining`; stations' settings: `protocol.configured`; updates of machines:
    `protocol.releases`; tokens of services: `protocol.service_tokens`

    lines = [[item, qty_milli], ...]

`key` is the one it was asked for under, once only ("": without one). What says how the books are to be read moves
nothing by itself; it holds for entries from a moment on, whichever arrived first, so that the books are a function of
what was decided and not of when. Fields are only ever added at the end, so a reader ignores what it does not know.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from protocol.configured import StationConfigured
from protocol.count_decisions import CountDecision
from protocol.dated_words import DatedWord, SourceDeclared
from protocol.errors import BadInput
from protocol.events import Reason
from protocol.hq_decisions import HqDecision
from protocol.identity_words import IdentityWord
from protocol.period_words import PeriodWord
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
