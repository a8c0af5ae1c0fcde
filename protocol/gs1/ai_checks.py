"""What the value of an application identifier must be besides long enough: the named checks of the table.

Each check takes the part of a value it is about and raises `BadInput`. Sections are of the GS1 General Specifications.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from protocol.errors import BadInput
from protocol.gs1.check_digits import check_pair, has_check_digit
from protocol.gs1.code_lists import COUNTRY_LETTERS, COUNTRY_NUMBERS, CURRENCY_OF_NUMBER

Check = Callable[[str], None]

_DAYS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_PERCENT = re.compile(r"(?:[^%]|%[0-9A-Fa-f]{2})*")
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[0-9A-Z]{1,30}")


def _bad(detail: str) -> BadInput:
    return BadInput("bad-ai", detail)


def _mod10(value: str) -> None:
    if not has_check_digit(value):
        raise BadInput("check-digit", f"{value} does not end with the digit due")


def _pair(value: str) -> None:
    if check_pair(value[:-2]) != value[-2:]:
        raise BadInput("check-digit", f"{value} does not end with the two characters due")


def _prefix(value: str) -> None:
    """A key begins with a GS1 Company Prefix, of which there are at least four digits."""
    if not (value[:4].isdecimal() and value[:4].isascii()) or len(value) < 4:
        raise _bad(f"{value[:30]} does not begin with a company prefix")


def check_date(value: str, *, day_may_be_00: bool) -> None:
    """Check YYMMDD; day 00 means the last day of the month where it may be (7.12).

    The 29th of February is taken in years that have one: which century YY belongs to depends on today (7.12), but
    every fourth year of either century is a leap year, 2000 among them and 1900 and 2100 out of reach. Raises
    `BadInput` ("bad-date").
    """
    year, month, day = int(value[:2]), int(value[2:4]), int(value[4:6])
    if not 1 <= month <= 12 or day > _DAYS[month - 1] or (day == 0 and not day_may_be_00):
        raise BadInput("bad-date", f"{value} is no date YYMMDD")
    if month == 2 and day == 29 and year % 4:
        raise BadInput("bad-date", f"{value}: no 29th of February that year")


def _date(value: str) -> None:
    check_date(value, day_may_be_00=False)


def _date_or_month(value: str) -> None:
    check_date(value, day_may_be_00=True)


def _long_date(value: str) -> None:
    check_date(value[2:], day_may_be_00=False)
    year = int(value[:4])
    if value[4:] == "0229" and (year % 4 or (year % 100 == 0 and year % 400)):
        raise BadInput("bad-date", f"{value}: no 29th of February that year")


def _below(limit: int, what: str) -> Check:
    def check(value: str) -> None:
        if int(value) >= limit:
            raise BadInput("bad-date", f"{value} is no {what}")

    return check


def _clock(value: str) -> None:
    if int(value[:2]) > 23 or int(value[2:]) > 59:
        raise BadInput("bad-date", f"{value} is no time hhmm")


def _one_of(known: frozenset[str] | Mapping[str, str], what: str) -> Check:
    def check(value: str) -> None:
        if value not in known:
            raise _bad(f"{value[:30]!r} is no {what}")

    return check


def _matching(pattern: str, what: str) -> Check:
    compiled = re.compile(pattern)

    def check(value: str) -> None:
        if not compiled.fullmatch(value):
            raise _bad(f"{value[:30]!r} is no {what}")

    return check


def _at_most(limit: int, what: str) -> Check:
    def check(value: str) -> None:
        if int(value) > limit:
            raise _bad(f"{value} is no {what}")

    return check


def _percent(value: str) -> None:
    if not _PERCENT.fullmatch(value):
        raise _bad("a percent sign without two hexadecimal digits")


def _piece(value: str) -> None:
    piece, total = int(value[:2]), int(value[2:])
    if not 1 <= piece <= total:
        raise _bad(f"piece {piece} of {total}")


def _iban(value: str) -> None:
    if not _IBAN.fullmatch(value) or int("".join(str(int(one, 36)) for one in value[4:] + value[:4])) % 97 != 1:
        raise BadInput("check-digit", "an account number (IBAN) whose check digits do not hold")


def _letters(value: str) -> None:
    if value.isdecimal():
        raise _bad("digits alone, where another character is asked for")


CHECKS: Final[Mapping[str, Check]] = {
    "mod10": _mod10,
    "pair": _pair,
    "prefix": _prefix,
    "date": _date,
    "date0": _date_or_month,
    "date8": _long_date,
    "hhmm": _clock,
    "hh": _below(24, "hour"),
    "mm": _below(60, "minute"),
    "ss": _below(60, "second"),
    "country": _one_of(COUNTRY_NUMBERS, "country"),
    "country999": _one_of(COUNTRY_NUMBERS | {"999"}, "country"),
    "country2": _one_of(COUNTRY_LETTERS, "country"),
    "currency": _one_of(CURRENCY_OF_NUMBER, "currency"),
    "percent": _percent,
    "bit": _matching("[01]", "yes (1) or no (0)"),
    "minus": _matching("-", "minus sign"),
    "zero": _matching("0", "0"),
    "nonzero": _matching("[0-9]*[1-9][0-9]*", "number above 0"),
    "winding": _matching("[019]", "winding direction"),
    "media": _matching("0[1-9]|10|[89][0-9]", "kind of data carrier"),
    "sex": _matching("[0129]", "code of ISO/IEC 5218"),
    "no0": _matching("0|[1-9][0-9]*", "number without leading zeros"),
    "seq": _matching("[1-9]/[1-9]", "place in a sequence"),
    "importer": _matching("[A-Za-z0-9_-]", "importer index"),
    "piece": _piece,
    "iban": _iban,
    "letters": _letters,
    "latitude": _at_most(1_800_000_000, "latitude"),
    "longitude": _at_most(3_600_000_000, "longitude"),
}
"""By the name that the table uses."""
