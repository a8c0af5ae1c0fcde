"""From the figure a scale shows to whole grams.

1 lb = 453.59237 g and 1 oz = lb/16 = 28.349523125 g exactly (International Yard and Pound agreement, 1959).

Grams and kilograms are exact: a figure that is no whole number of grams (100.5 g, 1.2505 kg) is no weight, and
the codec refuses it as "finer-than-gram", unless it was told to round. Pounds and ounces never come out whole; they are
rounded. Rounding is to the nearest gram, a half up.
"""

from __future__ import annotations

import re
from enum import Enum

_NANOGRAMS_PER_GRAM = 10**9
_FIGURE = re.compile(rb" *([-+]?) *([0-9]{0,9})(?:\.([0-9]{0,9}))? *")


class Unit(Enum):
    """What a figure is in."""

    KG = "kg"
    LB = "lb"
    G = "g"
    OZ = "oz"


_NANOGRAMS = {
    Unit.KG: 10**12,
    Unit.G: 10**9,
    Unit.LB: 453_592_370_000,
    Unit.OZ: 28_349_523_125,
}
_METRIC = (Unit.KG, Unit.G)


def unit_called(name: bytes) -> Unit | None:
    """Know a unit by its abbreviation, in either case and with spaces around it; None for any other."""
    try:
        return Unit(name.strip(b" ").lower().decode("ascii", "replace"))
    except ValueError:
        return None


def figure_in(text: bytes) -> tuple[int, int] | None:
    """Read a decimal figure such as b"  1.250" as digits and places: 1250 and 3; None if it is none.

    Spaces around it and after a sign are taken, and so is ".5". The digits of a figure below zero are negative, and -1
    for "-0": a scale that shows a minus sign is below zero, whatever follows it.
    """
    found = _FIGURE.fullmatch(text)
    if found is None:
        return None
    whole, places = found[2], found[3] or b""
    if not whole + places:
        return None
    digits = int(whole + places)
    return (-max(digits, 1) if found[1] == b"-" else digits), len(places)


def whole_grams(digits: int, places: int, unit: Unit, *, rounded: bool = False) -> int | None:
    """Convert a figure of zero or more; None if it is metric, finer than a gram and not to be `rounded`."""
    divisor: int = 10**places * _NANOGRAMS_PER_GRAM
    grams, rest = divmod(digits * _NANOGRAMS[unit], divisor)
    if rest and unit in _METRIC and not rounded:
        return None
    return grams + (2 * rest >= divisor)
