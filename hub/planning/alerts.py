"""What about stock wants an eye now: figures below zero, more promised than there is, goods that run out. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hub.planning.replenish import Suggestion
from hub.planning.standing import divided


class Alarm(StrEnum):
    """What is wrong, the worst first."""

    NEGATIVE = "negative"
    """The books say less than nothing: a receipt or a count is missing, or goods were sold under another code."""
    OVERSOLD = "oversold"
    """More is reserved for customers than is on hand beyond the safety stock."""
    PERHAPS_OVERSOLD = "perhaps-oversold"
    """More is reserved than is there for certain."""
    RUNS_OUT = "runs-out"
    """At its usual pace it is gone before anything ordered now can arrive, and nothing is on its way."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One item in one area that wants an eye; `short_milli` is how much is missing."""

    suggestion: Suggestion
    alarm: Alarm
    short_milli: int


def alerts(suggestion: Suggestion) -> list[Alert]:
    """Say what is wrong with an item; nothing if all is well."""
    standing, terms = suggestion.standing, suggestion.terms
    found: list[Alert] = []
    if standing.on_hand_milli < 0:
        found.append(Alert(suggestion, Alarm.NEGATIVE, -standing.on_hand_milli))
    on_hand, safety = max(0, standing.on_hand_milli), standing.safety_milli
    reserved = standing.reserved_milli + terms.reserved_milli
    if reserved:
        sure = max(0, standing.lo_milli)
        if reserved + safety > on_hand:
            found.append(Alert(suggestion, Alarm.OVERSOLD, reserved + safety - on_hand))
        elif reserved + safety > sure:
            found.append(Alert(suggestion, Alarm.PERHAPS_OVERSOLD, reserved + safety - sure))
    if suggestion.days and standing.on_hand_milli >= 0 and not terms.on_order_milli + terms.in_transit_milli:
        until_then = divided(suggestion.taken_milli * terms.lead_days, suggestion.days)
        if until_then > on_hand - reserved:
            found.append(Alert(suggestion, Alarm.RUNS_OUT, until_then - (on_hand - reserved)))
    return found
