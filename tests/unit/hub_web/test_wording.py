"""Figures are written as a shop reads them, and nobody's text can do more than be read."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.web.wording import (
    SHOWN_CHARACTERS,
    clock_time,
    duration,
    give_or_take,
    hex_rows,
    iso_time,
    money,
    moved,
    plain,
    quantity,
    whole,
)
from tests.unit.hub_web.shop import NOON_US

THIN = "\N{NARROW NO-BREAK SPACE}"
HOUR_US = 3_600_000_000


@pytest.mark.parametrize(
    ("milli", "unit", "written"),
    [
        (3000, "each", "3"),
        (0, "each", "0"),
        (-3000, "each", "−3"),  # noqa: RUF001 - a minus, as it is set
        (2500, "each", "2.500"),
        (1250, "kg", f"1.250{THIN}kg"),
        (1000, "kg", f"1.000{THIN}kg"),
        (-5, "kg", f"−0.005{THIN}kg"),  # noqa: RUF001
        (12_345_000, "each", f"12{THIN}345"),
    ],
)
def test_a_quantity_is_written_in_its_unit(milli: int, unit: str, written: str) -> None:
    assert quantity(milli, unit) == written


def test_a_movement_always_has_its_sign() -> None:
    assert (moved(2000), moved(-2000), moved(0)) == ("+2", "−2", "0")  # noqa: RUF001


@pytest.mark.parametrize(
    ("minor", "currency", "written"),
    [
        (249, "EUR", f"2.49{THIN}EUR"),
        (5, "EUR", f"0.05{THIN}EUR"),
        (300, "JPY", f"300{THIN}JPY"),
        (1500, "BHD", f"1.500{THIN}BHD"),
        (-249, "EUR", f"−2.49{THIN}EUR"),  # noqa: RUF001
        (123_456_789, "EUR", f"1{THIN}234{THIN}567.89{THIN}EUR"),
    ],
)
def test_money_has_its_currency_and_that_currency_s_digits(minor: int, currency: str, written: str) -> None:
    assert money(minor, currency) == written


def test_a_time_is_as_short_as_it_can_be_understood() -> None:
    assert clock_time(NOON_US - 7_000_000, NOON_US) == "11:59:53"
    assert clock_time(NOON_US - 24 * HOUR_US, NOON_US) == "31 May 12:00:00"
    assert clock_time(NOON_US - 366 * 24 * HOUR_US, NOON_US) == "31 May 2025 12:00:00"
    assert iso_time(NOON_US + 250_000) == "2026-06-01T12:00:00.250Z"


@given(st.integers(-(2**63), 2**63))
def test_no_time_breaks_the_page(t_us: int) -> None:
    assert clock_time(t_us, NOON_US)
    assert isinstance(iso_time(t_us), str)
    assert duration(t_us)
    assert isinstance(give_or_take(t_us), str)


@pytest.mark.parametrize(
    ("us", "written"),
    [
        (0, "0 s"),
        (1, "1 s"),
        (89_000_000, "89 s"),
        (91_000_000, "2 min"),
        (90 * 60_000_000, "1 h 30 min"),
        (2 * HOUR_US, "2 h"),
        (26 * HOUR_US, "1 d 2 h"),
        (30 * 24 * HOUR_US, "30 d"),
        (-5, "0 s"),
    ],
)
def test_a_span_is_said_as_a_person_would(us: int, written: str) -> None:
    assert duration(us).replace(THIN, " ") == written


@pytest.mark.parametrize(
    ("err_us", "written"), [(0, ""), (1, "± 1 ms"), (40_000, "± 40 ms"), (2_500_000, "± 3 s"), (2 * HOUR_US, "± 2 h")]
)
def test_an_error_is_rounded_up(err_us: int, written: str) -> None:
    assert give_or_take(err_us).replace(THIN, " ") == written


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x07", "␛[31mred␇"),
        ("a\r\nb\tc\x7f", "a␍␊b␉c␡"),
        ("\x9b31m", "⟨U+009B⟩31m"),
        ("invoice\u202etxt.exe", "invoice⟨U+202E⟩txt.exe"),
        ("zero\u200bwidth\ufeff", "zero⟨U+200B⟩width⟨U+FEFF⟩"),
        ("line\u2028line", "line⟨U+2028⟩line"),
        ("half \ud83d", "half ⟨U+D83D⟩"),
        ("\u3164", "⟨U+3164⟩"),
        ("Käse, 乳酪, גבינה", "Käse, 乳酪, גבינה"),
    ],
)
def test_text_that_hides_or_commands_is_shown_for_what_it_is(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_piled_up_marks_stay_within_their_line() -> None:
    assert plain("Z" + "\u0301" * 500, 1000) == "Z" + "\u0301" * 4


def test_long_text_is_cut_and_says_how_long_it_was() -> None:
    assert plain("A" * 4096, 10) == f"{'A' * 10}… ({whole(4096)} characters)"


@given(st.text(st.characters(), max_size=200))
def test_no_text_is_shown_longer_or_with_anything_unseen(text: str) -> None:
    shown = plain(text)
    assert len(shown) <= SHOWN_CHARACTERS * len("⟨U+10FFFF⟩") + 40
    assert not {unicodedata.category(c) for c in shown if c not in "\u200c\u200d"} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_bytes_are_laid_out_by_sixteen_with_what_is_printable_beside() -> None:
    shown = hex_rows(b'["d",\x1b[31m<b>\x00\xff' + b"z" * 300, 20)
    assert [row[0] for row in shown.rows] == ["0000", "0010"]
    assert shown.rows[0][1] == "5b 22 64 22 2c 1b 5b 33 31 6d 3c 62 3e 00 ff 7a"
    assert shown.rows[0][2] == '["d",.[31m<b>..z'
    assert shown.more == 295
    assert hex_rows(b"").rows == ()
