"""Undo names an entry by where it stands now, also after the log has opened new epochs."""

from __future__ import annotations

import pytest

from edge.station.actions import Rejected, Where
from edge.station.undo import carry
from protocol.cards import PlaceCard, card_text
from protocol.chain import Chapter, Position
from protocol.events import Reversal
from protocol.identity import Epoch, PlaceId
from tests.unit.edge_station.shop import EPOCH, MILK, TEA, Shop

SECOND = Epoch(2, 0xDEF)
THIRD = Epoch(3, 0x123)
ONCE = (Chapter(EPOCH), Chapter(SECOND, Position(EPOCH, 10, b"")))
TWICE = (*ONCE, Chapter(THIRD, Position(SECOND, 3, b"")))


@pytest.mark.parametrize(
    ("lineage", "before", "after"),
    [
        (ONCE, Where(EPOCH, 10), Where(EPOCH, 10)),
        (ONCE, Where(EPOCH, 11), Where(SECOND, 1)),
        (TWICE, Where(EPOCH, 13), Where(SECOND, 3)),
        (TWICE, Where(EPOCH, 14), Where(THIRD, 1)),
        (TWICE, Where(SECOND, 5), Where(THIRD, 2)),
        (TWICE, Where(THIRD, 7), Where(THIRD, 7)),
        (ONCE, Where(Epoch(1, 0x999), 4), None),
    ],
)
def test_what_the_base_covers_stays_and_the_rest_counts_on(
    lineage: tuple[Chapter, ...], before: Where, after: Where | None
) -> None:
    assert carry(before, lineage) == after


def test_undo_follows_an_entry_into_the_new_epoch() -> None:
    shop = Shop()
    shop.scan(MILK)
    shop.scan(MILK)
    lineage = (Chapter(EPOCH), Chapter(SECOND, Position(EPOCH, 1, b"")))
    shop.station.carried(Where(SECOND, 1), lineage)
    shop.scan("SW1:UNDO")
    shop.scan("SW1:UNDO")
    assert [(e.epoch, e.seq) for e in shop.log if isinstance(e, Reversal)] == [(str(SECOND), 1), (str(EPOCH), 1)]


def test_the_legs_of_a_transfer_are_named_where_each_of_them_stands_now() -> None:
    shop = Shop()
    shop.scan(card_text(PlaceCard(PlaceId("stockroom"))))
    shop.scan(MILK)
    shop.scan(MILK)
    lineage = (Chapter(EPOCH), Chapter(SECOND, Position(EPOCH, 3, b"")))
    shop.station.carried(Where(SECOND, 1), lineage)
    shop.scan("SW1:UNDO")
    assert [(e.epoch, e.seq) for e in shop.log if isinstance(e, Reversal)] == [(str(EPOCH), 3), (str(SECOND), 1)]


def test_a_transfer_of_which_a_leg_cannot_be_named_is_not_taken_back_by_half() -> None:
    shop = Shop()
    shop.scan(card_text(PlaceCard(PlaceId("stockroom"))))
    shop.scan(MILK)
    shop.station.carried(Where(THIRD, 1), (Chapter(THIRD),))
    outcome = shop.outcome("SW1:UNDO")
    assert isinstance(outcome, Rejected)
    assert outcome.name == "nothing-to-undo"


def test_a_session_follows_its_entries_so_that_what_is_taken_back_leaves_it() -> None:
    shop = Shop()
    shop.scan(MILK)
    shop.scan(TEA)
    lineage = (Chapter(EPOCH), Chapter(SECOND, Position(EPOCH, 1, b"")))
    shop.station.carried(Where(SECOND, 1), lineage)
    shop.scan("SW1:UNDO")
    assert [line.code for line in shop.summary().lines] == [MILK]
