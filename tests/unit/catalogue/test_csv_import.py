"""Items from CSV files: what is taken, and every error told by line and column."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.catalogue.cells import parse_minor
from hub.catalogue.csv_import import MAX_ERRORS, CsvError, Imported, parse_csv
from hub.catalogue.diff import changes
from hub.catalogue.listing import Amount, Listing
from protocol.catalogue import Unit, decode_row, encode_row
from protocol.errors import BadInput
from protocol.pricing import minor_digits

OURS = "item,name,unit,code,price,currency\n"
OSPOS = (
    '\ufeffId,Barcode,"Item Name",Category,"Supplier ID","Cost Price","Unit Price","Tax 1 Name","Tax 1 Percent",'
    '"Tax 2 Name","Tax 2 Percent","Reorder Level",Description,"Allow Alt Description","Item has Serial Number",'
    'Image,HSN,"location_Stockroom","attribute_Colour"\n'
)


def read(text: str, currency: str = "EUR") -> Imported:
    return parse_csv(text.encode(), currency)


def told(imported: Imported) -> list[tuple[int, str, str]]:
    return [(error.line, error.column, error.name) for error in imported.errors]


def test_our_own_columns() -> None:
    imported = read(OURS + "milk-1,Milk 1 l,each,5901234123457,1.29,EUR\nham,Ham,kg,,19.90,\n")
    assert imported == Imported(
        (
            Listing("milk-1", "Milk 1 l", Unit.EACH, ("05901234123457",), Amount(129, "EUR")),
            Listing("ham", "Ham", Unit.KG, None, Amount(1990, "EUR")),
        ),
        (),
        0,
    )


def test_columns_in_another_order_and_columns_left_out() -> None:
    assert read("price,item\n2.5,milk-1\n").listings == (Listing("milk-1", price=Amount(250, "EUR")),)


def test_further_lines_of_an_item_add_codes() -> None:
    text = (
        OURS
        + "milk-1,Milk,,5901234123457,1.29,EUR\nham,Ham,kg,,1,EUR\nmilk-1,,,96385074,,\nmilk-1,Milk,,96385074,1.29,\n"
    )
    milk = read(text).listings[0]
    assert milk == Listing("milk-1", "Milk", None, ("05901234123457", "00000096385074"), Amount(129, "EUR"))


def test_what_ospos_exports() -> None:
    rows = (
        '7,5901234123457,"Milk, 1 l",Dairy,,0.89,1.29,,,,,5,,0,0,,,42,white\n'
        '8,,"Bread ""Land""",Bakery,,,2.50,,,,,,,0,0,,,-3,\n'
        "9,]C012345678,,,,,,,,,,,,,,,,,\n"
    )
    assert read(OSPOS + rows) == Imported(
        (
            Listing("7", "Milk, 1 l", None, ("05901234123457",), Amount(129, "EUR")),
            Listing("8", 'Bread "Land"', None, None, Amount(250, "EUR")),
            Listing("9", None, None, ("12345678",), None),
        ),
        (),
        0,
    )


def test_an_ospos_line_without_id_or_with_one_seen_before_is_an_error() -> None:
    imported = read(
        OSPOS + ",1,A,,,,1,,,,,,,,,,,,\n7,2,B,,,,1,,,,,,,,,,,,\n7,3,C,,,,1,,,,,,,,,,,,\n8,4,D,,,,1,,,,,,,,,,,,\n"
    )
    assert told(imported) == [(2, "Id", "no-item"), (4, "Id", "item-twice")]
    assert [listing.item for listing in imported.listings] == ["8"]


def test_errors_name_line_and_column_and_all_are_told() -> None:
    text = OURS + (
        "a,Apple,each,5901234123456,1.29,EUR\n"  # the check digit would be 7
        'b,"two\nlines",pound,,1.299,EURO\n'
        "c,Cherry,each,,1,29,EUR\n"
        "\n"
        ",Nobody,each,,1,EUR\n"
        "d,Date,each,,1.299,EUR\n"
        "e,Elder,each,,3,EUR\n"
    )
    imported = read(text)
    assert told(imported) == [
        (2, "code", "check-digit"),
        (3, "name", "bad-name"),
        (3, "unit", "bad-unit"),
        (3, "currency", "bad-currency"),
        (5, "", "cells"),
        (7, "item", "no-item"),
        (8, "price", "bad-price"),
    ]
    assert imported.listings == (Listing("e", "Elder", Unit.EACH, None, Amount(300, "EUR")),)
    assert "]C0" in imported.errors[0].detail


def test_headings_of_ospos_are_used_in_its_errors() -> None:
    imported = read(OSPOS + "7,5901234123456,A,,,,x,,,,,,,,,,,,\n")
    assert told(imported) == [(2, "Unit Price", "bad-price"), (2, "Barcode", "check-digit")]


def test_a_code_on_two_items_belongs_to_neither() -> None:
    imported = read(OURS + "a,A,,96385074,1,\nb,B,,96385074,2,\nc,C,,5901234123457,3,\n")
    assert told(imported) == [(2, "code", "ambiguous-code"), (3, "code", "ambiguous-code")]
    assert [listing.item for listing in imported.listings] == ["c"]


def test_a_upc_and_its_ean_form_are_one_code() -> None:
    imported = read(OURS + "a,A,,036000291452,1,\nb,B,,0036000291452,2,\n")
    assert told(imported) == [(2, "code", "ambiguous-code"), (3, "code", "ambiguous-code")]


