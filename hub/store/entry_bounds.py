"""Whether an entry can be: the bounds of every kind of it that the books rely on. Pure."""

from __future__ import annotations

from typing import Final

from hub.ledger.floorplan import OF_THEIR_OWN
from hub.store.identity_bounds import check_identity_word
from protocol.configured import StationConfigured
from protocol.count_decisions import MAX_ITEMS, MAX_SHELVES, CountPlanned, CountRuled
from protocol.dated_words import HomeGiven, LeadsGiven, PlaceGiven, PositionGiven, SourceDeclared
from protocol.decisions import (
    Adjustment,
    BasketEnded,
    Dismissed,
    JournalEntry,
    Released,
    ReservationSaid,
    ReservationStep,
    SafetyGiven,
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
from protocol.identity import EntryId, Epoch
from protocol.identity_words import Certified, Ended, HandedOver, Invited
from protocol.period_words import Corrected, Finality
from protocol.releases import COMPATIBLE, MAX_BUNDLE_BYTES, RELEASE, VERSION, ReleaseSaid
from protocol.service_tokens import TokenSaid, check_token_word

MAX_TIME_US: Final = 2**53
MAX_BOOKED_MILLI: Final = 10**12
"""The most one entry may move: a thousand million pieces. Sums of millions of entries stay within 64 bits."""
MAX_PASS: Final = 9
"""The most times that one session counts a place."""
MAX_WORD: Final = 256
"""The longest boot, device, place, document or session, in characters."""
MAX_LEAD_US: Final = 7 * 86_400_000_000
"""The longest lead or lag: a week."""


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
