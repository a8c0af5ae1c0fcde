"""What the store feed tells beside the books: how far a transfer is, and what became of a figure of head office's.

Each states the whole of one transfer or conflict as it stands now, like any entry of the feed (`protocol.feed`): a
reader keeps, of each `entry`, what the greatest `revision` said. Neither moves stock; what moves is told as movements.

    {"type": "shelfwire.transfer", …, "data": {"entry": "transfer/TR-17", "revision": …, "part": 1, "parts": 1,
        "document": "TR-17", "phase": "receiving", …, "rows": [[item, planned, shipped, received, settled], …]}}
    {"type": "shelfwire.conflict", …, "data": {"entry": "conflict/ST-7/milk-1l/store", "revision": …,
        "standing": "open", "hq_milli": 70000, "ours_milli": 60000, …}}
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from protocol.hq_decisions import ConflictAnswer


class Phase(StrEnum):
    """How far a transfer is."""

    DRAFT = "draft"
    APPROVED = "approved"
    SHIPPED = "shipped"
    """Goods have left, and none has arrived."""
    RECEIVING = "receiving"
    """Some have arrived, and some are in transit."""
    RECEIVED = "received"
    """What was shipped has arrived, whatever was approved."""
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    """The store was put back to a moment before anything was said of it, and knows of it no more."""


class Standing(StrEnum):
    """How a conflict stands; the first two want somebody."""

    OPEN = "open"
    COUNTING = "counting"
    COUNTED = "counted"
    ACCEPTED = "accepted"
    KEPT = "kept"
    SUPERSEDED = "superseded"


class TransferRow(msgspec.Struct, frozen=True, array_like=True):
    """An item of a transfer, both ends together, in milli-units; `settled_milli` is what decisions took out of transit.

    What was shipped and not received is the discrepancy of a transfer that is closed.
    """

    item: str
    planned_milli: int
    shipped_milli: int
    received_milli: int
    settled_milli: int


class TransferTold(msgspec.Struct, frozen=True, gc=False):
    """A transfer as the store knows it. It goes over `parts` entries of one revision, which share out the `rows`.

    Stores and areas are "" while nobody has said where goods go. Times are UTC, None where nobody took that step.
    """

    entry: str
    revision: int
    part: int
    parts: int
    document: str
    phase: Phase
    from_store: str
    from_area: str
    to_store: str
    to_area: str
    drafted_us: int | None
    approved_us: int | None
    closed_us: int | None
    rows: tuple[TransferRow, ...]


class ConflictTold(msgspec.Struct, frozen=True, gc=False):
    """A figure of head office's statement `document` that is not what the feed had told by entry `seq` of `epoch`.

    `pending_milli` was posted for an earlier statement and not told by then: what differs is hq - ours - pending.
    `answer` is the last one, by `author` at `answered_us` (UTC); None while there is none.
    """

    entry: str
    revision: int
    standing: Standing
    document: str
    item: str
    area: str
    epoch: str
    seq: int
    hq_milli: int
    ours_milli: int
    pending_milli: int
    found_us: int
    answer: ConflictAnswer | None
    answered_us: int | None
    author: str
    note: str


class TransferEntry(msgspec.Struct, frozen=True, tag_field="type", tag="shelfwire.transfer", gc=False):
    """A CloudEvents object that states how far a transfer is."""

    specversion: str
    id: str
    source: str
    time: str
    data: TransferTold


class ConflictEntry(msgspec.Struct, frozen=True, tag_field="type", tag="shelfwire.conflict", gc=False):
    """A CloudEvents object that states what became of a figure of head office's."""

    specversion: str
    id: str
    source: str
    time: str
    data: ConflictTold


class FeedDocuments:
    """Transfers and conflicts as the feed tells them: head office's side, in memory. Any order gives the same."""

    def __init__(self) -> None:
        self._transfers: dict[str, dict[int, TransferTold]] = {}
        self._conflicts: dict[str, ConflictTold] = {}

    def take(self, entry: object) -> None:
        """Take an entry of the feed; all but these two kinds are passed by."""
        if isinstance(entry, ConflictEntry):
            known = self._conflicts.get(entry.data.entry)
            if known is None or known.revision < entry.data.revision:
                self._conflicts[entry.data.entry] = entry.data
        elif isinstance(entry, TransferEntry):
            parts = self._transfers.setdefault(entry.data.entry, {})
            newest = max((each.revision for each in parts.values()), default=0)
            if newest < entry.data.revision:
                parts.clear()
            if newest <= entry.data.revision:
                parts[entry.data.part] = entry.data

    def transfer(self, document: str) -> TransferTold | None:
        """Give a transfer with the rows of all its parts, None while not all of them have come."""
        parts = self._transfers.get(f"transfer/{document}", {})
        if not parts or len(parts) < next(iter(parts.values())).parts:
            return None
        rows = tuple(row for _, part in sorted(parts.items()) for row in part.rows)
        return msgspec.structs.replace(parts[1], rows=rows)

    @property
    def conflicts(self) -> tuple[ConflictTold, ...]:
        """All conflicts, in the order of their names."""
        return tuple(told for _, told in sorted(self._conflicts.items()))