def test_an_item_with_one_bad_line_is_left_out_whole() -> None:
    imported = read(OURS + "a,A,,96385074,1,\na,,,5901234123456,,\n")
    assert (told(imported), imported.listings) == ([(3, "code", "check-digit")], ())


def test_lines_of_one_item_must_not_contradict_each_other() -> None:
    imported = read(OURS + "a,Apple,each,,1,EUR\na,Pear,kg,,2,EUR\n")
    assert told(imported) == [(3, "name", "contradiction"), (3, "unit", "contradiction"), (3, "price", "contradiction")]
    assert imported.listings == ()


@pytest.mark.parametrize(
    ("data", "line", "column", "name"),
    [
        (b"", 1, "", "no-header"),
        (b"\xef\xbb\xbf\n\n", 1, "", "no-header"),
        (b"name,price\nx,1\n", 1, "item", "no-item-column"),
        (b"item,prize\nx,1\n", 1, "prize", "unknown-column"),
        (b"item,name,name\nx,1,2\n", 1, "name", "column-twice"),
        (b"item,name\na,b\nc,\xff\n", 3, "", "not-utf-8"),
        (b'item,name\na,b\nc,"never closed\nd,e\n', 3, "", "bad-csv"),
        (b'item,name\na,b\nc,"x"y\nd,e\n', 3, "", "bad-csv"),
        (b"item,name\n" + b"x" * 200_000 + b",y\n", 2, "", "bad-csv"),
        (b"item,name\na\x00,b\n", 2, "item", "bad-item"),
    ],
)
def test_files_that_cannot_be_read_are_told_so(data: bytes, line: int, column: str, name: str) -> None:
    imported = parse_csv(data, "EUR")
    assert (line, column, name) in told(imported)


def test_errors_are_bounded_and_counted() -> None:
    imported = read("item,price\n" + "a,x\n" * 1000 + "b,1\n")
    assert len(imported.errors) == MAX_ERRORS
    assert imported.error_count == 1000
    assert [listing.item for listing in imported.listings] == ["b"]


cells = st.sampled_from(["", "a", "b", "7", "1.5", "96385074", "each", "EUR", '"', "x" * 65, "\x1d", "\ud7ff", "]C0"])
lines = st.lists(st.lists(cells, min_size=1, max_size=7).map(",".join), max_size=6)


@given(st.binary(max_size=100) | lines.map(lambda more: (OURS + "\n".join(more)).encode()))
def test_any_bytes_are_errors_or_items_that_the_log_takes(data: bytes) -> None:
    imported = parse_csv(data, "EUR")
    for row in changes([], imported.listings, 0):
        assert decode_row(encode_row(row)) == row


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [("1.29", "EUR", 129), ("1.9", "EUR", 190), ("7", "EUR", 700), ("1.290", "EUR", 129), ("007.10", "EUR", 710),
     ("150", "JPY", 150), ("150.00", "JPY", 150), ("1.5", "KWD", 1500), ("0", "EUR", 0), ("0.07", "EUR", 7)],
)  # fmt: skip
def test_decimals_become_minor_units(text: str, currency: str, minor: int) -> None:
    assert parse_minor(text, currency) == minor


@pytest.mark.parametrize(
    "text", ["1,29", "1.299", "-1", "1e3", ".5", "5.", "", " ", "1.000,00", "0x10", "\u0661", "9" * 13, "NaN", "1 000"]
)
def test_other_decimals_are_refused(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse_minor(text, "EUR")
    assert refused.value.name == "bad-price"


words = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=12)
amounts = st.builds(Amount, st.integers(0, 10**9), st.sampled_from(["EUR", "JPY", "KWD"]))
listings = st.builds(
    Listing, words, st.none() | words, st.none() | st.sampled_from(Unit), st.none() | st.lists(
        st.from_regex(r"[A-Z]{3,6}", fullmatch=True), min_size=1, max_size=3, unique=True).map(tuple),
    st.none() | amounts,
)  # fmt: skip


def written(items: list[Listing]) -> bytes:
    """Write items as a spreadsheet would."""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["item", "name", "unit", "code", "price", "currency"])
    for listing in items:
        price, currency = "", ""
        if listing.price is not None:
            currency = listing.price.currency
            digits = minor_digits(currency)
            whole = str(listing.price.minor).rjust(digits + 1, "0")
            price = f"{whole[: len(whole) - digits]}.{whole[len(whole) - digits :]}".removesuffix(".")
        for code in listing.codes or ("",):
            rows.writerow([listing.item, listing.name or "", listing.unit or "", code, price, currency])
    return text.getvalue().encode("utf-8-sig")


@given(st.lists(listings, max_size=6, unique_by=lambda listing: listing.item))
def test_what_was_written_is_read(items: list[Listing]) -> None:
    claimed: set[str] = set()
    for listing in items:
        codes = set(listing.codes or ())
        if claimed & codes:
            return
        claimed |= codes
    imported = parse_csv(written(items), "EUR")
    assert imported.errors == ()
    assert imported.listings == tuple(items)


def test_an_error_says_in_words_what_is_wrong() -> None:
    assert read("item,price\na,1,29\n").errors == (CsvError(2, "", "cells", "3 cells under 2 headings"),)
