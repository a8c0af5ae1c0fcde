"""What a stored line means to the books: its time, its item, and the ledger entry it makes. Pure.

Long, for it names every kind of entry three times: when it was, whether it can be, and what it moves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
import msgspec.structs

from hub.ledger import entries as ledger
from hub.ledger.entries import Scope
from hub.ledger.floorplan import OF_THEIR_OWN
from hub.ledger.timefit import Timed
from hub.store.identity_bounds import check_identity_word
from protocol.catalogue import WHOLE_MILLI, CodeLink
from protocol.configured import StationConfigured
from protocol.count_decisions import MAX_ITEMS, MAX_SHELVES, CountPlanned, CountRuled
from protocol.decisions import (
    Adjustment,
    BasketEnded,
    Corrected,
    Dismissed,
    Finality,
    HeldWord,
    HomeGiven,
    JournalEntry,
    LeadsGiven,
    PlaceGiven,
    PositionGiven,
    Released,
    ReservationSaid,
    ReservationStep,
    SafetyGiven,
    SourceDeclared,
    TransferSaid,
    Void,
)
from protocol.draining import DrainOpened, DrainTaken, check_drain_word
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
from protocol.releases import COMPATIBLE, MAX_BUNDLE_BYTES, RELEASE, VERSION, ReleaseSaid
from protocol.service_tokens import TokenSaid, check_token_word

NO_ITEM: Final = ItemId("")
"""The item of entries whose code means nothing yet. They keep books of their own under (`NO_ITEM`, code), so that an
undo finds them, and move to the item's when a link for the code comes."""
ASIDE: Final = "\x1f"
"""What the area begins with, in books of `NO_ITEM`, of entries whose item is known and whose books they are not in.

No code holds this character.
"""
MAX_TIME_US: Final = 2**53
MAX_BOOKED_MILLI: Final = 10**12
"""The most one entry may move: a thousand million pieces. Sums of millions of entries stay within 64 bits."""
MAX_PASS: Final = 9
"""The most times that one session counts a place."""
MAX_WORD: Final = 256
"""The longest boot, device, place, document or session, in characters."""

_MINUTE_US: Final = 60_000_000
LEAD_LAG_US: Final[dict[Reason, tuple[int, int]]] = {
    Reason.SALE: (30 * _MINUTE_US, 0),
    Reason.RECEIPT: (240 * _MINUTE_US, 0),
    Reason.RETURN: (0, 30 * _MINUTE_US),
    Reason.WASTE: (30 * _MINUTE_US, 0),
}
"""How long before its scan goods may have left the shelf, and how long after it they may come back, unless somebody
said otherwise (`hub.store.leads`)."""

MAX_LEAD_US: Final = 7 * 1440 * _MINUTE_US
"""The longest lead or lag: a week."""
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


