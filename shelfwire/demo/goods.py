"""What the demo's shop sells: items, the labels on them and on their cases, and the catalogue rows HQ makes of that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from protocol.catalogue import WHOLE_MILLI, CatalogueRow, CodeLink, Item, Price, PriceKind, Unit
from protocol.codes import read_code
from protocol.identity import ItemId

CURRENCY = "EUR"
REGULAR = "regular"
_COMPANY = "4012345"
"""The company prefix of GS1's own examples."""


@dataclass(frozen=True, slots=True)
class Goods:
    """An item as it lies on the shelf.

    `label` and `case_label` are what a scanner sends, symbology identifier and all. A case holds `case_pieces`; what is
    sold by weight comes in none. `minor` is the price of a piece or a kilogram in cents.
    """

    item: ItemId
    name: str
    minor: int
    label: str
    unit: Unit = Unit.EACH
    case_label: str | None = None
    case_pieces: int = 1

    @property
    def weighed(self) -> bool:
        """Whether it is sold by weight."""
        return self.unit is Unit.KG

    @property
    def code(self) -> str:
        """The digits or text on the label, as a person would type them."""
        return self.label[3:]

    def rows(self) -> Iterator[CatalogueRow]:
        """Give the rows that describe it."""
        yield Item(self.item, self.name, self.unit)
        yield CodeLink(lookup_of(self.label), self.item)
        if self.case_label is not None:
            yield CodeLink(lookup_of(self.case_label), self.item, self.case_pieces * WHOLE_MILLI)
        yield self.price(self.minor)

    def price(self, minor: int) -> Price:
        """Give the row of its price, at `minor` cents."""
        return Price(self.item, REGULAR, PriceKind.REGULAR, minor, CURRENCY)


def lookup_of(label: str) -> str:
    """Give the key under which the catalogue has a label."""
    return read_code(label[3:], label[:3]).lookup


def _packed(number: int, name: str, minor: int, case_pieces: int) -> Goods:
    body = f"{_COMPANY}{number:05d}"
    return Goods(
        item=ItemId(f"item-{number}"),
        name=name,
        minor=minor,
        label="]E0" + _with_check_digit(body),
        case_label="]I1" + _with_check_digit("1" + body),
        case_pieces=case_pieces,
    )


def _loose(number: int, name: str, minor: int) -> Goods:
    return Goods(ItemId(f"plu-{number}"), name, minor, f"]A0PLU{number}", Unit.KG)


def _with_check_digit(body: str) -> str:
    """Append the digit that makes it a GTIN (GS1 General Specifications, section 7.9)."""
    weighted = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(body)))
    return body + str(-weighted % 10)


RANGE: tuple[Goods, ...] = (
    _packed(101, "Oat drink 1 l", 189, 12),
    _packed(102, "Whole milk 1 l", 119, 12),
    _packed(103, "Salted butter 250 g", 229, 20),
    _packed(104, "Free-range eggs, 10", 329, 18),
    _packed(105, "Farmhouse cheddar 200 g", 349, 10),
    _packed(106, "Natural yoghurt 500 g", 139, 6),
    _packed(107, "Rye bread 750 g", 279, 8),
    _packed(108, "Ground coffee 500 g", 649, 12),
    _packed(109, "Earl Grey, 50 bags", 289, 12),
    _packed(110, "Dark chocolate 100 g", 199, 20),
    _packed(111, "Spaghetti 500 g", 109, 24),
    _packed(112, "Chopped tomatoes 400 g", 89, 24),
    _packed(113, "Olive oil 500 ml", 899, 6),
    _packed(114, "Sea salt 1 kg", 99, 12),
    _packed(115, "Basmati rice 1 kg", 319, 10),
    _packed(116, "Chickpeas 400 g", 79, 24),
    _packed(117, "Raspberry jam 340 g", 259, 8),
    _packed(118, "Honey 500 g", 549, 6),
    _packed(119, "Rolled oats 500 g", 129, 10),
    _packed(120, "Apple juice 1 l", 179, 12),
    _packed(121, "Sparkling water 1.5 l", 69, 6),
    _packed(122, "Dish soap 500 ml", 149, 10),
    _packed(123, "Kitchen roll, 4", 269, 6),
    _packed(124, "AA batteries, 4", 399, 12),
    _loose(4011, "Bananas", 179),
    _loose(4017, "Green apples", 249),
    _loose(4087, "Tomatoes", 329),
    _loose(4562, "Carrots", 129),
)
"""Everything on the shelves."""
