"""What one scan does at a station, and when nothing older can still come."""

from __future__ import annotations

import pytest

from edge.station.actions import Accepted, Rejected, Where
from protocol.cards import Mode
from protocol.events import Delta, Reason, Rejection
from tests.unit.edge_station.shop import (
    BAD,
    BANANAS,
    CATALOGUE,
    EPOCH,
    MILK,
    SCANNER,
    TEA,
    UNKNOWN,
    Shop,
    station_config,
)
from tests.unit.edge_station.telling import name_of, quantities


@pytest.mark.parametrize(
    ("mode", "reason", "qty_milli"),
    [
        (Mode.SALE, Reason.SALE, -1000),
        (Mode.RETURN, Reason.RETURN, 1000),
        (Mode.RECEIVE, Reason.RECEIPT, 1000),
        (Mode.TRANSFER, Reason.TRANSFER, -1000),
        (Mode.WASTE, Reason.WASTE, -1000),
    ],
)
def test_a_scan_moves_one_piece_in_the_direction_of_the_mode(mode: Mode, reason: Reason, qty_milli: int) -> None:
    shop = Shop(station_config(mode))
    outcome = shop.outcome(MILK)
    assert shop.log == [
        Delta(
            when=shop.clock.now(),
            device=SCANNER,
            code=MILK,
            aim=None,
            qty_milli=qty_milli,
            reason=reason,
            place="shop",
            catalogue=CATALOGUE,
            session=f"{shop.clock.now().boot}-{shop.clock.now().up_us}",
            price_minor=119,
        )
    ]
    assert isinstance(outcome, Accepted)
    assert (outcome.did, outcome.where, outcome.attention) == (mode.value, Where(EPOCH, 1), None)


def test_nothing_is_accepted_before_it_is_on_disk() -> None:
    shop = Shop(slow=True)
    shop.scan(MILK)
    assert shop.answers == {}
    shop.write()
    assert len(shop.answers) == 1


def test_a_refusing_disk_is_a_red_light_and_no_event() -> None:
    shop = Shop(slow=True)
    ticket = shop.scan(MILK)
    shop.fail()
    assert shop.answers[ticket] == Rejected("full", "no room")
    assert name_of(shop.outcome("SW1:UNDO")) == "nothing-to-undo"


def test_a_price_check_tells_and_moves_nothing() -> None:
    shop = Shop(station_config(Mode.PRICE_CHECK))
    outcome = shop.outcome(MILK)
    assert isinstance(outcome, Accepted)
    assert outcome.price is not None
    assert outcome.price.minor == 119
    assert name_of(shop.outcome(UNKNOWN)) == "unknown-item"
    assert shop.log == []


def test_an_unknown_item_is_an_event_that_asks_for_attention() -> None:
    shop = Shop()
    outcome = shop.outcome(UNKNOWN)
    assert isinstance(outcome, Accepted)
    assert outcome.attention == "unknown-item"
    assert quantities(shop) == [-1000]


def test_selling_without_a_price_asks_for_attention() -> None:
    outcome = Shop().outcome(TEA)
    assert isinstance(outcome, Accepted)
    assert outcome.attention == "no-price"
    received = Shop(station_config(Mode.RECEIVE)).outcome(TEA)
    assert isinstance(received, Accepted)
    assert received.attention is None


def test_a_wrong_check_digit_is_refused_and_logged_with_its_bytes() -> None:
    shop = Shop()
    assert name_of(shop.outcome(BAD)) == "check-digit"
    assert shop.log == []
    (entry,) = shop.chatter
    assert isinstance(entry, Rejection)
    assert (entry.device, entry.name, entry.raw) == (SCANNER, "check-digit", BAD)


def test_a_refused_code_keeps_only_its_first_bytes() -> None:
    shop = Shop()
    assert name_of(shop.outcome("x" * 5000)) == "too-long"
    (entry,) = shop.chatter
    assert isinstance(entry, Rejection)
    assert len(entry.raw) == 256


# Marks


def test_the_station_is_settled_only_when_nothing_older_can_still_come() -> None:
    shop = Shop(slow=True)
    settled = [shop.station.settled]
    shop.scan(MILK)
    settled.append(shop.station.settled)
    shop.write()
    settled.append(shop.station.settled)
    shop.slow = False
    for text in (BANANAS, "SW1:UNDO", "SW1:MODE:COUNT", MILK, "SW1:UNDO", MILK, "SW1:END"):
        shop.scan(text)
        settled.append(shop.station.settled)
    assert settled == [True, False, True, False, True, True, False, True, False, True]
