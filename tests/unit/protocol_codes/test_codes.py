"""A scanned code is a GTIN only where symbology and check digit say so; all else is opaque, or refused by name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.codes import CodeKind, read_code
from protocol.errors import BadInput


def check_digit(body: str) -> str:
    """Work the digit out as the GS1 General Specifications (7.9) tell it to a clerk: from the right, by 3 and 1."""
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(body)))
    return str(-total % 10)


bodies = {length: st.text("0123456789", min_size=length - 1, max_size=length - 1) for length in (8, 12, 13, 14)}
kinds = {8: CodeKind.EAN8, 12: CodeKind.UPCA, 13: CodeKind.EAN13, 14: CodeKind.GTIN14}


@pytest.mark.parametrize(
    ("text", "aim", "kind", "gtin"),
    [
        ("5901234123457", None, CodeKind.EAN13, "05901234123457"),
        ("5901234123457", "]E0", CodeKind.EAN13, "05901234123457"),
        ("96385074", None, CodeKind.EAN8, "00000096385074"),
        ("96385074", "]E4", CodeKind.EAN8, "00000096385074"),
        ("036000291452", None, CodeKind.UPCA, "00036000291452"),
        ("036000291452", "]E0", CodeKind.UPCA, "00036000291452"),
        ("10012345678902", None, CodeKind.GTIN14, "10012345678902"),
        ("10012345678902", "]I1", CodeKind.GTIN14, "10012345678902"),
        ("10012345678902", "]I0", CodeKind.GTIN14, "10012345678902"),
    ],
)
def test_a_gtin_is_told_by_fourteen_digits(text: str, aim: str | None, kind: CodeKind, gtin: str) -> None:
    code = read_code(text, aim)
    assert (code.kind, code.gtin, code.lookup) == (kind, gtin, gtin)


def test_a_upc_is_the_same_code_with_and_without_its_leading_zero() -> None:
    assert read_code("036000291452", "]E0").lookup == read_code("0036000291452", "]E0").lookup


@given(st.sampled_from([8, 12, 13, 14]).flatmap(lambda length: bodies[length]))
def test_every_last_digit_but_the_one_due_is_refused(body: str) -> None:
    due = check_digit(body)
    assert read_code(body + due, None).kind is kinds[len(body) + 1]
    for digit in "0123456789":
        if digit != due:
            with pytest.raises(BadInput) as refused:
                read_code(body + digit, None)
            assert refused.value.name == "check-digit"


@pytest.mark.parametrize("aim", ["]A0", "]C0", "]Q0", "]F0", "]X0"])
def test_digits_in_a_symbol_without_gs1_meaning_are_the_shops_own(aim: str) -> None:
    code = read_code("12345678", aim)  # 8 digits, and no EAN-8: the check digit would be 0
    assert (code.kind, code.gtin, code.lookup) == (CodeKind.OPAQUE, None, "12345678")


@pytest.mark.parametrize("text", ["96385074", "036000291452", "5901234123457"])
def test_an_itf_symbol_read_short_is_never_taken_for_a_shorter_gtin(text: str) -> None:
    assert read_code(text, "]I0").kind is CodeKind.OPAQUE


def test_a_upce_sent_unexpanded_is_not_taken_for_an_ean8() -> None:
    assert read_code("96385074", "]E0").kind is CodeKind.OPAQUE


def test_an_element_string_is_looked_up_by_its_gtin() -> None:
    text = "010950110153000310ABC123\x1d17251231"
    assert read_code(text, "]C1").lookup == "09501101530003"


@pytest.mark.parametrize("zero", [0xFF10, 0x0660], ids=["fullwidth", "arabic"])
def test_digits_of_other_scripts_are_text(zero: int) -> None:
    digits = "".join(chr(zero + int(digit)) for digit in "5901234123457")
    assert read_code(digits, None).kind is CodeKind.OPAQUE


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("", "empty-code"),
        ("x" * 4097, "code-too-long"),
        ("1" * 1_000_000, "code-too-long"),
        ("abc\r", "control-character"),
        ("\x00", "control-character"),
        ("abc\x7f", "control-character"),
        ("abc\x85", "control-character"),
        ("abc\ud800", "control-character"),
        ("5901234123456", "check-digit"),
    ],
)
def test_what_no_label_holds_is_refused_by_name(text: str, name: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_code(text, None)
    assert refused.value.name == name


@given(st.text(max_size=60), st.none() | st.sampled_from(["]E0", "]E4", "]C1", "]A0", "]I1", "", "]", "E0"]))
def test_any_text_is_a_code_that_can_be_stored_or_a_named_refusal(text: str, aim: str | None) -> None:
    try:
        code = read_code(text, aim)
    except BadInput:
        return
    assert code.lookup.encode()
    assert code.lookup == (code.gtin or code.lookup)
    assert (code.gtin, code.lookup) == (None, text) or code.kind is not CodeKind.OPAQUE
