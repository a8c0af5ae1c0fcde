"""The meaning of a code: its text, then the catalogue, asked for the right time."""

from __future__ import annotations

import pytest

from edge.catalogue.api import Lookup
from edge.catalogue.errors import CatalogueFailing
from edge.catalogue.memory import MemoryCatalogue
from edge.codecs.readings import Scan
from edge.lookup import CatalogueLookup
from edge.station.worth import by_weight, price_of
from protocol.catalogue import STORE, CodeLink, Item, Price, PriceKind, Unit, encode_row
from protocol.chain import Position
from protocol.errors import BadInput
from protocol.events import When
from protocol.identity import Epoch
from protocol.replication.ports import ReaderState

MILK = "4006381333931"
NOON = When("0123456789ab", 5, 1000, False)


async def catalogue_of(*rows: Item | CodeLink | Price) -> MemoryCatalogue:
    catalogue = MemoryCatalogue()
    await catalogue.__aenter__()
    await catalogue.apply(1, [encode_row(row) for row in rows], ReaderState(at=Position(Epoch(1, 1), 2, bytes(32))))
    return catalogue


async def test_a_code_means_the_item_it_was_linked_to_at_that_time_in_utc() -> None:
    catalogue = await catalogue_of(Item("milk", "Milk"), CodeLink("0" + MILK, "milk", 6000, 5000, 6000))
    asked = Scan(MILK, b"")
    early = CatalogueLookup(catalogue, lambda when: when.wall_us)(asked, NOON)
    assert (early.item, early.key, early.catalogue, early.at_us) == (None, "0" + MILK, 2, 1000)
    found = CatalogueLookup(catalogue, lambda _: 5500)(asked, NOON)
    assert (found.item, found.factor_milli, found.at_us) == (Item("milk", "Milk"), 6000, 5500)


async def test_a_number_keyed_for_goods_without_a_code_means_its_item_at_the_price_of_a_unit() -> None:
    by_100_g = Price("ham", "regular-0", PriceKind.REGULAR, 199, "EUR", sell_factor_milli=100)
    catalogue = await catalogue_of(Item("ham", "Ham", Unit.KG), CodeLink("plu:83", "ham"), by_100_g)
    found = CatalogueLookup(catalogue, lambda when: when.wall_us)(Scan("plu:0083", b""), NOON)
    assert (found.item, found.key) == (Item("ham", "Ham", Unit.KG), "plu:83")
    assert by_weight(found)
    price = price_of(found, 250, (STORE,))
    assert price is not None
    assert (price.minor, price.id) == (1990, "regular-0")


async def test_a_new_station_has_no_catalogue_and_knows_nothing() -> None:
    catalogue = MemoryCatalogue()
    async with catalogue:
        goods = CatalogueLookup(catalogue, lambda when: when.wall_us)(Scan("anything", b""), NOON)
    assert (goods.item, goods.catalogue) == (None, 0)


async def test_a_catalogue_that_cannot_be_read_refuses_by_name() -> None:
    class Failing(MemoryCatalogue):
        def lookup(self, code: str, at_us: int) -> Lookup | None:
            raise CatalogueFailing("a damaged page")

    catalogue = Failing()
    async with catalogue:
        with pytest.raises(BadInput) as caught:
            CatalogueLookup(catalogue, lambda when: when.wall_us)(Scan(MILK, b""), NOON)
    assert caught.value.name == "catalogue-failing"
