"""The balance sheet says yes only when every figure agrees, and says which does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shelfwire.demo.balance import Balance, CatalogueLine, FeedLine, StatementLine, StationLine, StockLine, stock_lines
from shelfwire.demo.run import Outcome

TILL = StationLine("till-1", scanned=150, durable=150, committed=150, folded=150, entries=157, hub_entries=157)
MILK = StockLine("item-102", "Whole milk 1 l", "each", tally_milli=21_000, hub_milli=21_000, hq_milli=21_000)
CATALOGUE = CatalogueLine("c0ffee", "c0ffee", {"till-1": "c0ffee"}, rows=108)
FEED = FeedLine(entries=149, expected=149)
SHEET = Balance((TILL,), (MILK,), CATALOGUE, FEED)


def test_a_sheet_on_which_all_agrees_balances() -> None:
    assert SHEET.balanced
    assert SHEET.differences == ()


@pytest.mark.parametrize("column", ["scanned", "durable", "committed", "folded"])
@pytest.mark.parametrize("by", [-1, 1])
def test_one_scan_more_or_less_in_any_column_is_found(column: str, by: int) -> None:
    wrong = replace(TILL, **{column: getattr(TILL, column) + by})
    sheet = replace(SHEET, stations=(wrong,))
    assert not wrong.balanced
    assert not sheet.balanced
    assert len(sheet.differences) == 1
    assert sheet.differences[0].startswith("till-1: ")


def test_an_entry_that_is_no_scan_must_be_at_the_hub_too() -> None:
    assert not replace(SHEET, stations=(replace(TILL, hub_entries=156),)).balanced


def test_an_entry_in_quarantine_is_no_balance() -> None:
    assert not replace(SHEET, stations=(replace(TILL, quarantined=1),)).balanced


@pytest.mark.parametrize("column", ["tally_milli", "hub_milli", "hq_milli"])
@pytest.mark.parametrize("by", [-1, 1, 1000])
def test_a_gram_more_or_less_anywhere_is_found(column: str, by: int) -> None:
    wrong = replace(MILK, **{column: getattr(MILK, column) + by})
    sheet = replace(SHEET, stock=(MILK, wrong))
    assert not sheet.balanced
    assert sheet.differences[0].startswith("Whole milk 1 l: ")


def test_what_nobody_was_told_of_counts_as_none() -> None:
    assert not replace(MILK, hub_milli=None).balanced
    assert not replace(MILK, hq_milli=None).balanced
    assert replace(MILK, tally_milli=0, hub_milli=0, hq_milli=None).balanced
    assert replace(MILK, tally_milli=0, hub_milli=None, hq_milli=0).balanced


def test_stock_that_only_the_hub_or_hq_believes_in_is_found() -> None:
    lines = stock_lines([("milk", "Milk", "each", 1000)], {"milk": 1000, "ghost": 2000}, {"milk": 1000, "wraith": 0})
    assert [(line.item, line.balanced) for line in lines] == [("milk", True), ("ghost", False), ("wraith", True)]


def test_what_lies_on_the_shelves_and_is_in_no_books_is_found() -> None:
    [line] = stock_lines([("milk", "Milk", "each", 1000)], {}, {})
    assert not line.balanced


@pytest.mark.parametrize(
    "catalogue",
    [
        replace(CATALOGUE, hub="dead"),
        replace(CATALOGUE, hub=None),
        replace(CATALOGUE, stations={"till-1": "c0ffee", "bay-1": "dead"}),
        replace(CATALOGUE, stations={"till-1": None}),
    ],
)
def test_everybody_must_hold_the_catalogue_of_hq(catalogue: CatalogueLine) -> None:
    sheet = replace(SHEET, catalogue=catalogue)
    assert not sheet.balanced
    assert len(sheet.differences) == 1


@pytest.mark.parametrize(
    "feed",
    [
        replace(FEED, entries=148),
        replace(FEED, entries=150),
        replace(FEED, journal_expected=1),
        replace(FEED, journal=1),
        replace(FEED, unreadable=1),
        replace(FEED, losses=1),
        replace(FEED, forks=1),
    ],
)
def test_hq_must_be_told_of_everything_once(feed: FeedLine) -> None:
    sheet = replace(SHEET, feed=feed)
    assert not sheet.balanced
    assert len(sheet.differences) == 1


@pytest.mark.parametrize("statement", [StatementLine(28, 1), StatementLine(28, None)])
def test_what_hq_states_must_be_what_it_was_told(statement: StatementLine) -> None:
    sheet = replace(SHEET, statement=statement)
    assert not sheet.balanced
    assert len(sheet.differences) == 1


@pytest.mark.parametrize(
    "empty",
    [
        replace(SHEET, stations=()),
        replace(SHEET, stock=()),
        replace(SHEET, stations=(StationLine("till-1", 0, 0, 0, 0, 0, 0),)),
    ],
)
def test_where_nothing_happened_nothing_is_proved(empty: Balance) -> None:
    assert not empty.balanced


@pytest.mark.parametrize(
    ("balance", "failure", "is_good"),
    [
        (SHEET, None, True),
        (replace(SHEET, stock=(replace(MILK, hub_milli=22_000),)), None, False),
        (SHEET, "late", False),
        (None, "stopped", False),
    ],
)
def test_a_day_is_good_whose_sheet_balances_and_that_nothing_went_wrong_in(
    balance: Balance | None, failure: str | None, is_good: bool
) -> None:
    assert Outcome(balance, failure).good is is_good
