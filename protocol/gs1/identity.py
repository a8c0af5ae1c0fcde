"""Which thing elements are about: its key, its GTIN if it has one, its serial number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from protocol.gs1.ai_table import AIS

_SERIALS: Final = ("21", "8011", "254", "8019")
_INSIDE: Final[Mapping[str, int]] = {"253": 13, "255": 13, "8003": 14}
"""Keys with a serial number at their end, by where it begins."""


def key_of(elements: Mapping[str, str]) -> str | None:
    """Give the AI that says what thing this is: a GTIN before all others, then a logistic unit; None if none does."""
    if "01" in elements:
        return "01"
    if "00" in elements:
        return "00"
    return next((ai for ai in elements if AIS[ai].link is not None), None)


def lookup_of(elements: Mapping[str, str]) -> str | None:
    """Give what a catalogue is asked by: the GTIN, or another key behind its AI, without a serial number.

    A piece of an item (8006) is asked for by itself: to sell each of three pieces as the item would sell three.
    """
    key = key_of(elements)
    if key is None:
        return None
    value = elements[key]
    return value if key == "01" else key + value[: _INSIDE.get(key)]


def serial_of(elements: Mapping[str, str]) -> str | None:
    """Give the serial number, None if there is none."""
    for ai in _SERIALS:
        if ai in elements:
            return elements[ai]
    key = key_of(elements)
    start = _INSIDE.get(key) if key is not None else None
    return None if key is None or start is None else elements[key][start:] or None
