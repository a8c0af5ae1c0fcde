"""The catalogue as a CSV file: what is exported and imported again changes nothing."""

from __future__ import annotations

import csv
import io
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.catalogue.csv_export import CatalogueLines, decimal
from hub.catalogue.csv_import import OURS, parse_csv
from hub.catalogue.diff import changes
from protocol.catalogue import STORE, CodeLink, Gone, Item, LiveRow, Price, PriceKind, Setting, Unit, area_scope
from protocol.codes import plu_key, read_code
from protocol.identity import PlaceId

BERLIN = ZoneInfo("Europe/Berlin")
NOW_US = 1_780_315_200_000_000
HOUR_US = 3_600_000_000
FRONT = area_scope(PlaceId("front"))
MILK = read_code("4006381333931", None).lookup
HAM = read_code("4012345678901", None).lookup


def exported(rows: list[LiveRow]) -> tuple[bytes, int]:
    text = io.StringIO(newline="")
    lines = CatalogueLines(rows, NOW_US, BERLIN)
    csv.writer(text).writerows([OURS, *lines])
    return text.getvalue().encode(), lines.left_out


def assert_comes_back(rows: list[LiveRow]) -> None:
    data, _ = exported(rows)
    read = parse_csv(data, "SEK", BERLIN)
    assert read.errors == ()
    assert changes(rows, read.listings, NOW_US) == []
    anew = parse_csv(data, "SEK", BERLIN).listings
    first = [row for row in changes([], anew, NOW_US) if not isinstance(row, Gone)]
    again, _ = exported(first)
    assert again == data, "a hub that knew nothing before exports the same"


def test_all_that_a_file_can_say_comes_back() -> None:
    rows: list[LiveRow] = [
        Item("milk", 'Milk, "whole"', Unit.EACH, "dairy", "Dairy & Sons", 12_000, 3, tagged=True),
        Item("ham", "=Cooked ham", Unit.KG),
        CodeLink(MILK, "milk"),
        CodeLink(read_code("14006381333938", None).lookup, "milk", 12_000, NOW_US - 1),
        CodeLink("X-12", "milk"),
        CodeLink("12345678", "milk", 500),
        CodeLink(HAM, "ham"),
        CodeLink(plu_key("83"), "ham"),
        Price("milk", "regular-0", PriceKind.REGULAR, 129, "EUR"),
        Price("ham", "regular-0", PriceKind.REGULAR, 199, "EUR", sell_factor_milli=100),
        Price("milk", "easter", PriceKind.PROMOTION, 99, "EUR", FRONT, 10, 6000, NOW_US, NOW_US + 24 * HOUR_US),
        Price("milk", "later", PriceKind.MARKDOWN, 300, "JPY", STORE, -5, 0, NOW_US + HOUR_US, None),
    ]
    assert exported(rows)[1] == 0
    assert_comes_back(rows)


def test_what_it_cannot_say_is_left_out_and_counted() -> None:
    rows: list[LiveRow] = [
        Item("milk", "Milk"),
        Item("ghost\n", "Ghost"),
        CodeLink(MILK, "milk", 1000, 0, NOW_US - HOUR_US),
        CodeLink(MILK, "milk", 1000, NOW_US - HOUR_US),
        CodeLink(HAM, "nothing"),
        Setting(STORE, "key", "value"),
        Price("milk", "hq-1", PriceKind.REGULAR, 129, "EUR", FRONT),
        Price("milk", "over", PriceKind.PROMOTION, 99, "EUR", STORE, 10, 0, 0, NOW_US),
        Price("milk", "odd", PriceKind.PROMOTION, 99, "EUR", STORE, 10, 0, NOW_US, NOW_US + 1),
        Price("gone", "regular-0", PriceKind.REGULAR, 129, "EUR"),
    ]
    data, left_out = exported(rows)
    assert left_out == 8
    assert data.decode().splitlines()[1:] == [
        f"milk,Milk,each,{MILK},1,,,,,,,,,no,,,,,,,",
    ]
    assert_comes_back(rows)


@given(st.integers(-(10**12), 10**12), st.integers(0, 3))
def test_a_number_is_written_with_the_places_it_needs(number: int, digits: int) -> None:
    text = decimal(number, digits)
    whole, _, part = text.partition(".")
    assert int(whole + part.ljust(digits, "0")) == number
    assert not part.endswith("0")


@pytest.mark.parametrize(("number", "digits", "text"), [(1250, 3, "1.25"), (300, 0, "300"), (-5, 2, "-0.05")])
def test_as_people_write_it(number: int, digits: int, text: str) -> None:
    assert decimal(number, digits) == text
