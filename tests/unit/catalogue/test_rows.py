"""Rows of the catalogue log: lines and back, keys, and garbage that is refused without an accident."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.catalogue import (
    STORE,
    CatalogueRow,
    CodeLink,
    Gone,
    Item,
    Price,
    PriceKind,
    RowKey,
    RowKind,
    Setting,
    Unit,
    area_scope,
    decode_row,
    decode_rows,
    encode_row,
    link_at,
    row_key,
    setting_at,
    station_scope,
    tombstone,
)
from protocol.errors import BadInput
from protocol.identity import PlaceId, StationId

TILL = station_scope(StationId("till-3"))
FRONT = area_scope(PlaceId("front"))

words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
times = st.integers(0, 2**53)
intervals = st.tuples(times, st.none() | times).filter(lambda pair: pair[1] is None or pair[0] <= pair[1])
scopes = st.sampled_from([STORE, FRONT, TILL])
items = st.builds(Item, words, words, st.sampled_from(Unit))
links = st.builds(
    lambda code, item, factor, interval: CodeLink(code, item, factor, *interval),
    words, words, st.integers(1, 10**9), intervals,
)  # fmt: skip
prices = st.builds(
    lambda item, id_, kind, minor, scope, interval: Price(item, id_, kind, minor, "EUR", scope, 0, 0, *interval),
    words, words, st.sampled_from(PriceKind), st.integers(0, 10**12), scopes, intervals,
)  # fmt: skip
settings = st.builds(Setting, scopes, words, words)
rows: st.SearchStrategy[CatalogueRow] = st.one_of(items, links, prices, settings)


@given(rows)
def test_a_row_comes_back_from_its_line(row: CatalogueRow) -> None:
    line = encode_row(row)
    assert b"\n" not in line
    assert decode_row(line) == row


@given(rows)
def test_a_tombstone_names_the_row_it_ends(row: CatalogueRow) -> None:
    grave = decode_row(encode_row(tombstone(row_key(row))))
    assert isinstance(grave, Gone)
    assert row_key(grave) == row_key(row)


def test_lines_are_what_the_page_says_they_are() -> None:
    price = Price("milk-1", "regular-0", PriceKind.REGULAR, 129, "EUR", FRONT, 2, 6000, 5, 9)
    assert encode_row(price) == b'["p","milk-1","regular-0","regular",129,"EUR","area:front",2,6000,5,9]'
    assert encode_row(Item("milk-1", "Milk 1 l")) == b'["i","milk-1","Milk 1 l","each"]'
    assert encode_row(CodeLink("05901234123457", "milk-1")) == b'["l","05901234123457","milk-1",1000,0,null]'
    assert encode_row(Setting(TILL, "mode", "sale")) == b'["s","station:till-3","mode","sale"]'
    assert encode_row(Gone(RowKind.ITEM, "milk-1")) == b'["g","i","milk-1",""]'


def test_fields_that_a_later_release_adds_are_passed_over() -> None:
    assert decode_row(b'["i","milk-1","Milk","each","dairy","farm",1000,0,false,{"more":1}]') == Item(
        "milk-1", "Milk", Unit.EACH, "dairy", "farm"
    )


def test_two_prices_of_one_id_and_two_links_of_one_beginning_are_the_same_row() -> None:
    assert row_key(Price("a", "x", PriceKind.REGULAR, 1, "EUR")) == row_key(
        Price("a", "x", PriceKind.MARKDOWN, 2, "EUR")
    )
    assert row_key(CodeLink("c", "a", 1000, 7)) == row_key(CodeLink("c", "b", 6000, 7, 9))
    assert row_key(CodeLink("c", "a", 1000, 7)) == RowKey(RowKind.LINK, "c", "7")


@pytest.mark.parametrize(
    "line",
    [
        b"", b"[]", b"{}", b"null", b'["i"]', b'["i","","name"]', b'["z","a","b"]', b'["i","a","\xff"]',
        b'["i","a","\\ud800"]', b"[" * 5000, b'["l","c","i",0]', b'["l","c","i",1000,-1]', b'["l","c","i",1000,9,3]',
        b'["l","","i"]', b'["p","i","x","regular",-1,"EUR"]', b'["p","i","x","regular",1.5,"EUR"]',
        b'["p","i","x","regular",1,"eur"]', b'["p","i","x","regular",1,"EURO"]',
        b'["p","i","x","regular",1,"\xc3\x84BC"]',
        b'["p","i","x","gift",1,"EUR"]', b'["p","i","x","regular",1,"EUR","shop"]',
        b'["p","i","x","regular",1,"EUR","area:"]', b'["s","station:Till 3","k","v"]', b'["g","x","a",""]',
        b'["g","l","05901234123457","soon"]', b'["g","l","05901234123457","-1"]', b'["i","a","b"] and more',
        b'["p","i","x","regular",99999999999999999999999,"EUR"]',
    ],
)  # fmt: skip
def test_what_is_no_row_is_refused_by_name(line: bytes) -> None:
    with pytest.raises(BadInput) as refused:
        decode_row(line)
    assert refused.value.name == "bad-row"


@given(st.binary(max_size=80) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["i", "l", "p", "s", "g"]),
    lambda inner: st.lists(inner, max_size=8), max_leaves=12,
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_garbage_is_a_row_or_a_refusal(line: bytes) -> None:
    row = row_or_none(line)
    if row is not None:
        assert decode_row(encode_row(row)) == row
        assert row_key(row).kind in RowKind


def row_or_none(line: bytes) -> CatalogueRow | None:
    """Decode; any error but the one promised goes through and fails the test."""
    try:
        return decode_row(line)
    except BadInput:
        return None


def test_a_code_means_what_its_link_in_force_says() -> None:
    old, new = CodeLink("c", "summer-box", 1000, 0, 50), CodeLink("c", "winter-box", 12000, 50)
    assert link_at([new, old], 49) == old
    assert link_at([old, new], 50) == new
    assert link_at([CodeLink("c", "later", 1000, 60)], 59) is None
    assert link_at([CodeLink("c", "never", 1000, 60, 60)], 60) is None


def test_where_links_overlap_the_later_begun_holds() -> None:
    wide, narrow = CodeLink("c", "a", 1000, 0), CodeLink("c", "b", 1000, 10, 20)
    assert [link.item for at in (5, 15, 25) if (link := link_at([wide, narrow], at))] == ["a", "b", "a"]


def test_a_setting_is_the_narrowest_scopes() -> None:
    held = [Setting(STORE, "mode", "sale"), Setting(TILL, "mode", "return"), Setting(FRONT, "mode", "count")]
    assert setting_at(held, [TILL, FRONT, STORE]) == "return"
    assert setting_at(held, [FRONT, STORE]) == "count"
    assert setting_at(held, [station_scope(StationId("till-4")), STORE]) == "sale"
    assert setting_at(held, []) is None


def decoded(lines: list[bytes]) -> list[CatalogueRow] | None:
    try:
        return [decode_row(line) for line in lines]
    except BadInput:
        return None


SOUND = [
    encode_row(Item("milk", "Milk")),
    encode_row(CodeLink("1", "milk", 1000, 5, 9)),
    encode_row(Price("milk", "r", PriceKind.REGULAR, 199, "EUR", sell_factor_milli=100)),
    encode_row(Setting(STORE, "mode", "sale")),
    encode_row(Gone(RowKind.LINK, "1", "5")),
]
UNSOUND = [
    b"junk",
    b'["l","1","milk",1000,9,5]',
    b'["p","milk","r","regular",199,"eur","store",0,0,0,null]',
    b'["p","milk","r","regular",199,"EUR","shop",0,0,0,null]',
    b'["p","milk","r","regular",199,"EUR","store",0,0,9,5]',
    b'["p","milk","r","regular",1,"EUR","store",0,0,0,null,12000]',
    b'["s","shop","mode","sale"]',
    b'["g","l","1","x"]',
]


@given(st.lists(st.sampled_from(SOUND), max_size=4), st.lists(st.sampled_from([*SOUND, *UNSOUND]), max_size=2))
def test_many_lines_are_read_as_each_is(lines: list[bytes], more: list[bytes]) -> None:
    assert decode_rows(lines) == decoded(lines)
    assert decode_rows(lines + more) == decoded(lines + more)


@pytest.mark.parametrize("line", UNSOUND)
@pytest.mark.parametrize("beside", [SOUND[:0], SOUND[1:2], SOUND[2:3], SOUND])
def test_one_that_is_no_row_is_not_missed_among_many(line: bytes, beside: list[bytes]) -> None:
    assert decode_rows([*beside, line]) is None
