"""The entries of the hub journal, what persons and rules at the hub decide: typed values and their stored lines.

A line is one compact JSON array as in `protocol.events`, its first element the kind:

    ["adjustment"]       ["j", at_us, item, area, qty_milli, reason, document, author, note, key]
    ["void"]             ["v", at_us, target, author, note]
    ["transfer said"]    ["T", at_us, document, step, from_store, from_area, to_store, to_area, lines, author, note]

    lines = [[item, qty_milli], ...]

Fields are only ever added at the end, so a reader ignores what it does not know.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from protocol.errors import BadInput
from protocol.events import Reason


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


JournalEntry = Adjustment | Void | TransferSaid

_decode = msgspec.json.Decoder(JournalEntry).decode


def decode_journal_entry(line: bytes) -> JournalEntry:
    """Read a line of the hub journal. Raises `BadInput` ("bad-entry")."""
    try:
        entry: JournalEntry = _decode(line)
        return entry
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput("bad-entry", str(error)[:300]) from error