def check(event: StationEntry | JournalEntry) -> None:
    """Hold an entry to the bounds that the books rely on. Raises `BadInput` ("bad-entry")."""
    match event:
        case Delta():
            # Nearly every entry is one of these: one test for all that is usual, and only then which it was.
            when = event.when
            if (
                0 <= when.up_us <= MAX_TIME_US
                and 0 <= when.wall_us <= MAX_TIME_US
                and -MAX_BOOKED_MILLI <= event.qty_milli <= MAX_BOOKED_MILLI
                and len(when.boot) + len(event.device) + len(event.place) + len(event.session or "") <= MAX_WORD
                and event.document is None
                and event.counter_place is None
            ):
                return
            _check_when(when)
            _check_words(event.device, event.place, event.document, event.session, event.counter_place)
            _check_qty(event.qty_milli)
        case Count():
            _check_when(event.when)
            # Below 0 where the count was begun before the station was restarted.
            _check_time(abs(event.from_up_us))
            _check_words(event.device, event.place, event.session, event.person)
            _check_qty(event.qty_milli)
            if event.qty_milli < 0:
                raise BadInput("bad-entry", f"a count of {event.qty_milli}")
        case Reversal():
            _check_when(event.when)
            if not 0 < event.seq <= MAX_TIME_US:
                raise BadInput("bad-entry", f"a reversal of entry {event.seq}")
        case Anchor():
            for time_us in (event.sent_up_us, event.received_up_us, event.hub_us):
                _check_time(time_us)
            _check_words(event.boot)
        case Mark():
            _check_when(event.when)
        case Adjustment():
            _check_time(event.at_us)
            _check_words(event.item, event.area, event.document)
            _check_qty(event.qty_milli)
            if not event.item or not event.area:
                raise BadInput("bad-entry", "an adjustment of no item or in no area")
        case Void():
            _check_time(event.at_us)
        case TagChange():
            _check_when(event.when)
            _check_time(event.seen_us)
            _check_words(event.device, event.epc, event.zone, event.from_zone)
        case ShelfCounted() | Sweep():
            _check_when(event.when)
            _check_time(abs(event.from_up_us))
            _check_words(event.device, event.place, event.session, event.person)
            if not 1 <= event.pass_ <= MAX_PASS:
                raise BadInput("bad-entry", f"pass {event.pass_} of a count")
            if isinstance(event, Sweep):
                _check_words(*event.epcs)
        case TransferSaid():
            _check_time(event.at_us)
            _check_words(event.document, event.from_store, event.from_area, event.to_store, event.to_area)
            for line in event.lines:
                _check_words(line.item)
                _check_qty(line.qty_milli)
                if line.qty_milli <= 0:
                    raise BadInput("bad-entry", f"{line.qty_milli} of {line.item} to go")
        case PlaceGiven():
            _check_time(event.at_us)
            _check_time(event.from_us)
            _check_words(event.place, event.parent, event.area)
            if not event.place or not event.area or event.parent == event.place:
                raise BadInput("bad-entry", f"place {event.place!r} in {event.parent!r}, area {event.area!r}")
            if event.kind in OF_THEIR_OWN and event.area != event.place:
                raise BadInput("bad-entry", f"{event.place} has books of its own and is of area {event.area}")
        case HomeGiven():
            for time_us in (event.at_us, event.from_us, event.to_us or 0):
                _check_time(time_us)
            _check_words(event.item, event.place)
            if not event.item or not event.place:
                raise BadInput("bad-entry", "a home of no item or at no place")
        case PositionGiven():
            _check_time(event.at_us)
            _check_time(event.from_us)
            _check_words(event.position, event.station, event.area)
        case Finality() | Corrected():
            _check_time(event.at_us)
            _check_time(event.until_us)
            for row in event.rows:
                _check_words(row.item, row.area)
        case Released() | Dismissed():
            _check_time(event.at_us)
            EntryId.parse(event.target)
            if isinstance(event, Released):
                _check_words(event.item)
                _check_qty(event.qty_milli or 0)
        case LeadsGiven():
            _check_time(event.at_us)
            _check_time(event.from_us)
            _check_words(event.area)
            if not (0 <= event.lead_us <= MAX_LEAD_US and 0 <= event.lag_us <= MAX_LEAD_US):
                raise BadInput("bad-entry", f"a lead of {event.lead_us} and a lag of {event.lag_us} µs")
        case CountPlanned():
            _check_time(event.at_us)
            items = event.items or ()
            _check_words(event.session, event.area, *event.shelves, *items)
            if not event.session or not event.area or not all(items) or not all(event.shelves):
                raise BadInput("bad-entry", "a plan of no session, area, item or shelf")
            if len(items) > MAX_ITEMS or len(event.shelves) > MAX_SHELVES or event.items == ():
                raise BadInput("bad-entry", f"a plan of {len(items)} items and {len(event.shelves)} shelves")
        case CountRuled():
            _check_time(event.at_us)
            _check_words(event.session, event.item)
            if event.pass_ is not None and not 1 <= event.pass_ <= MAX_PASS:
                raise BadInput("bad-entry", f"pass {event.pass_} of a count")
            if event.target is not None:
                EntryId.parse(event.target)
        case SourceDeclared():
            _check_time(event.at_us)
            _check_time(event.from_us)
            _check_words(event.place)
            if not event.place:
                raise BadInput("bad-entry", "a source declared at no place")
        case Invited() | Certified() | Ended() | HandedOver():
            _check_time(event.at_us)
            if isinstance(event, Invited):
                _check_time(event.expires_us)
                _check_words(event.position, event.place, event.area, event.mode, event.replaces)
            if isinstance(event, Certified):
                _check_time(event.not_before_us)
                _check_time(event.not_after_us)
            check_identity_word(event)
        case DrainOpened() | DrainTaken():
            _check_time(event.at_us)
            if isinstance(event, DrainOpened):
                _check_time(event.until_us)
            check_drain_word(event)
        case StatementCompared():
            _check_time(event.at_us)
            _check_words(event.document)
            Epoch.parse(event.epoch)
            for each in event.rows:
                _check_words(each.item, each.area)
        case ConflictAnswered():
            _check_time(event.at_us)
            _check_words(event.document, event.item, event.area)
        case FieldWritten():
            _check_time(event.at_us)
            _check_words(event.item, event.area, event.place, event.document)
            if not event.item or not event.area or not 0 <= (event.milli or 0) <= MAX_BOOKED_MILLI:
                raise BadInput("bad-entry", f"{event.field.value} {event.milli} of {event.item!r} in {event.area!r}")
        case ReservationSaid():
            _check_time(event.at_us)
            _check_time(event.until_us or 0)
            _check_words(event.document, event.item, event.area)
            _check_qty(event.qty_milli)
            if not (event.document and event.item and event.area):
                raise BadInput("bad-entry", "a reservation for no document, of no item or in no area")
            if (event.qty_milli > 0) is not (event.step is ReservationStep.RESERVE) or event.qty_milli < 0:
                raise BadInput("bad-entry", f"{event.qty_milli} milli-units of a reservation to {event.step}")
        case SafetyGiven():
            _check_time(event.at_us)
            _check_time(event.from_us)
            _check_words(event.item, event.area)
            _check_qty(event.qty_milli)
            if not event.item or event.qty_milli < 0:
                raise BadInput("bad-entry", f"a safety stock of {event.qty_milli} of {event.item!r}")
        case BasketEnded():
            _check_time(event.at_us)
            EntryId.parse(event.basket)
        case BasketOpened():
            _check_when(event.when)
            _check_words(event.basket, event.place, event.document)
        case BasketLine():
            _check_words(event.basket)
        case LineTakenOut() | BasketClosed():
            _check_when(event.when)
            _check_words(event.basket)
        case StationConfigured():
            _check_time(event.at_us)
            _check_words(event.position)
            if not event.position or not 1 <= event.number <= MAX_TIME_US:
                raise BadInput("bad-entry", f"version {event.number} of the settings of {event.position!r}")
        case ReleaseSaid():
            _check_time(event.at_us)
            _check_words(event.release, event.version, event.compatible, *event.stations)
            if not RELEASE.fullmatch(event.release) or not 0 < event.size <= MAX_BUNDLE_BYTES:
                raise BadInput("bad-entry", f"release {event.release!r} of {event.size} bytes")
            if not VERSION.fullmatch(event.version) or not COMPATIBLE.fullmatch(event.compatible):
                raise BadInput("bad-entry", f"version {event.version!r} for {event.compatible!r}")
            if not 0 <= event.percent <= 100:
                raise BadInput("bad-entry", f"{event.percent} in a hundred stations")
        case TokenSaid():
            _check_time(event.at_us)
            _check_time(event.until_us or 0)
            check_token_word(event)
        case CountReading() | Suppressed() | Restored() | Rejection() | Weighing():
            pass


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


def _check_when(when: When) -> None:
    _check_time(when.up_us)
    _check_time(when.wall_us)
    _check_words(when.boot)


def _check_time(time_us: int) -> None:
    if not 0 <= time_us <= MAX_TIME_US:
        raise BadInput("bad-entry", f"a time of {time_us} µs")


def _check_qty(qty_milli: int) -> None:
    if not -MAX_BOOKED_MILLI <= qty_milli <= MAX_BOOKED_MILLI:
        raise BadInput("bad-entry", f"a quantity of {qty_milli} milli-units")


def _check_words(*words: str | None) -> None:
    for word in words:
        if word is not None and len(word) > MAX_WORD:
            raise BadInput("bad-entry", f"a word of {len(word)} characters")
