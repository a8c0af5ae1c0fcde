"""GS1 element strings: taken apart as they are scanned, and held to the rules of every application identifier."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.codes import CodeKind, read_code
from protocol.errors import BadInput
from protocol.gs1.ai_table import AIS
from protocol.gs1.check_digits import check_digit, check_pair, has_check_digit, measure_check_digit
from protocol.gs1.code_lists import COUNTRY_LETTERS, COUNTRY_NUMBERS, CURRENCY_OF_NUMBER
from protocol.gs1.elements import (
    GS,
    bracketed,
    check_value,
    element_string,
    parse_bracketed,
    parse_element_string,
)
from tests.unit.protocol_codes.drawing import GTIN, VARIABLE, elements

SSCC = "095201234567891235"


def refused(text: str) -> str:
    """Give the name of the refusal."""
    with pytest.raises(BadInput) as caught:
        parse_element_string(text)
    return caught.value.name


@pytest.mark.parametrize(
    ("scanned", "told"),
    [
        # Predefined lengths need no separator, the last element needs none either (General Specifications 7.8).
        (f"01{GTIN}17261231", f"(01){GTIN}(17)261231"),
        (f"01{GTIN}10ABC123{GS}17261231", f"(01){GTIN}(10)ABC123(17)261231"),
        (f"01{GTIN}1726123110ABC123{GS}21456", f"(01){GTIN}(17)261231(10)ABC123(21)456"),
        (f"00{SSCC}", f"(00){SSCC}"),
        (f"01{VARIABLE}310300125039221995", f"(01){VARIABLE}(3103)001250(3922)1995"),
        # What scanners do besides: FNC1 told in front, behind, and after a value that needs none.
        (f"{GS}01{GTIN}", f"(01){GTIN}"),
        (f"01{GTIN}{GS}17261231", f"(01){GTIN}(17)261231"),
        (f"01{GTIN}10A{GS}", f"(01){GTIN}(10)A"),
        (f"01{GTIN}10A{GS}01{GTIN}", f"(01){GTIN}(10)A"),
        ("414952114112345425432a/b", "(414)9521141123454(254)32a/b"),
        ("80030952114112345432a/b", "(8003)0952114112345432a/b"),
        ("25395211411234545678", "(253)95211411234545678"),
        ("8018952114112345678906", "(8018)952114112345678906"),
        ("80131987654Ad4X4bL5ttr2310c2K", "(8013)1987654Ad4X4bL5ttr2310c2K"),
        ("91internal, of any company's own", None),
    ],
)
def test_a_scanned_string_is_taken_apart(scanned: str, told: str | None) -> None:
    if told is None:
        assert refused(scanned) == "bad-ai"  # blanks are in no character set
    else:
        assert bracketed(parse_element_string(scanned)) == told
        assert parse_bracketed(told) == parse_element_string(scanned)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("", "bad-ai"),
        (GS, "bad-ai"),
        (f"01{GTIN[:-1]}4", "check-digit"),
        ("00" + SSCC[:-1] + "6", "check-digit"),
        ("4149521141123455", "check-digit"),
        ("4109521141123455", "check-digit"),
        ("800309521141123455", "check-digit"),
        ("2539521141123455", "check-digit"),
        ("2559521141678900", "check-digit"),
        ("8017952114112345678907", "check-digit"),
        ("8018952114112345678907", "check-digit"),
        ("8006095211411234550102", "check-digit"),
        ("40295211411234567890", "check-digit"),
        ("80131987654Ad4X4bL5ttr2310c2J", "check-digit"),
        (f"02{GTIN[:-1]}4376", "check-digit"),
        (f"01{GTIN}17261301", "bad-date"),
        (f"01{GTIN}17260230", "bad-date"),
        (f"01{GTIN}17250229", "bad-date"),
        (f"01{GTIN}70032612001200", "bad-date"),
        (f"01{GTIN}70032612312460", "bad-date"),
        (f"01{GTIN}17A61231", "bad-ai"),
        (f"01{GTIN}10" + "x" * 21, "bad-ai"),
        (f"01{GTIN}10", "bad-ai"),
        (f"01{GTIN}10a b", "bad-ai"),
        (f"01{GTIN}10ü", "bad-ai"),
        ("80109521141a" + GS + "80111", "bad-ai"),
        (f"01{GTIN[:10]}", "bad-ai"),
        (f"01{GTIN[:10]}{GS}17261231", "bad-ai"),
        (f"05{GTIN}", "unknown-ai"),
        ("0", "unknown-ai"),
        (f"01{GTIN}{GS}{GS}17261231", "unknown-ai"),
        (f"01{GTIN}3109001250", "unknown-ai"),
        (f"01{GTIN}10A{GS}10B", "ai-repeated"),
        (f"01{GTIN}39329991995", "ai-missing"),
        (f"01{VARIABLE}310300125039321231995", "bad-ai"),
        (f"01{GTIN}422280", "bad-ai"),
        ("8006095211411234540201", "bad-ai"),
    ],
)
def test_what_breaks_a_rule_is_refused_by_name(text: str, name: str) -> None:
    assert refused(text) == name


@pytest.mark.parametrize("date", ["240229", "261200", "000229"])
def test_day_00_is_the_end_of_a_month_and_leap_days_are_days(date: str) -> None:
    assert parse_element_string(f"01{GTIN}17{date}")["17"] == date


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (f"01{GTIN}3712", "ai-conflict"),
        (f"01{GTIN}2559521141678909", "ai-conflict"),
        (f"01{GTIN}02{GTIN}376", "ai-conflict"),
        (f"01{GTIN}21A{GS}235B", "ai-conflict"),
        (f"01{VARIABLE}31030012503102000125", "ai-conflict"),
        (f"01{VARIABLE}31030012503922199{GS}39329781995", "ai-conflict"),
        (f"8017952114112345678906{GS}8018952114112345678906", "ai-conflict"),
        ("10ABC", "ai-missing"),
        ("17261231", "ai-missing"),
        ("21123", "ai-missing"),
        (f"02{GTIN}", "ai-missing"),
        ("3103001250", "ai-missing"),
        (f"01{VARIABLE}3922199", "ai-missing"),
        ("25432", "ai-missing"),
        (f"01{GTIN}250A", "ai-missing"),
    ],
)
def test_what_may_not_stand_together_or_not_alone_is_refused(text: str, name: str) -> None:
    assert refused(text) == name


def test_what_a_key_needs_may_be_one_of_several_and_a_signature_needs_both() -> None:
    signed = f"01{GTIN}21A{GS}8030c2ln"
    assert parse_element_string(signed)["8030"] == "c2ln"
    assert refused(f"01{GTIN}{GS}8030c2ln") == "ai-missing"
    assert "30" in parse_element_string(f"01{VARIABLE}3012{GS}3922199")


def test_the_published_check_digits_hold() -> None:
    assert check_digit("950110153000") == "3"
    assert has_check_digit("6291041500213")
    # General Specifications 7.9.3 and 7.9.4, and 7.9.5's model number.
    assert (measure_check_digit("2875"), measure_check_digit("14685")) == ("9", "6")
    assert check_pair("1987654Ad4X4bL5ttr2310c") == "2K"


@given(st.text("0123456789", min_size=4, max_size=5), st.data())
def test_one_wrong_digit_of_a_price_is_seen(field: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(field) - 1))
    other = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != field[place]]))
    assert measure_check_digit(field) != measure_check_digit(field[:place] + other + field[place + 1 :])


def test_weight_and_price_are_whole_grams_and_minor_units() -> None:
    code = read_code(f"01{VARIABLE}310300125039329781995", "]C1")
    assert (code.kind, code.gtin, code.lookup) == (CodeKind.ELEMENT_STRING, VARIABLE, VARIABLE)
    assert (code.weight_g, code.price) == (1250, code.price)
    assert code.price is not None
    assert (code.price.minor, code.price.currency) == (1995, "EUR")


@pytest.mark.parametrize(
    ("measure", "grams"),
    [("3100000002", 2000), ("3102000125", 1250), ("3104012500", 1250), ("3105125000", 1250), ("3200100000", 45359237)],
)
def test_every_decimal_place_and_unit_is_exact(measure: str, grams: int) -> None:
    assert read_code(f"01{VARIABLE}{measure}", "]e0").weight_g == grams


@pytest.mark.parametrize("measure", ["3104012501", "3105000001", "3201000010", "3560000001"])
def test_a_weight_finer_than_a_gram_is_an_error(measure: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_code(f"01{VARIABLE}{measure}", "]e0")
    assert caught.value.name == "weight-too-fine"


def test_a_price_finer_than_its_currency_is_an_error() -> None:
    with pytest.raises(BadInput) as caught:
        read_code(f"01{VARIABLE}310300125039339781995", "]e0")
    assert caught.value.name == "price-too-fine"
    yen = read_code(f"01{VARIABLE}310300125039303921995", "]e0").price
    assert yen is not None
    assert (yen.minor, yen.currency) == (1995, "JPY")


@given(elements())
def test_what_is_written_is_read_back(found: dict[str, str]) -> None:
    assert parse_element_string(element_string(found)) == found
    assert list(parse_element_string(element_string(found))) == list(found)


@given(st.sampled_from(sorted(AIS)), st.text("0123456789AZaz/-#=%", max_size=40))
def test_any_value_of_any_identifier_passes_or_is_refused_by_name(ai: str, value: str) -> None:
    try:
        check_value(ai, AIS[ai], value)
    except BadInput as error:
        name = error.name
    else:
        name = "passed"
    assert name in {"passed", "bad-ai", "check-digit", "bad-date"}


@given(
    st.lists(
        st.sampled_from([*sorted(AIS), GS, GTIN, SSCC, "261231", "0", "(", ")", "A", "é", "\ud800", "٣"]), max_size=12
    ).map("".join)
)
def test_any_text_is_elements_or_a_named_refusal(text: str) -> None:
    for parse in (parse_element_string, parse_bracketed):
        try:
            found = parse(text)
        except BadInput:
            continue
        assert found is None or all(ai in AIS for ai in found)


def test_the_table_is_whole() -> None:
    assert len(AIS) == 536
    # No identifier begins another: that is how a string can be taken apart at all.
    ordered = sorted(AIS)
    assert not [pair for pair in pairwise(ordered) if pair[1].startswith(pair[0])]
    assert all(rule.least == rule.most for rule in AIS.values() if rule.predefined)
    lengths = {ai[:2]: len(ai) + rule.most for ai, rule in AIS.items() if rule.predefined}
    assert lengths == {
        "00": 20,
        "01": 16,
        "02": 16,
        "03": 16,
        "20": 4,
        "41": 16,
        **dict.fromkeys(["11", "12", "13", "15", "16", "17"], 8),
        **dict.fromkeys(["31", "32", "33", "34", "35", "36"], 10),
    }
    assert (len(COUNTRY_NUMBERS), len(COUNTRY_LETTERS), CURRENCY_OF_NUMBER["978"]) == (249, 249, "EUR")
