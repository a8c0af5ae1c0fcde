"""The catalogue as lines of a CSV file that `csv_import` reads: what holds now, and offers still to come. Pure.

A line each for an item with its regular price, for each further code or number of it, and for each offer. What such a
file cannot say is left out and counted: codes that mean nothing any more, settings, prices that are neither the store's
regular one nor offers, offers that are over, moments that are no whole minutes of the store's clock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from hub.catalogue.csv_import import OURS
from hub.catalogue.local_time import instant_us
from protocol.catalogue import (
    STORE,
    WHOLE_MILLI,
    CodeLink,
    Item,
    LiveRow,
    Price,
    PriceKind,
    link_at,
)
from protocol.codes import is_plu, plu_key, read_code
from protocol.errors import BadInput
from protocol.pricing import minor_digits, winning_price

_MARKS: Final = ("", "]C0", "]A0", "]Q1")
"""What may be written before a code so that it is read as what it is."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
Line = dict[str, str]


@dataclass(slots=True)
class CatalogueLines:
    """The lines, and how many rows could not be told by any; `left_out` counts once the lines were walked."""

    rows: Iterable[LiveRow]
    now_us: int
    zone: tzinfo
    left_out: int = 0

    def __iter__(self) -> Iterator[list[str]]:
        """Give the cells of each line under `OURS`, without the heading."""
        items: dict[str, Item] = {}
        links: defaultdict[str, list[CodeLink]] = defaultdict(list)
        prices: defaultdict[str, list[Price]] = defaultdict(list)
        for row in self.rows:
            match row:
                case Item():
                    items[row.item] = row
                case CodeLink():
                    links[row.code].append(row)
                case Price():
                    prices[row.item].append(row)
                case _:
                    self.left_out += 1
        codes = self._codes(links, items)
        self.left_out += sum(len(prices[item]) for item in prices.keys() - items.keys())
        for name in sorted(items):
            if not (name.isprintable() and items[name].name.isprintable() and name == name.strip()):
                self.left_out += 1 + len(codes[name]) + len(prices[name])
                continue
            for line in self._of_item(items[name], codes[name], prices[name]):
                yield [line.get(column, "") for column in OURS]

    def _codes(self, links: dict[str, list[CodeLink]], items: dict[str, Item]) -> defaultdict[str, list[Line]]:
        """Give the cells of the codes that mean an item now."""
        found: defaultdict[str, list[Line]] = defaultdict(list)
        for code in sorted(links):
            held = link_at(links[code], self.now_us)
            cells = None if held is None or held.item not in items else _code_cells(held)
            self.left_out += len(links[code]) - (cells is not None)
            if held is not None and cells is not None:
                found[held.item].append(cells)
        return found

    def _of_item(self, item: Item, codes: list[Line], prices: list[Price]) -> Iterator[Line]:
        first: Line = {"item": item.item, "name": item.name, "unit": item.unit.value}
        first |= {"category": item.category, "supplier": item.supplier, "tagged": "yes" if item.tagged else "no"}
        if item.pack_milli != WHOLE_MILLI:
            first["order_pack"] = decimal(item.pack_milli, 3)
        if item.lead_days:
            first["lead_days"] = str(item.lead_days)
        regular = winning_price(
            [price for price in prices if price.kind is PriceKind.REGULAR and price.scope == STORE],
            self.now_us,
            0,
            (STORE,),
        )
        if regular is not None:
            # The one that wins is told for a unit; here it is told as it was said.
            regular = next(price for price in prices if price.id == regular.id)
            first |= _amount(regular)
        yield first | (codes[0] if codes else {})
        for cells in codes[1:]:
            yield {"item": item.item, **cells}
        for price in sorted(prices, key=lambda price: price.id):
            if price is regular:
                continue
            offer = self._offer(price)
            if offer is None:
                self.left_out += 1
            else:
                yield {"item": item.item, **offer}

    def _offer(self, price: Price) -> Line | None:
        """Give the cells of an offer; None for a price that is none, is over, or cannot be told."""
        over = price.valid_to_us is not None and price.valid_to_us <= self.now_us
        if price.kind is PriceKind.REGULAR or over or not price.id.isprintable():
            return None
        cells = _amount(price) | {
            "offer": price.id,
            "kind": price.kind.value,
            "scope": price.scope,
            "priority": str(price.priority),
        }
        if price.min_qty_milli:
            cells["min_qty"] = decimal(price.min_qty_milli, 3)
        for column, at_us in (("from", price.valid_from_us), ("to", price.valid_to_us)):
            if at_us:
                local = self._local(at_us)
                if local is None:
                    return None
                cells[column] = local
        return cells

    def _local(self, at_us: int) -> str | None:
        """Write a moment as the store's clock has it; None if that would be read as another."""
        try:
            text = (_EPOCH + timedelta(microseconds=at_us)).astimezone(self.zone).strftime("%Y-%m-%d %H:%M")
            return text if instant_us(text, self.zone) == at_us else None
        except (OverflowError, ValueError, BadInput):
            return None


def decimal(number: int, digits: int) -> str:
    """Write a number of so many decimal places, no more of them than it needs: 1250 of three is "1.25"."""
    whole, rest = divmod(abs(number), 10**digits)
    part = f"{rest:0{digits}d}".rstrip("0") if digits else ""
    return ("-" if number < 0 else "") + str(whole) + (f".{part}" if part else "")


def _amount(price: Price) -> Line:
    cells = {"price": decimal(price.minor, minor_digits(price.currency)), "currency": price.currency}
    if price.sell_factor_milli != WHOLE_MILLI:
        cells["per"] = decimal(price.sell_factor_milli, 3)
    return cells


def _code_cells(link: CodeLink) -> Line | None:
    """Give the cells by which a code is read as the key it has; None if there are none."""
    if is_plu(link.code):
        number = link.code.rpartition(":")[2]
        return {"plu": number} if plu_key(number) == link.code and link.factor_milli == WHOLE_MILLI else None
    for mark in _MARKS:
        try:
            read = read_code(link.code, mark or None).lookup
        except BadInput:
            continue
        if read == link.code and link.code == link.code.strip():
            return {"code": mark + link.code, "pack": decimal(link.factor_milli, 3)}
    return None
