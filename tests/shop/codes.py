"""The simulated shop's catalogue: an item and an EAN-13 for each number."""

from __future__ import annotations

from functools import cache

from protocol.catalogue import CatalogueRow, CodeLink, Item
from protocol.identity import ItemId


@cache
def code_of(number: int) -> str:
    """Give an item's EAN-13 (GS1 General Specifications, section 7.9: the check digit)."""
    body = f"{400_000_000_000 + number:012d}"
    return f"{body}{-sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body)) % 10}"


def item_of(number: int) -> ItemId:
    """Give an item's name."""
    return ItemId(f"art-{number:04d}")


def catalogue(items: int) -> list[CatalogueRow]:
    """Give the rows of so many items."""
    rows: list[CatalogueRow] = []
    for number in range(items):
        rows += (Item(item_of(number), f"Article {number}"), CodeLink(code_of(number).zfill(14), item_of(number)))
    return rows
