"""What is looked for in what a station said and wrote."""

from __future__ import annotations

from edge.station.actions import Rejected
from protocol.events import Delta
from tests.unit.edge_station.shop import (
    Shop,
)


def name_of(outcome: object) -> str:
    assert isinstance(outcome, Rejected)
    return outcome.name


def quantities(shop: Shop) -> list[int]:
    return [entry.qty_milli for entry in shop.log if isinstance(entry, Delta)]
