"""The books' words in plain English: what an entry did, what became of it, what is to be said of a figure. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hub.ledger.entries import Kind, Status
from hub.store.views import RecentEvent, StockRow, TimelineEntry
from hub.web.overview import Level
from hub.web.wording import whole
from protocol.events import Reason

_DEEDS: Final = {
    Reason.SALE: "sold",
    Reason.RETURN: "returned",
    Reason.RECEIPT: "received",
    Reason.WASTE: "wasted",
    Reason.TRANSFER: "transferred",
    Reason.ADJUSTMENT: "adjusted",
    Reason.REPACK: "repacked",
}
_KINDS: Final = {
    "count": "counted",
    "count-reading": "counting",
    "shelf-counted": "shelf counted",
    "sweep": "tags seen",
    "transfer-draft": "transfer drafted",
    "transfer-approve": "transfer approved",
    "transfer-close": "transfer closed",
    "place-given": "place given",
    "home-given": "home given",
    "leads-given": "lead given",
    "position-given": "position given",
    "invited": "station invited",
    "certified": "certificate given",
    "retired": "station retired",
    "revoked": "station revoked",
    "handed-over": "hand-over check told",
    "drain-opened": "drain opened",
    "drain-taken": "drained log taken in",
    "token-made": "service token made",
    "token-revoked": "service token revoked",
    "configured": "station settings given",
    "release-offered": "update offered",
    "release-withdrawn": "update withdrawn",
    "count-planned": "count planned",
    "count-accept": "count accepted",
    "count-reject": "count rejected",
    "count-void": "count voided",
    "released": "released",
    "dismissed": "dismissed",
    "source-declared": "source declared",
    "reservation-reserve": "reserved",
    "reservation-fulfil": "reservation fulfilled",
    "reservation-release": "reservation released",
    "safety-given": "safety stock given",
    "final": "declared final",
    "corrected": "final figures corrected",
    "statement-compared": "head office's figures compared",
    "conflict-accept-hq": "head office's figure accepted",
    "conflict-keep-store": "the store's figure kept",
    "conflict-recount": "recount asked for",
    "shelf-set": "shelf set",
    "min-set": "minimum set",
    "max-set": "maximum set",
    "suppressed": "seen twice",
    "restored": "meant after all",
    "basket-opened": "basket opened",
    "basket-line": "into the basket",
    "basket-undo": "out of the basket",
    "basket-sold": "basket sold",
    "basket-voided": "basket voided",
    "basket-abandoned": "basket abandoned",
    "basket-said-sold": "basket ended as sold",
    "basket-said-returned": "basket ended, its goods returned",
    "basket-said-unknown": "basket written off",
    "reversal": "taken back",
    "void": "voided",
    "unreadable": "not understood",
}
_FATES: Final = {
    Status.APPLIED: "booked",
    Status.ABSORBED: "before the count",
    Status.HISTORY: "replaced",
    Status.QUARANTINED: "held back",
}


@dataclass(frozen=True, slots=True)
class Remark:
    """Something to be said of a figure, and how much it wants a person."""

    text: str
    level: Level


def deed(entry: RecentEvent | TimelineEntry) -> str:
    """Say what an entry did: "sold", "counted", "taken back"."""
    kind = entry.kind.value if isinstance(entry.kind, Kind) else entry.kind
    if kind in _KINDS:
        return _KINDS[kind]
    try:
        return _DEEDS[Reason(entry.reason or "")]
    except ValueError:
        return kind


def moved_by(reason: Reason) -> str:
    """Say by what something moved: "sold", "received"."""
    return _DEEDS[reason]


def fate(status: Status) -> str:
    """Say what became of an entry."""
    return _FATES[status]


def remarks(row: StockRow) -> tuple[Remark, ...]:
    """Say what is out of the ordinary about a figure, the worst first."""
    found = []
    if row.negative:
        found.append(Remark("below zero", Level.ALARM))
    if row.oversold_milli:
        found.append(Remark("more reserved than there is", Level.ALARM))
    if not row.name:
        found.append(Remark("not in the catalogue", Level.LOOK))
    if row.unanchored:
        found.append(Remark("never counted", Level.LOOK))
    if row.ambiguous:
        movements = "movement" if row.ambiguous == 1 else "movements"
        found.append(Remark(f"{whole(row.ambiguous)} {movements} too near the count to tell", Level.LOOK))
    return tuple(found)
