"""The mode of a station: who switches it, what it refuses then, and what a power cut leaves of it."""

from __future__ import annotations

import pytest

from edge.station.actions import Work
from protocol.cards import Mode
from protocol.events import Delta, Reason
from tests.unit.edge_station.shop import (
    BANANAS,
    MILK,
    OTHER,
    Shop,
    station_config,
)
from tests.unit.edge_station.telling import name_of, quantities


def test_a_mode_card_switches_and_its_document_is_named() -> None:
    shop = Shop()
    shop.scan("SW1:MODE:RECEIVE:PO-17")
    shop.scan(MILK)
    shop.set_mode(Mode.SALE)
    shop.scan(MILK)
    assert [(e.reason, e.document) for e in shop.log if isinstance(e, Delta)] == [
        (Reason.RECEIPT, "PO-17"),
        (Reason.SALE, None),
    ]


def test_the_mode_survives_a_power_cut_unless_the_settings_changed() -> None:
    shop = Shop()
    shop.scan("SW1:MODE:RECEIVE:PO-17")
    shop.power_cut()
    assert shop.station.work == Work(Mode.RECEIVE, "PO-17")
    shop.power_cut(station_config(Mode.WASTE))
    assert shop.station.work == Work(Mode.WASTE)


def test_a_mode_that_did_not_reach_the_disk_did_not_change() -> None:
    shop = Shop(slow=True)
    shop.scan("SW1:MODE:WASTE")
    assert name_of(shop.outcome(MILK, OTHER)) == "busy"
    shop.fail()
    assert shop.station.mode is Mode.SALE
    shop.scan(MILK, OTHER)
    shop.write()
    assert quantities(shop) == [-1000]


@pytest.mark.parametrize("document", ["po 17", "", "A" * 41])
def test_a_document_no_card_could_carry_is_refused(document: str) -> None:
    shop = Shop()
    assert name_of(shop.answers[shop.set_mode(Mode.RECEIVE, document)]) == "bad-card"


def test_a_changed_mode_refuses_what_still_waits_for_a_weight() -> None:
    shop = Shop()
    ticket = shop.scan(BANANAS)
    shop.scan("SW1:MODE:WASTE", OTHER)
    assert name_of(shop.answers[ticket]) == "mode-changed"
