"""What a label that tells its price alone is worth in goods: the till and the hub say the same, and are right."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from edge.station.actions import Goods
from edge.station.worth import milli_on_label
from hub.store.labels import milli_then
from hub.store.sql import Sql
from hub.store.sqlite_file import in_memory
from protocol.catalogue import STORE, WHOLE_MILLI, Item, Price, PriceKind, Unit, encode_row
from protocol.identity import ItemId
from protocol.label_price import LabelPrice, milli_of_label
from protocol.pricing import line_total

HAM = ItemId("ham")
_prices = st.builds(
    lambda minor, priority, from_us, to_us, per: Price(
        HAM,
        f"{minor}-{priority}",
        PriceKind.REGULAR,
        minor * per,
        "EUR",
        STORE,
        priority,
        0,
        from_us,
        to_us,
        per * 1000,
    ),
    st.integers(0, 5000),
    st.integers(0, 2),
    st.integers(0, 9),
    st.none() | st.integers(10, 19),
    st.sampled_from([1, 2, 12]),
)


@pytest.fixture(scope="module")
def books() -> Iterator[Sql]:
    sql = in_memory()
    yield sql
    sql.driver.close()


@settings(deadline=None)
@given(
    st.integers(1, 99_999),
    st.sampled_from(["EUR", "USD"]),
    st.lists(_prices, max_size=4),
    st.sampled_from(Unit),
    st.integers(0, 19),
)
def test_till_and_hub_take_a_label_for_as_much(
    books: Sql, minor: int, currency: str, prices: list[Price], unit: Unit, at_us: int
) -> None:
    label, item = LabelPrice(minor, currency), Item(HAM, "Ham", unit)
    prices = list({price.id: price for price in prices}.values())
    goods = Goods(HAM, at_us, 1, item, WHOLE_MILLI, tuple(prices), None, label)
    till = milli_on_label(goods, [STORE])
    books.execute("DELETE FROM live")
    books.execute("DELETE FROM price_history")
    books.executemany("INSERT INTO live VALUES ('i', ?, '', ?, 1, ?, '')", [(HAM, encode_row(item), HAM)])
    books.executemany(
        "INSERT INTO price_history VALUES (?,?,1,1,0,NULL,NULL,NULL,?)",
        [(HAM, price.id, encode_row(price)) for price in prices],
    )
    hub = milli_then(books, HAM, label, [STORE], at_us)
    # A price that some other time has for a piece, the hub takes for one: the till may have known the goods then.
    assume(all(price.minor * WHOLE_MILLI // price.sell_factor_milli != minor for price in prices))
    assert hub == till


@given(st.integers(1, 100_000), st.integers(1, 30_000))
def test_grams_are_off_by_no_more_than_rounding_took(per_kg: int, grams: int) -> None:
    printed = line_total(per_kg, grams)
    told = milli_of_label(LabelPrice(printed, "EUR"), Price(HAM, "r", PriceKind.REGULAR, per_kg, "EUR"), Unit.KG)
    # Half a minor unit's worth of it, and half a gram.
    assert abs((told or 0) - grams) <= 500 / per_kg + 0.5


@given(st.integers(1, 100_000), st.integers(1, 99))
def test_pieces_are_told_exactly(each: int, pieces: int) -> None:
    price = Price(HAM, "r", PriceKind.REGULAR, each, "EUR")
    assert milli_of_label(LabelPrice(each * pieces, "EUR"), price, Unit.EACH) == 1000 * pieces
    assert milli_of_label(LabelPrice(each * 100, "EUR"), price, Unit.EACH) is None
    if each > 1:
        assert milli_of_label(LabelPrice(each * pieces + 1, "EUR"), price, Unit.EACH) is None
