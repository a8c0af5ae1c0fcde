"""What a stored line means to the books: its time, its item, and the ledger entry it makes. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
import msgspec.structs

from hub.ledger import entries as ledger
from hub.ledger.entries import Scope
from hub.ledger.timefit import Timed
from hub.store.entry_bounds import MAX_BOOKED_MILLI, MAX_WORD
from protocol.catalogue import WHOLE_MILLI, CodeLink
from protocol.configured import StationConfigured
from protocol.count_decisions import CountPlanned, CountRuled
from protocol.dated_words import HomeGiven, LeadsGiven, PlaceGiven, PositionGiven, SourceDeclared
from protocol.decisions import (
    Adjustment,
    BasketEnded,
    Dismissed,
    HeldWord,
    JournalEntry,
    Released,
    ReservationSaid,
    SafetyGiven,
    TransferSaid,
    Void,
)
from protocol.draining import DrainOpened, DrainTaken
from protocol.errors import BadInput
from protocol.events import (
    Anchor,
    BasketClosed,
    BasketLine,
    BasketOpened,
    Count,
    CountReading,
    Delta,
    LineTakenOut,
    Mark,
    Reason,
    Rejection,
    Restored,
    Reversal,
    ShelfCounted,
    StationEntry,
    Suppressed,
    Sweep,
    TagChange,
    Weighing,
    When,
)
from protocol.hq_decisions import ConflictAnswered, FieldWritten, StatementCompared
from protocol.identity import EntryId, Epoch, ItemId, PlaceId
from protocol.identity_words import Certified, Ended, HandedOver, Invited
from protocol.period_words import Corrected, Finality
from protocol.releases import ReleaseSaid
from protocol.service_tokens import TokenSaid

NO_ITEM: Final = ItemId("")
"""The item of entries whose code means nothing yet. They keep books of their own under (`NO_ITEM`, code), so that an
undo finds them, and move to the item's when a link for the code comes."""
ASIDE: Final = "\x1f"
"""What the area begins with, in books of `NO_ITEM`, of entries whose item is known and whose books they are not in.

No code holds this character.
"""
_MINUTE_US: Final = 60_000_000
LEAD_LAG_US: Final[dict[Reason, tuple[int, int]]] = {
    Reason.SALE: (30 * _MINUTE_US, 0),
    Reason.RECEIPT: (240 * _MINUTE_US, 0),
    Reason.RETURN: (0, 30 * _MINUTE_US),
    Reason.WASTE: (30 * _MINUTE_US, 0),
}
"""How long before its scan goods may have left the shelf, and how long after it they may come back, unless somebody
said otherwise (`hub.store.leads`)."""

NO_LEAD_LAG_US: Final = (0, 0)

LinkAt = Callable[[str, str | None, int], tuple[str, CodeLink | None]]
"""(code, symbology identifier, UTC) -> (the catalogue's key of the code, the link in force then or None).
Raises `BadInput` for a code that is none."""
ScopeOf = Callable[[str, str, int], Scope]
"""(place, item, UTC) -> the scope of the item in the area the place is of then."""
LeadsOf = Callable[[Scope, Reason, int], tuple[int, int]]
"""(scope, reason, UTC) -> how long before its scan goods may have left, how long after it they may come back."""
Meant = Callable[[Epoch, EntryId], EntryId]
"""(the epoch of the line that speaks, the entry it names by an earlier epoch) -> the entry it means."""


class Read(msgspec.Struct, frozen=True, gc=False):
    """A line read: the entry it makes, and the catalogue's key of its code (None: it named none)."""

    entry: ledger.Entry
    code: str | None

    @property
    def known(self) -> bool:
        """Whether nothing is missing to know where it belongs: its code means an item, or it is kept aside."""
        entry = self.entry
        return isinstance(entry, ledger.Reversal) or entry.scope.item != NO_ITEM or entry.scope.area.startswith(ASIDE)

    def refitted(self) -> Read:
        """The same as a later reading, which replaces the one before in the books."""
        return Read(msgspec.structs.replace(self.entry, fit=self.entry.fit + 1), self.code)

    def moved_to(self, timed: Timed) -> Read:
        """The same at another time."""
        entry = msgspec.structs.replace(self.entry, t_us=timed.t_us, err_us=timed.err_us)
        if isinstance(entry, ledger.Count):
            entry = msgspec.structs.replace(entry, span_us=entry.span_us + timed.t_us - self.entry.t_us)
        return Read(entry, self.code)


def when_of(event: StationEntry | JournalEntry) -> When | int | None:
    """Say when an entry that takes part in the books happened: by a station's clock, or UTC; None for all others."""
    match event:
        case Delta() | Count() | Reversal():
            return event.when
        case Adjustment() | Void():
            return event.at_us
        case CountReading() | Suppressed() | Restored() | Anchor() | Mark() | Rejection() | Weighing() | TagChange():
            return None
        case ShelfCounted() | Sweep() | TransferSaid():
            return None
        case BasketOpened() | BasketLine() | LineTakenOut() | BasketClosed():
            return None
        case PlaceGiven() | HomeGiven() | LeadsGiven() | Released() | Dismissed() | Finality() | Corrected():
            return None
        case CountPlanned() | CountRuled() | SourceDeclared() | PositionGiven():
            return None
        case Invited() | Certified() | Ended() | HandedOver() | DrainOpened() | DrainTaken() | StationConfigured():
            return None
        case ReleaseSaid() | TokenSaid():
            return None
        case StatementCompared() | ConflictAnswered() | FieldWritten():
            return None
        case ReservationSaid() | SafetyGiven() | BasketEnded():
            return None


