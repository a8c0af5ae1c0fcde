"""The undo card takes back what was done last, step by step, and never what is not this session's."""

from __future__ import annotations

import pytest

from protocol.cards import Mode
from protocol.events import Reversal
from tests.unit.edge_station.shop import (
    EPOCH,
    MILK,
    OTHER,
    SCANNER,
    TEA,
    Shop,
    station_config,
)
from tests.unit.edge_station.telling import name_of, quantities


@pytest.mark.parametrize("card", ["SW1:MODE:RECEIVE:PO-2", "SW1:MODE:SALE"])
def test_after_a_power_cut_undo_does_not_reach_what_was_being_written_when_the_work_changed(card: str) -> None:
    shop = Shop(station_config(Mode.RECEIVE), slow=True)
    shop.scan(MILK)
    shop.scan(card, OTHER)
    shop.write()
    shop.write()
    shop.power_cut()
    assert name_of(shop.outcome("SW1:UNDO")) == "nothing-to-undo"


def test_undo_names_the_last_event_and_then_the_one_before() -> None:
    shop = Shop()
    shop.scan(MILK)
    shop.scan(TEA)
    shop.scan("SW1:UNDO")
    shop.scan("SW1:UNDO")
    assert [(e.epoch, e.seq) for e in shop.log if isinstance(e, Reversal)] == [(str(EPOCH), 2), (str(EPOCH), 1)]
    assert name_of(shop.outcome("SW1:UNDO")) == "nothing-to-undo"


def test_undo_while_another_undo_is_being_written_takes_the_event_before() -> None:
    shop = Shop()
    shop.scan(MILK)
    shop.scan(TEA)
    shop.slow = True
    shop.scan("SW1:UNDO", SCANNER)
    shop.scan("SW1:UNDO", OTHER)
    shop.write()
    shop.write()
    assert [e.seq for e in shop.log if isinstance(e, Reversal)] == [2, 1]


def test_an_undo_that_was_not_written_can_be_tried_again() -> None:
    shop = Shop()
    shop.scan(MILK)
    shop.slow = True
    shop.scan("SW1:UNDO")
    shop.fail()
    shop.scan("SW1:UNDO")
    shop.write()
    assert [e.seq for e in shop.log if isinstance(e, Reversal)] == [1]


def test_undo_drops_a_waiting_quantity_first() -> None:
    shop = Shop()
    shop.scan(MILK)
    shop.scan("SW1:QTY:3")
    shop.scan("SW1:UNDO")
    shop.scan(MILK)
    assert quantities(shop) == [-1000, -1000]


def test_undo_does_not_reach_into_the_mode_before() -> None:
    shop = Shop()
    shop.scan(MILK)
    shop.scan("SW1:MODE:RECEIVE")
    assert name_of(shop.outcome("SW1:UNDO")) == "nothing-to-undo"


def test_undo_after_a_power_cut_takes_back_what_still_stands() -> None:
    shop = Shop()
    shop.scan(MILK)
    shop.scan(TEA)
    shop.scan(MILK)
    shop.scan("SW1:UNDO")
    shop.power_cut()
    shop.scan("SW1:UNDO")
    assert [e.seq for e in shop.log if isinstance(e, Reversal)] == [3, 2]
