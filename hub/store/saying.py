"""What an entry says by itself, before the books know of it: kind, code, quantity and the station's own time. Pure."""

from __future__ import annotations

from hub.store.views import RecentEvent
from protocol.configured import StationConfigured
from protocol.count_decisions import CountPlanned, CountRuled
from protocol.dated_words import HomeGiven, LeadsGiven, PlaceGiven, PositionGiven, SourceDeclared
from protocol.decisions import (
    Adjustment,
    BasketEnded,
    Dismissed,
    JournalEntry,
    Released,
    ReservationSaid,
    SafetyGiven,
    TransferSaid,
    Void,
)
from protocol.draining import DrainOpened, DrainTaken
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
)
from protocol.hq_decisions import ConflictAnswered, FieldWritten, StatementCompared
from protocol.identity import EntryId
from protocol.identity_words import Certified, Ended, HandedOver, Invited
from protocol.period_words import Corrected, Finality
from protocol.releases import ReleaseSaid
from protocol.service_tokens import TokenSaid


def say(identity: EntryId, event: StationEntry | JournalEntry | None) -> RecentEvent:
    """Tell an entry as it came, item and status unknown; None is one that could not be read."""
    kind, code, qty, reason, place, t_us = _words(event)
    return RecentEvent(identity, kind, t_us, code, None, "", qty, reason, place, None)


def _words(
    event: StationEntry | JournalEntry | None,
) -> tuple[str, str | None, int | None, str | None, str | None, int | None]:
    """Give kind, code, quantity, reason, place and the station's own time of an entry."""
    match event:
        case Delta():
            return "delta", event.code, event.qty_milli, event.reason.value, event.place, event.when.wall_us
        case Count():
            return "count", event.code, event.qty_milli, None, event.place, event.when.wall_us
        case CountReading():
            return "count-reading", event.code, event.qty_milli, None, event.place, event.when.wall_us
        case Reversal():
            return "reversal", None, None, None, None, event.when.wall_us
        case Suppressed(meant):
            return "suppressed", meant.code, meant.qty_milli, None, meant.place, meant.when.wall_us
        case Restored():
            return "restored", None, None, None, None, event.when.wall_us
        case BasketOpened():
            return "basket-opened", None, None, None, event.place, event.when.wall_us
        case BasketLine(meant):
            return "basket-line", meant.code, meant.qty_milli, None, meant.place, meant.when.wall_us
        case LineTakenOut():
            return "basket-undo", None, None, None, None, event.when.wall_us
        case BasketClosed():
            return f"basket-{event.how.value}", None, None, None, None, event.when.wall_us
        case BasketEnded():
            return f"basket-said-{event.fate.value}", None, None, None, None, event.at_us
        case Adjustment():
            return "adjustment", None, event.qty_milli, event.reason.value, event.area, event.at_us
        case Void():
            return "void", None, None, None, None, event.at_us
        case ShelfCounted():
            return "shelf-counted", None, None, None, event.place, event.when.wall_us
        case Sweep():
            return "sweep", None, None, None, event.place, event.when.wall_us
        case TransferSaid():
            return f"transfer-{event.step.value}", None, None, None, event.from_area or None, event.at_us
        case PlaceGiven():
            return "place-given", None, None, None, event.place, event.at_us
        case HomeGiven():
            return "home-given", None, None, None, event.place, event.at_us
        case Released() | Dismissed():
            return type(event).__name__.lower(), None, None, None, None, event.at_us
        case Finality() | Corrected():
            return "final" if isinstance(event, Finality) else "corrected", None, None, None, None, event.at_us
        case PositionGiven():
            return "position-given", None, None, None, event.position, event.at_us
        case LeadsGiven():
            return "leads-given", None, None, event.reason.value, event.area or None, event.at_us
        case Invited():
            return "invited", None, None, None, event.position or None, event.at_us
        case Certified() | Ended():
            return "certified" if isinstance(event, Certified) else event.end.value, None, None, None, None, event.at_us
        case DrainOpened() | DrainTaken():
            said = "drain-opened" if isinstance(event, DrainOpened) else "drain-taken"
            return said, None, None, None, None, event.at_us
        case HandedOver():
            return "handed-over", None, None, None, None, event.at_us
        case StationConfigured():
            return "configured", None, None, None, event.position, event.at_us
        case ReleaseSaid():
            return "release-offered" if event.offered else "release-withdrawn", None, None, None, None, event.at_us
        case TokenSaid():
            return "token-revoked" if event.revoked else "token-made", None, None, None, None, event.at_us
        case CountPlanned():
            return "count-planned", None, None, None, event.area, event.at_us
        case CountRuled():
            return f"count-{event.verdict.value}", None, None, None, None, event.at_us
        case SourceDeclared():
            return "source-declared", None, None, event.reason.value, event.place, event.at_us
        case StatementCompared():
            return "statement-compared", None, None, None, None, event.at_us
        case ConflictAnswered():
            return f"conflict-{event.answer.value}", None, None, None, event.area, event.at_us
        case FieldWritten():
            return f"{event.field.value}-set", None, event.milli, None, event.area, event.at_us
        case ReservationSaid():
            return f"reservation-{event.step.value}", None, event.qty_milli or None, None, event.area, event.at_us
        case SafetyGiven():
            return "safety-given", None, event.qty_milli, None, event.area or None, event.at_us
        case Anchor() | Mark() | TagChange() | Rejection() | Weighing() | None:
            return "unreadable", None, None, None, None, None
