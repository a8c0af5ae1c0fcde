"""A catalogue file with cases, price look-up numbers, prices for other units, and offers by the store's own clock."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

from hub.catalogue.csv_import import Imported, parse_csv
from hub.catalogue.diff import changes
from hub.catalogue.listing import Amount, Listing, Offer
from protocol.catalogue import (
    CatalogueRow,
    CodeLink,
    Gone,
    Item,
    LiveRow,
    Price,
    PriceKind,
    RowKey,
    Unit,
    area_scope,
    decode_row,
    encode_row,
    row_key,
)
from protocol.identity import PlaceId

BERLIN = ZoneInfo("Europe/Berlin")
NOON = 1_700_000_000_000_000
CASE, PIECE = "15901234123454", "05901234123457"


def read(text: str) -> Imported:
    return parse_csv(text.encode(), "EUR", BERLIN)


def told(imported: Imported) -> list[tuple[int, str, str]]:
    return [(error.line, error.column, error.name) for error in imported.errors]


def after(live: dict[RowKey, LiveRow], text: str, at_us: int = NOON) -> list[CatalogueRow]:
    imported = read(text)
    assert not imported.errors
    made = changes(live.values(), imported.listings, at_us)
    for row in made:
        if isinstance(row, Gone):
            live.pop(row_key(row), None)
        else:
            live[row_key(row)] = row
    return made


def test_a_case_has_its_own_code_and_a_piece_its_own() -> None:
    text = f"item,name,code,pack\nmilk,Milk,{PIECE},\nmilk,,{CASE},12\n"
    (milk,) = read(text).listings
    assert (milk.codes, milk.packs) == ((PIECE, CASE), ((CASE, 12_000),))
    live: dict[RowKey, LiveRow] = {}
    assert after(live, text) == [Item("milk", "Milk"), CodeLink(PIECE, "milk"), CodeLink(CASE, "milk", 12_000)]
    assert after(live, text) == []


def test_a_case_of_another_size_is_a_new_link_and_a_file_without_packs_changes_none() -> None:
    live: dict[RowKey, LiveRow] = {}
    after(live, f"item,code,pack\nmilk,{CASE},12\n")
    assert after(live, f"item,code\nmilk,{CASE}\n") == []
    assert after(live, f"item,code,pack\nmilk,{CASE},10\n") == [
        CodeLink(CASE, "milk", 10_000, NOON),
        CodeLink(CASE, "milk", 12_000, 0, NOON),
    ]


def test_a_price_look_up_number_is_a_code_of_its_own_kind() -> None:
    live: dict[RowKey, LiveRow] = {}
    text = "item,unit,code,plu,price,per\nham,kg,,0083,1.99,0.1\n"
    assert after(live, text) == [
        Item("ham", "ham", Unit.KG),
        Price("ham", "regular-0", PriceKind.REGULAR, 199, "EUR", sell_factor_milli=100),
        CodeLink("plu:83", "ham"),
    ]
    assert after(live, text) == []
    # A file of codes says nothing of numbers, and the other way round.
    after(live, f"item,code\nham,{PIECE}\n")
    assert {row.code for row in live.values() if isinstance(row, CodeLink)} == {"plu:83", PIECE}
    assert after(live, "item,plu\nham,84\n", NOON + 1) == [
        CodeLink("plu:84", "ham"),
        CodeLink("plu:83", "ham", valid_to_us=NOON + 1),
    ]


def test_the_same_price_for_another_quantity_is_no_change() -> None:
    live: dict[RowKey, LiveRow] = {}
    after(live, "item,price,per\nham,1.99,0.1\n")
    assert after(live, "item,price\nham,19.90\n") == []
    assert len(after(live, "item,price,per\nham,2.09,0.1\n")) == 1


def test_an_offer_is_a_price_beside_the_regular_one_by_the_stores_clock() -> None:
    text = (
        "item,price,offer,kind,scope,priority,min_qty,from,to\n"
        "milk,1.29,,,,,,,\n"
        "milk,0.99,easter,promotion,area:shop,20,6,2026-03-29 02:30,2026-04-06\n"
        "milk,0.50,today,markdown,,,,,2026-03-30 18:00\n"
    )
    (milk,) = read(text).listings
    assert milk.price == Amount(129, "EUR")
    assert milk.offers == (
        Offer(
            *("easter", PriceKind.PROMOTION, Amount(99, "EUR"), area_scope(PlaceId("shop")), 20, 6000),
            from_us=1_774_746_000_000_000,
            to_us=1_775_512_800_000_000,
        ),
        Offer("today", PriceKind.MARKDOWN, Amount(50, "EUR"), priority=10, to_us=1_774_886_400_000_000),
    )
    live: dict[RowKey, LiveRow] = {}
    assert len(after(live, text)) == 4
    assert after(live, text) == []
    # Told again by its name it is another; an import that does not tell it leaves it.
    later = text.replace("2026-04-06", "2026-04-07")
    assert [row.id for row in after(live, later) if isinstance(row, Price)] == ["easter"]
    assert after(live, "item,price\nmilk,1.29\n") == []


def test_what_is_wrong_with_them_is_told_by_line_and_column() -> None:
    text = (
        "item,code,pack,plu,price,per,offer,kind,scope,priority,min_qty,from,to,order_pack,lead_days\n"
        f"a,{CASE},0,,,,,,,,,,,,\n"
        "b,,12,,,,,,,,,,,,\n"
        "c,,,4o11,,,,,,,,,,,\n"
        "d,,,,10.00,12,,,,,,,,,\n"
        "e,,,,,,easter,,,,,,,,\n"
        "f,,,,1.00,,regular-1,gift,shop,x,-1,soon,2026-02-30,x,y\n"
        "g,,,,1.00,,easter,,,,,2026-04-06 08:00,2026-04-06 08:00,,\n"
        "h,,,83,,,,,,,,,,,\n"
        "i,,,083,,,,,,,,,,,\n"
    )
    imported = read(text)
    assert told(imported) == [
        (2, "pack", "bad-quantity"),
        (3, "pack", "pack-of-no-code"),
        (4, "plu", "bad-plu"),
        (5, "per", "price-too-fine"),
        (6, "price", "offer-without-price"),
        (7, "lead_days", "bad-number"),
        (7, "order_pack", "bad-quantity"),
        (7, "offer", "bad-offer"),
        (7, "kind", "bad-kind"),
        (7, "scope", "bad-row"),
        (7, "priority", "bad-number"),
        (7, "min_qty", "bad-quantity"),
        (7, "from", "bad-time"),
        (7, "to", "bad-time"),
        (8, "to", "bad-time"),
        (9, "plu", "ambiguous-code"),
        (10, "plu", "ambiguous-code"),
    ]
    assert imported.listings == ()


def test_what_is_ordered_and_from_whom() -> None:
    text = "item,name,category,supplier,order_pack,lead_days\nmilk,Milk,dairy,farm,24,2\n"
    assert read(text).listings == (
        Listing("milk", "Milk", category="dairy", supplier="farm", pack_milli=24_000, lead_days=2),
    )
    live: dict[RowKey, LiveRow] = {}
    assert after(live, text) == [
        Item("milk", "Milk", category="dairy", supplier="farm", pack_milli=24_000, lead_days=2)
    ]
    assert after(live, "item,name\nmilk,Milk\n") == []


def test_a_row_that_says_nothing_new_is_the_line_an_earlier_release_wrote() -> None:
    assert encode_row(Item("milk", "Milk")) == b'["i","milk","Milk","each"]'
    price = Price("milk", "regular-0", PriceKind.REGULAR, 129, "EUR")
    assert encode_row(price) == b'["p","milk","regular-0","regular",129,"EUR","store",0,0,0,null]'
    for row in (Item("milk", "Milk", lead_days=1), Price("m", "r", PriceKind.REGULAR, 5, "EUR", sell_factor_milli=500)):
        assert decode_row(encode_row(row)) == row


def test_the_sample_in_the_guide_is_taken_as_it_stands() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "catalogue.md").read_text()
    imported = read(guide.split("```\n")[1])
    assert not imported.errors
    assert [listing.item for listing in imported.listings] == ["milk", "ham"]
