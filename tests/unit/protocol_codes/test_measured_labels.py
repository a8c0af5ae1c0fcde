"""Labels of the store's own scale: read by its patterns, looked up under the GTIN that its catalogue lists."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.codes import CodeKind, ScannedCode, read_code
from protocol.errors import BadInput
from protocol.gs1.check_digits import check_digit, measure_check_digit
from protocol.variable_measure import CodeRules, parse_patterns

WEIGHT = "21IIIIIWW.WWWC"
PRICE = "02IIIIVPPP.PPC"


def read(body: str, *patterns: str, currency: str | None = "EUR", aim: str | None = "]E0") -> ScannedCode:
    """Read twelve digits and the check digit due."""
    return read_code(body + check_digit(body), aim, parse_patterns(patterns, currency))


def test_a_weight_is_grams_and_the_item_is_what_the_catalogue_lists() -> None:
    code = read("211234501250", WEIGHT)
    listed = "211234500000" + check_digit("211234500000")
    assert (code.kind, code.weight_g, code.price) == (CodeKind.MEASURED, 1250, None)
    # A catalogue is imported without patterns: the key is the same.
    assert code.lookup == code.gtin == read_code(listed, None).lookup
    # Scanning the listing itself tells no weight, so the item goes to the scale.
    assert (read("211234500000", WEIGHT).weight_g, read("211234500000", WEIGHT).lookup) == (None, code.lookup)


def test_a_price_is_minor_units_and_has_its_own_check_digit() -> None:
    # General Specifications 7.9.4: 14685 has the verifier 6.
    code = read("021234614685", PRICE)
    assert code.price is not None
    assert (code.price.minor, code.price.currency, code.weight_g) == (14685, "EUR", None)
    assert code.gtin == "0" + "021234000000" + check_digit("021234000000")
    with pytest.raises(BadInput) as caught:
        read("021234514685", PRICE)
    assert caught.value.name == "measure-check-digit"


def test_a_upc_a_is_read_by_a_pattern_of_twelve_or_thirteen() -> None:
    body = "21234592875"
    text = body + check_digit(body)
    for pattern in ("2IIIIIVPP.PPC", "02IIIIIVPP.PPC"):
        code = read_code(text, "]E0", parse_patterns([pattern], "GBP"))
        assert code.price is not None
        assert (code.kind, code.price.minor, code.lookup[:8]) == (CodeKind.MEASURED, 2875, "00212345")


def test_the_first_pattern_that_fits_counts_and_others_stay_plain() -> None:
    patterns = ("2112IIIWWW.WWC", WEIGHT)
    assert read("211200000150", *patterns).weight_g == 1500
    assert read("211300000150", *patterns).weight_g == 150
    assert read("221234501250", *patterns).kind is CodeKind.EAN13
    assert read("211234501250", *patterns, aim="]I0").kind is CodeKind.OPAQUE
    assert read_code("96385074", "]E4", parse_patterns([WEIGHT])).kind is CodeKind.EAN8


def test_digits_of_no_meaning_are_zero_in_the_items_number() -> None:
    code = read("219123401250", "21xIIIIWW.WWWC")
    assert (code.weight_g, code.lookup[1:13]) == (1250, "210123400000")


@pytest.mark.parametrize(
    ("pattern", "body", "grams"),
    [
        ("21IIIIIWWW.WWC", "211234500125", 1250),
        ("21IIIIIWWWW.WC", "211234500020", 2000),
        ("21IIIIIW.WWWWC", "211234512500", 1250),
    ],
)
def test_the_point_says_where_the_kilogram_is(pattern: str, body: str, grams: int) -> None:
    assert read(body, pattern).weight_g == grams


def test_what_is_finer_than_a_gram_or_a_cent_is_an_error() -> None:
    with pytest.raises(BadInput) as caught:
        read("211234512501", "21IIIIIW.WWWWC")
    assert caught.value.name == "weight-too-fine"
    with pytest.raises(BadInput) as caught:
        read("211234512501", "21IIIIIPPP.PPC", currency="JPY")
    assert caught.value.name == "price-too-fine"


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "21IIIIIWW.WWW",
        "21IIIIIWW.WWWWC",
        "50IIIIIWW.WWWC",
        "IIIIIIIWW.WWWC",
        "21IIIIIIIIIIC",
        "21xxxxxWW.WWWC",
        "21IIWWWIIIWWC",
        "21IIIIIWW.WW.C",
        "21II.IIIWWWWWC",
        "21IIIIWVW.WWWC",
        "21IIIVVWW.WWWC",
        "21IIIIIIVWW.WC",
        "21IIIIIWW.WWC7",
        "21IIIIIww.wwwC",
        "21IIIIIWWWWWC",
        "21.....{NNDDD}",
        "x" * 10_000,
    ],
)
def test_a_pattern_that_means_nothing_is_refused(pattern: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_patterns([pattern], "EUR")
    assert caught.value.name == "bad-pattern"


def test_a_price_needs_a_currency() -> None:
    with pytest.raises(BadInput):
        parse_patterns([PRICE])
    with pytest.raises(BadInput) as caught:
        parse_patterns([], "euro")
    assert caught.value.name == "bad-currency"
    assert parse_patterns([]) == CodeRules()


@given(st.integers(0, 99999), st.integers(0, 99999))
def test_every_label_a_scale_prints_is_read_back(item: int, grams: int) -> None:
    code = read(f"21{item:05}{grams:05}", WEIGHT)
    assert (code.weight_g or 0) == grams
    assert code.lookup[3:8] == f"{item:05}"


@given(st.integers(0, 9999), st.integers(1, 99999))
def test_every_price_label_is_read_back(item: int, minor: int) -> None:
    field = f"{minor:05}"
    code = read(f"02{item:04}{measure_check_digit(field)}{field}", PRICE)
    assert code.price is not None
    assert code.price.minor == minor


@given(st.text(alphabet="0123456789IWPVxC.", max_size=15))
def test_any_text_is_a_pattern_or_refused_and_no_pattern_breaks_reading(text: str) -> None:
    try:
        rules = parse_patterns([text], "EUR")
    except BadInput:
        return
    prefix = next(iter(rules.patterns))
    body = prefix + "1234567890"
    try:
        code = read_code(body + check_digit(body), None, rules)
    except BadInput:
        return
    assert code.gtin is not None
    assert check_digit(code.gtin[:-1]) == code.gtin[-1]