def read_line(
    event: StationEntry | JournalEntry,
    identity: EntryId,
    timed: Timed,
    link_at: LinkAt,
    scope_of: ScopeOf,
    leads_of: LeadsOf,
    meant: Meant,
    fit: int,
) -> Read | None:
    """Make the ledger's entry of a checked one; None if it moves nothing. `fit` numbers this reading of the line.

    `meant` says which entry it takes back by the name of an earlier epoch.

    Raises `BadInput`: the code's own names ("check-digit", …), "bad-epoch", "bad-entry-id".
    """
    t_us, err_us = timed.t_us, timed.err_us
    match event:
        case Delta():
            scope, qty_milli, code = _placed(event, event.aim, t_us, link_at, scope_of)
            leads = leads_of(scope, event.reason, t_us)
            return delta_of(event, identity, timed, scope, qty_milli, code, leads, fit)
        case Count():
            scope, qty_milli, code = _placed(event, event.aim, t_us, link_at, scope_of)
            span_us = t_us - max(0, event.when.up_us - event.from_up_us)
            return Read(ledger.Count(identity, scope, qty_milli, span_us, t_us, err_us, event.session, fit), code)
        case Reversal():
            epoch = Epoch.parse(event.epoch)
            reverses = EntryId(identity.station, epoch, event.seq)
            if epoch != identity.epoch:
                reverses = meant(identity.epoch, reverses)
            return Read(ledger.Reversal(identity, reverses, t_us, err_us, None, fit), None)
        case Adjustment():
            scope = Scope(ItemId(event.item), PlaceId(event.area))
            return Read(
                ledger.Delta(identity, scope, event.qty_milli, event.reason, t_us, err_us, 0, 0, event.document, fit),
                None,
            )
        case Void():
            return Read(ledger.Reversal(identity, EntryId.parse(event.target), t_us, err_us, None, fit), None)
        case CountReading() | Suppressed() | Restored() | Anchor() | Mark() | Rejection() | Weighing() | TagChange():
            return None
        case ShelfCounted() | Sweep() | TransferSaid():
            return None
        case BasketOpened() | BasketLine() | LineTakenOut() | BasketClosed():
            return None
        case PlaceGiven() | HomeGiven() | LeadsGiven() | Released() | Dismissed() | Finality() | Corrected():
            return None
        case CountPlanned() | CountRuled() | SourceDeclared() | PositionGiven():
            return None
        case Invited() | Certified() | Ended() | HandedOver() | DrainOpened() | DrainTaken() | StationConfigured():
            return None
        case ReleaseSaid() | TokenSaid():
            return None
        case StatementCompared() | ConflictAnswered() | FieldWritten():
            return None
        case ReservationSaid() | SafetyGiven() | BasketEnded():
            return None


def as_said(
    event: StationEntry | JournalEntry, word: HeldWord, link_at: LinkAt
) -> tuple[StationEntry | JournalEntry, LinkAt]:
    """Give an entry and what its code means as a person has said it.

    The code of what is dismissed means nothing. An undo is left as it is: what it takes back may come after all.
    """
    if isinstance(word, Released) and word.qty_milli is not None and isinstance(event, Delta | Count):
        event = msgspec.structs.replace(event, qty_milli=word.qty_milli)
    item = word.item if isinstance(word, Released) else None
    if isinstance(word, Released) and item is None:
        return event, link_at

    def said(code: str, aim: str | None, at_us: int) -> tuple[str, CodeLink | None]:
        try:
            key = link_at(code, aim, at_us)[0]
        except BadInput:
            # A code that is none: what was scanned stands for it.
            key = code[:MAX_WORD]
        return key, None if item is None else CodeLink(key, item)

    return event, said


def delta_of(
    event: Delta,
    identity: EntryId,
    timed: Timed,
    scope: Scope,
    qty_milli: int,
    code: str,
    leads: tuple[int, int],
    fit: int,
) -> Read:
    """Make the ledger's entry of a movement whose books, quantity, lead and lag are known."""
    lead_us, lag_us = leads
    return Read(
        ledger.Delta(
            identity, scope, qty_milli, event.reason, timed.t_us, timed.err_us, lead_us, lag_us, event.document, fit
        ),
        code,
    )


def _placed(
    event: Delta | Count, aim: str | None, t_us: int, link_at: LinkAt, scope_of: ScopeOf
) -> tuple[Scope, int, str]:
    """Find the books and the quantity of the item, or the books of the code while it means none."""
    code, link = link_at(event.code, aim, t_us)
    if link is not None:
        qty_milli = packed(event.qty_milli, link.factor_milli)
        if -MAX_BOOKED_MILLI <= qty_milli <= MAX_BOOKED_MILLI:
            return scope_of(event.place, link.item, t_us), qty_milli, code
    return Scope(NO_ITEM, PlaceId(code)), event.qty_milli, code


def packed(qty_milli: int, factor_milli: int) -> int:
    """Turn a quantity of a code into one of its item; half a milli-unit is rounded away from zero."""
    if factor_milli == WHOLE_MILLI:
        return qty_milli
    product = qty_milli * factor_milli
    rounded = (2 * abs(product) + WHOLE_MILLI) // (2 * WHOLE_MILLI)
    return rounded if product >= 0 else -rounded
