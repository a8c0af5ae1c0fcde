"""Labels that a store's own scale prints: an item number and a weight or price inside an EAN-13.

A pattern is a picture of the label, one character a digit, as GS1 leaves the digits behind 02 and 20 to 29 to each
country and store (General Specifications, section 2.1.14):

    21IIIIIWW.WWWC      21, five digits of item, a weight in kilograms with three decimals, the check digit
    02IIIIVPPP.PPC      02, four digits of item, the price's own check digit, a price, the check digit
    2IIIIIVPP.PPC       the same in twelve digits, a UPC-A: an EAN-13 with a 0 before it

    0-9  this digit     I  item     W  weight in kilograms     P  price in the store's currency
    V    check digit of the weight or price (section 7.9.2 to 7.9.4, four or five digits)
    x    a digit of no meaning here (a tare, a store's number)     C  check digit     .  the decimal point, no digit

The catalogue lists such an item under the GTIN without its measure: weight, price, V and x zero, the check digit made
anew. That is how scales and price lists write it, it is a valid EAN-13, and so it is read alike by those who know the
patterns and those who do not. A label of weight 0 is that listing itself, and tells no weight.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from protocol.errors import BadInput
from protocol.gs1.check_digits import check_digit, measure_check_digit
from protocol.label_price import LabelPrice, label_price

_CURRENCY = re.compile(r"[A-Z]{3}")
_PREFIX = re.compile(r"02|2[0-9]")
_GRAM_DECIMALS: Final = 3


class Field(msgspec.Struct, frozen=True):
    """Digits `start` to before `end` of an EAN-13, the last `decimals` of them behind the point."""

    start: int
    end: int
    decimals: int


class Pattern(msgspec.Struct, frozen=True):
    """A pattern read. `matches` finds it in 13 digits; `blanks` are the places that are zero in the item's GTIN."""

    text: str
    matches: re.Pattern[str]
    weight: Field | None
    price: Field | None
    verifier: int | None
    blanks: frozenset[int]


class CodeRules(msgspec.Struct, frozen=True):
    """What a store says of codes: its patterns by their first two digits, in the order given, and its currency."""

    patterns: Mapping[str, tuple[Pattern, ...]] = {}
    currency: str | None = None


PLAIN: Final = CodeRules()
"""No patterns and no currency: what is read without a store."""


class Measured(msgspec.Struct, frozen=True):
    """A label read: `gtin` (14 digits) is the item's, without the measure."""

    gtin: str
    weight_g: int | None
    price: LabelPrice | None


def parse_patterns(patterns: Iterable[str], currency: str | None = None) -> CodeRules:
    """Read a store's patterns. A code is read by the first that fits it.

    Raises `BadInput` ("bad-pattern", "bad-currency").
    """
    if currency is not None and not _CURRENCY.fullmatch(currency):
        raise BadInput("bad-currency", f"{currency[:20]!r} is not three capitals")
    found: dict[str, tuple[Pattern, ...]] = {}
    for text in patterns:
        pattern = _pattern(text, currency)
        prefix = pattern.matches.pattern[:2]
        found[prefix] = (*found.get(prefix, ()), pattern)
    return CodeRules(found, currency)


def _pattern(text: str, currency: str | None) -> Pattern:
    def bad(why: str) -> BadInput:
        return BadInput("bad-pattern", f"{text[:40]!r} {why}")

    digits = text.replace(".", "")
    whole = "0" + text if len(digits) == 12 else text
    digits = whole.replace(".", "")
    if len(digits) != 13 or not re.fullmatch(r"[0-9IWPVx.]*C", whole):
        raise bad("is not 12 or 13 of 0-9 I W P V x, a C at the end")
    if not _PREFIX.match(digits):
        raise bad("does not begin with 02 or 20 to 29")
    runs = {letter: [place for place, one in enumerate(digits) if one == letter] for letter in "IWPVx"}
    for letter in "IWP":
        places = runs[letter]
        if places and places[-1] - places[0] >= len(places):
            raise bad(f"has its {letter} in several places")
    if not runs["I"] or not (runs["W"] or runs["P"]):
        raise bad("needs an item (I) and a weight (W) or price (P)")
    if len(runs["V"]) > 1 or (runs["V"] and (bool(runs["W"]) == bool(runs["P"]))):
        raise bad("has a V that does not belong to one weight or price")
    if runs["V"] and len(runs["W"] or runs["P"]) not in (4, 5):
        raise bad("has a V for a measure of other than four or five digits")
    points = re.findall(r"(.?)\.(.?)", whole)
    if any(before != after or before not in ("W", "P") for before, after in points) or whole.count(".") != len(points):
        raise bad("has a point that is not inside a weight or price")
    if len({before for before, _ in points}) != len(points):
        raise bad("has two points in one measure")
    if runs["W"] and "W" not in {before for before, _ in points}:
        # Read as whole kilograms it would turn a label's 750 g into 750 kg.
        raise bad("has a weight without a point; WW.WWW is kilograms and grams")
    if runs["P"] and currency is None:
        raise bad("has a price, and no currency is set")
    blanks = frozenset(runs["W"] + runs["P"] + runs["V"] + runs["x"])
    return Pattern(
        text=text,
        matches=re.compile(re.sub("[IWPVxC]", "[0-9]", digits)),
        weight=_field(whole, runs["W"], "W"),
        price=_field(whole, runs["P"], "P"),
        verifier=runs["V"][0] if runs["V"] else None,
        blanks=blanks,
    )


def _field(whole: str, places: list[int], letter: str) -> Field | None:
    if not places:
        return None
    point = re.search(rf"{letter}\.({letter}+)", whole)
    return Field(places[0], places[-1] + 1, len(point[1]) if point else 0)


def read_measured(gtin: str, rules: CodeRules) -> Measured | None:
    """Read a GTIN of 14 digits whose check digit holds; None if no pattern fits.

    Raises `BadInput`: "measure-check-digit", "weight-too-fine", "price-too-fine".
    """
    code = gtin[1:]
    for pattern in rules.patterns.get(code[:2], ()):
        if pattern.matches.fullmatch(code):
            return _measured(code, pattern, rules.currency)
    return None


def _measured(code: str, pattern: Pattern, currency: str | None) -> Measured:
    body = "".join("0" if place in pattern.blanks else code[place] for place in range(12))
    field = pattern.weight or pattern.price
    assert field is not None
    if pattern.verifier is not None:
        digits = code[field.start : field.end]
        if measure_check_digit(digits) != code[pattern.verifier]:
            raise BadInput("measure-check-digit", f"{digits} in {code} does not go with {code[pattern.verifier]}")
    weight_g = None if pattern.weight is None else _grams(code, pattern.weight)
    price = None
    if pattern.price is not None:
        assert currency is not None
        digits = code[pattern.price.start : pattern.price.end]
        price = label_price(digits, pattern.price.decimals, currency)
    return Measured("0" + body + check_digit(body), weight_g or None, price if price and price.minor else None)


def _grams(code: str, field: Field) -> int:
    digits = code[field.start : field.end]
    grams: int
    grams, rest = divmod(int(digits) * 10**_GRAM_DECIMALS, 10**field.decimals)
    if rest:
        raise BadInput("weight-too-fine", f"{digits} with {field.decimals} decimals is no whole number of grams")
    return grams
