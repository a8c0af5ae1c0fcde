"""A label that tells its own weight sells it, at the till and in a count, and after a power cut as before."""

from __future__ import annotations

import pytest

from edge.codecs.readings import Scan
from edge.lookup import CatalogueLookup
from edge.station.actions import Accepted, Rejected
from protocol.cards import Mode
from protocol.catalogue import CodeLink, Item, Price, PriceKind, Unit
from protocol.events import Count, Delta
from protocol.gs1.check_digits import check_digit
from protocol.label_price import LabelPrice
from protocol.variable_measure import parse_patterns
from tests.unit.edge_station.shop import Shop, grams, station_config
from tests.unit.edge_station.test_lookup import catalogue_of

RULES = parse_patterns(["21IIIIIWW.WWWC", "22IIIIIPPP.PPC"], "EUR")
CHEESE, BREAD = "02112345000008", "09521234543213"
CHEESE_PRICE = Price("cheese", "1", PriceKind.REGULAR, 1990, "EUR")


def label(body: str) -> str:
    return body + check_digit(body)


async def shop(mode: Mode = Mode.SALE) -> Shop:
    catalogue = await catalogue_of(
        Item("cheese", "Cheese", Unit.KG), CodeLink(CHEESE, "cheese"), Item("bread", "Bread"), CodeLink(BREAD, "bread")
    )
    return Shop(station_config(mode), lookup=CatalogueLookup(catalogue, lambda when: when.wall_us, RULES))


async def test_a_label_of_the_shops_scale_sells_its_weight_without_the_scale() -> None:
    till = await shop()
    outcome = till.outcome(label("211234500750"))
    assert isinstance(outcome, Accepted)
    assert outcome.goods is not None
    assert (outcome.qty_milli, outcome.goods.weight_g, outcome.goods.key) == (750, 750, CHEESE)
    entry = till.log[-1]
    assert isinstance(entry, Delta)
    # The event keeps the code as it was read, and the grams as they were told.
    assert (entry.code, entry.qty_milli) == (label("211234500750"), -750)


async def test_the_listing_of_the_same_item_waits_for_the_scale() -> None:
    till = await shop()
    till.scan(label("211234500000"))
    assert till.log == []
    till.weigh(grams(420))
    assert isinstance(till.log[-1], Delta)
    assert till.log[-1].qty_milli == -420


@pytest.mark.parametrize(
    ("code", "aim", "key", "qty_milli"),
    [
        (f"01{BREAD}3103000500", "]C1", BREAD, 1000),
        (f"https://id.gs1.org/01/{BREAD}?3103=000500", "]Q1", BREAD, 1000),
        (f"01{CHEESE}3103000500", "]e0", CHEESE, 500),
        ("01995212345432163103000500", "]e0", "99521234543216", 500),
    ],
)
async def test_net_weight_counts_for_what_is_sold_by_weight_or_not_known(
    code: str, aim: str, key: str, qty_milli: int
) -> None:
    till = await shop()
    outcome = till.answers[till.scan(code, aim=aim)]
    assert isinstance(outcome, Accepted)
    assert outcome.goods is not None
    assert (outcome.goods.key, outcome.qty_milli) == (key, qty_milli)


async def test_a_price_goes_along() -> None:
    catalogue = await catalogue_of(Item("bread", "Bread"), CodeLink("02254321000005", "bread"))
    body = "225432101999"
    goods = CatalogueLookup(catalogue, lambda when: when.wall_us, RULES)(
        Scan(label(body), b"", "]E0"), Shop().clock.now()
    )
    assert goods.label_price == LabelPrice(1999, "EUR")


@pytest.mark.parametrize("code", [f"01{CHEESE}3104000005", f"01{CHEESE[:-1]}93103000500"])
async def test_what_cannot_be_right_is_refused(code: str) -> None:
    till = await shop()
    outcome = till.answers[till.scan(code, aim="]e0")]
    assert isinstance(outcome, Rejected)
    assert outcome.name in ("weight-too-fine", "check-digit")


async def test_labels_of_one_item_are_counted_as_one() -> None:
    till = await shop(Mode.COUNT)
    for weight in ("00500", "00750", "01000"):
        till.scan(label("2112345" + weight))
    till.scan("SW1:END")
    counts = [entry for entry in till.log if isinstance(entry, Count)]
    assert [count.qty_milli for count in counts] == [2250]
