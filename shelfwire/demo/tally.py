"""The shopkeeper's own tally: what is physically on the shelves, by what people carried, and by nothing else.

Nothing here is ever told what the software believes; that is what makes it worth comparing with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shelfwire.demo.goods import Goods


class Tally:
    """Milli-units of each item on the shelves."""

    def __init__(self, opening: Mapping[Goods, int]) -> None:
        self._milli = dict(opening)

    def on_shelf(self, goods: Goods) -> int:
        """Look how much of an item is there, in milli-units."""
        return self._milli.get(goods, 0)

    def carry(self, goods: Goods, milli: int) -> None:
        """Bring so much in (out of the shop if below 0). Raises `ValueError` for more than is there."""
        left = self.on_shelf(goods) + milli
        if left < 0:
            raise ValueError(f"{-milli} of {goods.name} cannot be carried out, there is {self.on_shelf(goods)}")
        self._milli[goods] = left

    def in_stock(self, of: Iterable[Goods], at_least_milli: int) -> list[Goods]:
        """Pick those of which at least so much is there."""
        return [goods for goods in of if self.on_shelf(goods) >= at_least_milli]

    def figures(self) -> dict[Goods, int]:
        """Give all of it."""
        return dict(self._milli)
