"""What is decided about head office's word: entries of the hub journal, beside those of `protocol.decisions`.

    ["statement compared"]  ["E", at_us, document, part, epoch, seq, items, rows, author, note]
    ["conflict answered"]   ["W", at_us, document, item, area, answer, author, note, key]
    ["field written"]       ["M", at_us, item, area, field, milli, place, document, author, note, key]

    rows = [[item, area, hq_milli, ours_milli, pending_milli], ...]

What a statement comes to is written down once, since it depends on what had been told by then and not on what is known
now. Likewise that the store took a field of head office's: so the order in which writers came is the journal's.
Fields are only ever added at the end.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class ComparedRow(msgspec.Struct, frozen=True, array_like=True):
    """An item and area of which head office says something else than the store feed had told by then.

    `pending_milli` was posted for an earlier statement that was accepted, and had not been told by then.
    """

    item: str
    area: str
    hq_milli: int
    ours_milli: int
    pending_milli: int = 0


class StatementCompared(msgspec.Struct, frozen=True, array_like=True, tag="E"):
    """The hub held a part of a stock statement, of so many `items`, against its own figures at entry `seq` of `epoch`.

    `rows` are those that differ. Where they are too many for one entry there are several, written together.
    """

    at_us: int
    document: str
    part: int
    epoch: str
    seq: int
    items: int
    rows: tuple[ComparedRow, ...]
    author: str
    note: str


class ConflictAnswer(StrEnum):
    """What a person says to a figure of head office's that is not the store's.

    `accept-hq`: head office is right, the difference is posted. `keep-store`: the store is right. `recount`: somebody
    is to count; either of the others may still follow.
    """

    ACCEPT_HQ = "accept-hq"
    KEEP_STORE = "keep-store"
    RECOUNT = "recount"


class ConflictAnswered(msgspec.Struct, frozen=True, array_like=True, tag="W"):
    """A person answered the conflict about an item and area of a statement.

    What is posted for an accepted one is an adjustment of its own, the entry after this one.
    """

    at_us: int
    document: str
    item: str
    area: str
    answer: ConflictAnswer
    author: str
    note: str
    key: str = ""


class OwnField(StrEnum):
    """A field of an item in an area that the store owns: where it stands, and how much of it is to be there."""

    SHELF = "shelf"
    MIN = "min"
    MAX = "max"


class FieldWritten(msgspec.Struct, frozen=True, array_like=True, tag="M"):
    """From now on a field is so: `milli` of a bound (None: none), `place` of a shelf ("": none).

    Of all words on a field the last one in the journal holds. `document` names head office's, "" if it is the store's
    own word. What it means for where the item is at home is said beside it by entries of their own (`HomeGiven`).
    """

    at_us: int
    item: str
    area: str
    field: OwnField
    milli: int | None
    place: str
    document: str
    author: str
    note: str
    key: str = ""


HqDecision = StatementCompared | ConflictAnswered | FieldWritten
