"""A shop with a presentation scanner, and what it sold and held back."""

from __future__ import annotations

from edge.station.actions import Rejected
from protocol.cards import Mode
from protocol.events import Delta, Suppressed
from tests.unit.edge_station.shop import (
    SCANNER,
    Shop,
    station_config,
)

DWELL_US = 500_000
SECOND_US = 1_000_000
SOON, LATE = 0.3, 0.6
AGAIN = "SW1:AGAIN"


def presentation(mode: Mode = Mode.SALE) -> Shop:
    """A shop whose `SCANNER` has no trigger."""
    return Shop(station_config(mode, dwell_us={SCANNER: DWELL_US}))


def sold(shop: Shop) -> list[tuple[str, int]]:
    return [(entry.code, entry.qty_milli) for entry in shop.log if isinstance(entry, Delta)]


def held(shop: Shop) -> list[Suppressed]:
    return [entry for entry in shop.log if isinstance(entry, Suppressed)]


def name_of(outcome: object) -> str:
    assert isinstance(outcome, Rejected)
    return outcome.name
