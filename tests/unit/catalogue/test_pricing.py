"""The price that wins, and what a line costs."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.catalogue import STORE, Price, PriceKind, Scope, area_scope, station_scope
from protocol.identity import PlaceId, StationId
from protocol.pricing import for_a_unit, line_total, minor_digits, winning_price

TILL = station_scope(StationId("till-3"))
FRONT = area_scope(PlaceId("front"))
ELSEWHERE = area_scope(PlaceId("back"))
HERE = (TILL, FRONT, STORE)


def price(id_: str, minor: int = 100, **more: int | str | None) -> Price:
    scope = Scope(str(more.pop("scope", STORE)))
    numbers = {name: value for name, value in more.items() if isinstance(value, int)}
    return Price("milk", id_, PriceKind.REGULAR, minor, "EUR", scope, **numbers)


def winner(prices: Sequence[Price], at_us: int = 10, qty_milli: int = 1000) -> str | None:
    won = winning_price(prices, at_us, qty_milli, HERE)
    return None if won is None else won.id


def test_priority_comes_before_everything() -> None:
    assert winner([price("narrow", scope=TILL, valid_from_us=9), price("wide", priority=1)]) == "wide"


def test_then_the_narrowest_scope() -> None:
    prices = [price("store", valid_from_us=9), price("till", scope=TILL), price("area", scope=FRONT, valid_from_us=5)]
    assert winner(prices) == "till"
    assert winner([prices[0], prices[2]]) == "area"


def test_then_the_latest_valid_from_then_the_first_id() -> None:
    assert winner([price("old", valid_from_us=1), price("new", valid_from_us=2)]) == "new"
    assert winner([price("b"), price("a"), price("c")]) == "a"


def test_a_price_shipped_ahead_begins_and_ends_by_the_clock() -> None:
    prices = [price("always"), price("offer", 80, valid_from_us=20, valid_to_us=30)]
    assert [winner(prices, at) for at in (19, 20, 29, 30)] == ["always", "offer", "offer", "always"]


def test_a_quantity_price_holds_from_its_quantity_on_and_for_what_comes_back() -> None:
    prices = [price("single"), price("six", 90, min_qty_milli=6000, priority=1)]
    assert [winner(prices, 10, qty) for qty in (5999, 6000, -6000, -1000)] == ["single", "six", "six", "single"]


def test_prices_of_other_scopes_do_not_count() -> None:
    assert winner([price("back", scope=ELSEWHERE, priority=9)]) is None
    assert winner([]) is None


prices = st.lists(
    st.builds(
        lambda id_, scope, priority, minimum, begin, length: Price(
            "milk", id_, PriceKind.PROMOTION, 1, "EUR", scope, priority, minimum, begin,
            None if length is None else begin + length,
        ),
        st.text("abcd", min_size=1, max_size=3), st.sampled_from([*HERE, ELSEWHERE]), st.integers(-1, 1),
        st.sampled_from([0, 1000, 2000]), st.integers(0, 4), st.none() | st.integers(0, 4),
    ),
    max_size=12, unique_by=lambda price: price.id,
)  # fmt: skip


@given(prices, st.integers(0, 9), st.sampled_from([-2000, -1, 0, 999, 1000, 2000]))
def test_the_winner_is_the_one_a_sorted_list_begins_with(prices: list[Price], at_us: int, qty_milli: int) -> None:
    standing = [
        price for price in prices
        if price.scope in HERE and abs(qty_milli) >= price.min_qty_milli
        and price.valid_from_us <= at_us < (price.valid_to_us if price.valid_to_us is not None else at_us + 1)
    ]  # fmt: skip
    standing.sort(key=lambda price: price.id)
    standing.sort(key=lambda price: price.valid_from_us, reverse=True)
    standing.sort(key=lambda price: HERE.index(price.scope))
    standing.sort(key=lambda price: price.priority, reverse=True)
    assert winning_price(prices, at_us, qty_milli, HERE) == (standing[0] if standing else None)


@pytest.mark.parametrize(
    ("minor", "qty_milli", "total"),
    [
        (199, 1000, 199), (199, 3000, 597), (199, 250, 50), (1, 499, 0), (1, 500, 1), (1, 1500, 2), (1, 2500, 3),
        (199, -250, -50), (1, -500, -1), (1299, 1234, 1603), (0, 5000, 0), (199, 0, 0),
    ],
)  # fmt: skip
def test_half_a_minor_unit_is_rounded_up(minor: int, qty_milli: int, total: int) -> None:
    assert line_total(minor, qty_milli) == total


@given(st.integers(0, 10**12), st.integers(-(10**15), 10**15))
def test_a_total_is_the_nearest_and_a_return_pays_back_what_the_sale_took(minor: int, qty_milli: int) -> None:
    total = line_total(minor, qty_milli)
    assert abs(total - Fraction(minor * qty_milli, 1000)) <= Fraction(1, 2)
    assert line_total(minor, -qty_milli) == -total


def test_not_every_currency_has_cents() -> None:
    assert [minor_digits(code) for code in ("EUR", "USD", "JPY", "KWD")] == [2, 2, 0, 3]


scopes = st.sampled_from([*HERE, ELSEWHERE])
moments = st.integers(0, 6)
some_prices = st.builds(
    lambda id_, scope, priority, least, start, length, sell: Price(
        *("milk", id_, PriceKind.REGULAR, 100 * sell, "EUR", scope, priority, least, start),
        None if length is None else start + length,
        sell,
    ),
    st.text("ab", min_size=1, max_size=3), scopes, st.integers(-1, 1), st.sampled_from([0, 2000]), moments,
    st.none() | moments, st.sampled_from([100, 1000, 12_000]),
)  # fmt: skip


@given(
    st.lists(some_prices, max_size=6, unique_by=lambda price: price.id), moments, st.sampled_from([1000, 2000, -2000])
)
def test_the_winner_is_the_first_by_the_rule_in_so_many_words(prices: list[Price], at_us: int, qty_milli: int) -> None:
    holding = [
        price
        for price in prices
        if price.scope in HERE
        and price.valid_from_us <= at_us
        and (price.valid_to_us is None or at_us < price.valid_to_us)
        and price.min_qty_milli <= abs(qty_milli)
    ]
    ranked = sorted(
        holding, key=lambda price: (-price.priority, HERE.index(price.scope), -price.valid_from_us, price.id)
    )
    for order in (prices, list(reversed(prices))):
        won = winning_price(order, at_us, qty_milli, HERE)
        assert (won and won.id) == (ranked[0].id if ranked else None)
        assert won is None or (won.minor, won.sell_factor_milli) == (100_000, 1000)


def test_a_price_for_another_quantity_is_told_for_a_unit() -> None:
    hundred_grams = Price("ham", "r", PriceKind.REGULAR, 199, "EUR", sell_factor_milli=100)
    case = Price("milk", "r", PriceKind.REGULAR, 1200, "EUR", sell_factor_milli=12_000)
    assert [(p.minor, p.sell_factor_milli) for p in map(for_a_unit, (hundred_grams, case))] == [
        (1990, 1000),
        (100, 1000),
    ]
