"""From live to wanted: few rows, links closed and never edited, and every prefix of the rows sound."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.catalogue.diff import changes
from hub.catalogue.listing import Amount, Listing
from protocol.catalogue import (
    STORE,
    CatalogueRow,
    CodeLink,
    Gone,
    Item,
    LiveRow,
    Price,
    PriceKind,
    RowKind,
    Scope,
    Setting,
    Unit,
    encode_row,
    link_at,
)
from protocol.catalogue_set import CatalogueSet
from protocol.pricing import winning_price

NOON = 1000
MILK = Item("milk", "Milk", Unit.EACH)


def eur(minor: int) -> Amount:
    return Amount(minor, "EUR")


def regular(item: str, minor: int, from_us: int = 0) -> Price:
    return Price(item, f"regular-{from_us}", PriceKind.REGULAR, minor, "EUR", valid_from_us=from_us)


def set_of(*rows: CatalogueRow) -> CatalogueSet:
    return CatalogueSet(encode_row(row) for row in rows)


def rows_of(held: CatalogueSet) -> list[LiveRow]:
    return [stored.row for stored in held]


def meaning(held: CatalogueSet, code: str, at_us: int) -> str | None:
    link = link_at([row for row in rows_of(held) if isinstance(row, CodeLink) and row.code == code], at_us)
    return None if link is None else link.item


def cost(held: CatalogueSet, item: str, at_us: int) -> int | None:
    prices = [row for row in rows_of(held) if isinstance(row, Price) and row.item == item]
    won = winning_price(prices, at_us, 1000, (STORE,))
    return None if won is None else won.minor


def test_a_new_item_is_known_and_priced_from_always_on() -> None:
    # So that what was scanned before it was entered finds its item, and a till whose clock lags its price.
    assert changes([], [Listing("milk", "Milk", Unit.EACH, ("c1",), eur(129))], NOON) == [
        MILK,
        regular("milk", 129),
        CodeLink("c1", "milk"),
    ]


def test_what_is_so_already_needs_no_row() -> None:
    live: list[LiveRow] = [MILK, CodeLink("c1", "milk"), regular("milk", 129)]
    assert changes(live, [Listing("milk", "Milk", Unit.EACH, ("c1",), eur(129))], NOON) == []
    assert changes(live, [Listing("milk")], NOON) == []
    assert changes(live, [], NOON) == []


def test_a_new_price_stands_beside_the_old_until_it_begins() -> None:
    live: list[LiveRow] = [MILK, regular("milk", 129)]
    made = changes(live, [Listing("milk", price=eur(99))], NOON)
    assert made == [regular("milk", 99, NOON)]
    held = set_of(*live, *made)
    assert [cost(held, "milk", at) for at in (NOON - 1, NOON)] == [129, 99]


def test_prices_beaten_before_are_dropped_with_the_next_change() -> None:
    live: list[LiveRow] = [MILK, regular("milk", 129), regular("milk", 99, 500)]
    assert changes(live, [Listing("milk", price=eur(89))], NOON) == [
        regular("milk", 89, NOON),
        Gone(RowKind.PRICE, "milk", "regular-0"),
    ]


def test_promotions_and_narrower_prices_are_left_alone() -> None:
    offer = Price("milk", "summer", PriceKind.PROMOTION, 79, "EUR", STORE, 5)
    narrow = Price("milk", "fridge", PriceKind.REGULAR, 139, "EUR", Scope("area:fridge"))
    live: list[LiveRow] = [MILK, regular("milk", 129), offer, narrow]
    assert changes(live, [Listing("milk", price=eur(129))], NOON) == []
    assert changes(live, [Listing("milk", price=eur(119))], NOON) == [regular("milk", 119, NOON)]


def test_a_reused_code_moves_and_what_it_meant_stays_true_of_the_past() -> None:
    live: list[LiveRow] = [MILK, Item("oat", "Oat"), CodeLink("c1", "milk"), CodeLink("c2", "milk")]
    made = changes(live, [Listing("oat", codes=("c1",))], NOON)
    assert made == [CodeLink("c1", "oat", 1000, NOON), CodeLink("c1", "milk", 1000, 0, NOON)]


def test_a_code_no_longer_listed_is_closed() -> None:
    live: list[LiveRow] = [MILK, CodeLink("c1", "milk"), CodeLink("c2", "milk", 6000, 10)]
    assert changes(live, [Listing("milk", codes=("c1",))], NOON) == [CodeLink("c2", "milk", 6000, 10, NOON)]


def test_a_pack_code_stays_a_pack_code() -> None:
    live: list[LiveRow] = [MILK, CodeLink("c2", "milk", 6000, 10)]
    assert changes(live, [Listing("milk", codes=("c2",))], NOON) == []


def test_a_link_hidden_by_a_later_one_does_not_come_to_light_again() -> None:
    live: list[LiveRow] = [MILK, Item("oat", "Oat"), CodeLink("c1", "oat"), CodeLink("c1", "milk", 1000, 50)]
    made = changes(live, [Listing("milk", codes=("c9",))], NOON)
    held = set_of(*live, *made)
    assert meaning(held, "c1", NOON) is None
    assert meaning(held, "c1", 20) == "oat"


def test_a_code_can_come_back_to_its_item() -> None:
    live: list[LiveRow] = [MILK, CodeLink("c1", "milk", 1000, 0, 500)]
    assert changes(live, [Listing("milk", codes=("c1",))], NOON) == [CodeLink("c1", "milk", 1000, NOON)]


def test_what_is_scheduled_stays_scheduled() -> None:
    live: list[LiveRow] = [
        MILK,
        CodeLink("c1", "milk", 1000, NOON + 5),
        regular("milk", 129),
        regular("milk", 99, NOON + 5),
    ]
    assert changes(live, [Listing("milk", price=eur(129))], NOON) == []


def test_a_complete_list_drops_what_it_does_not_hold() -> None:
    setting = Setting(STORE, "mode", "sale")
    live: list[LiveRow] = [
        MILK,
        CodeLink("c1", "milk"),
        CodeLink("c1", "milk", 1000, NOON + 9),
        regular("milk", 129),
        setting,
    ]
    assert changes(live, [], NOON, complete=True) == [
        CodeLink("c1", "milk", 1000, 0, NOON),
        Gone(RowKind.LINK, "c1", str(NOON + 9)),
        Gone(RowKind.PRICE, "milk", "regular-0"),
        Gone(RowKind.ITEM, "milk"),
    ]


few = st.sampled_from(["a", "b", "c"])
codes = st.sampled_from(["c1", "c2", "c3", "c4"])


@st.composite
def wanted_sets(draw: st.DrawFn) -> list[Listing]:
    """Items that do not contend for a code."""
    owners = draw(st.dictionaries(codes, few))
    listings = []
    for item in draw(st.sets(few)):
        own = tuple(code for code, owner in owners.items() if owner == item)
        listings.append(
            Listing(
                item,
                draw(st.none() | st.sampled_from(["X", "Y"])),
                draw(st.none() | st.sampled_from(Unit)),
                draw(st.sampled_from([None, own])),
                draw(st.none() | st.sampled_from([eur(1), eur(2), eur(3)])),
            )
        )
    return listings


histories = st.lists(st.tuples(wanted_sets(), st.integers(1, 5), st.booleans()), min_size=1, max_size=6)


@settings(max_examples=60)
@given(histories)
def test_after_each_import_everything_is_as_listed_and_the_past_as_it_was(
    history: list[tuple[list[Listing], int, bool]],
) -> None:
    held = CatalogueSet()
    at_us = 10
    past: list[tuple[str, int, str]] = []
    for wanted, later_us, complete in history:
        at_us += later_us
        made = changes(rows_of(held), wanted, at_us, complete=complete)
        for row in made:
            line = encode_row(row)
            before = held.hash
            held.apply(line)
            assert held.hash != before, "a row that changes nothing"
        items = {row.item: row for row in rows_of(held) if isinstance(row, Item)}
        for listing in wanted:
            assert listing.name is None or items[listing.item].name == listing.name
            assert listing.unit is None or items[listing.item].unit == listing.unit
            assert listing.price is None or cost(held, listing.item, at_us) == listing.price.minor
            if listing.codes is not None:
                meant = [code for code in ("c1", "c2", "c3", "c4") if meaning(held, code, at_us) == listing.item]
                assert set(meant) == set(listing.codes)
        if complete:
            assert set(items) == {listing.item for listing in wanted}
        assert changes(rows_of(held), wanted, at_us, complete=complete) == []
        for code, then_us, item in past:
            assert meaning(held, code, then_us) == item
        now = {code: meaning(held, code, at_us) for code in ("c1", "c2", "c3", "c4")}
        past.extend((code, at_us, item) for code, item in now.items() if item is not None)
