"""One line of a CSV file of items, read cell by cell; what is wrong with a cell is told under its heading."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import tzinfo
from typing import Final, TypeVar

from hub.catalogue.cells import parse_minor, parse_pack, parse_whole, parse_yes
from hub.catalogue.csv_offers import OFFER_COLUMNS, read_offer
from hub.catalogue.listing import Amount, Listing, Offer
from protocol.catalogue import WHOLE_MILLI, Unit
from protocol.codes import plu_key, read_code
from protocol.errors import BadInput

_PLU = re.compile(r"[0-9]{1,6}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_MARKED_CODE = re.compile(r"(\][A-Za-z][0-9A-Za-z])(.+)", re.DOTALL)
_MAX_ITEM: Final = 64
_MAX_NAME: Final = 500
_MAX_DAYS: Final = 1000
_T = TypeVar("_T")


class Columns:
    """Where each of our columns stands in this file, and what it is called there."""

    def __init__(self, at: dict[str, int], headings: Sequence[str], ospos: bool) -> None:
        self.at = at
        self.headings = headings
        self.ospos = ospos

    def cell(self, cells: Sequence[str], column: str) -> str:
        at = self.at.get(column)
        return "" if at is None else cells[at].strip()

    def heading(self, column: str) -> str:
        at = self.at.get(column)
        return column if at is None else self.headings[at]


class CsvLine:
    """Line `number` of a file; `note` is told of each error: line, heading, name and detail."""

    def __init__(
        self,
        number: int,
        columns: Columns,
        cells: Sequence[str],
        currency: str,
        zone: tzinfo,
        note: Callable[[int, str, str, str], None],
    ) -> None:
        self.number = number
        self.columns = columns
        self._cells = cells
        self._currency = currency
        self._zone = zone
        self._note = note

    def cell(self, column: str) -> str:
        """Give what stands under one of our columns, "" if nothing does."""
        return self.columns.cell(self._cells, column)

    def wrong(self, column: str, name: str, detail: str) -> None:
        """Note an error under one of our columns."""
        self._note(self.number, self.columns.heading(column), name, detail)

    def said(self, item: str) -> Listing:
        """Give what the line says of the item itself, its price with it."""
        if len(item) > _MAX_ITEM or not item.isprintable():
            self.wrong("item", "bad-item", f"more than {_MAX_ITEM} characters, or unprintable")
        name = self.cell("name")
        if len(name) > _MAX_NAME or not name.isprintable():
            self.wrong("name", "bad-name", f"more than {_MAX_NAME} characters, or unprintable")
        words = [self._word(column) for column in ("category", "supplier")]
        days = self._read("lead_days", lambda text: parse_whole(text, 0, _MAX_DAYS))
        return Listing(
            item,
            name or None,
            self._unit(),
            price=self._price(),
            category=words[0],
            supplier=words[1],
            pack_milli=self._read("order_pack", parse_pack),
            lead_days=days,
            tagged=self._read("tagged", parse_yes),
        )

    def code(self) -> str | None:
        """Give the code that stands for the item, as it is looked up."""
        text = self.cell("code")
        if not text:
            return None
        marked = _MARKED_CODE.fullmatch(text)
        try:
            return (read_code(text, None) if marked is None else read_code(marked[2], marked[1])).lookup
        except BadInput as error:
            hint = "; if it is no EAN, write the symbology before it: ]C0 Code 128, ]A0 Code 39"
            detail = error.detail + (hint if error.name == "check-digit" and marked is None else "")
            self.wrong("code", error.name, detail)
            return None

    def pack(self) -> int | None:
        """Give how many of the item the code stands for, in thousandths."""
        pack = self._read("pack", parse_pack)
        if pack is not None and not self.cell("code"):
            self.wrong("pack", "pack-of-no-code", "say which code stands for so many")
        return pack

    def plu(self) -> str | None:
        """Give the number that is keyed for goods without a code, as it is looked up."""
        text = self.cell("plu")
        if text and not _PLU.fullmatch(text):
            self.wrong("plu", "bad-plu", f"{text[:40]!r} is not up to six digits")
            return None
        return plu_key(text) if text else None

    def offer(self, price: Amount | None) -> Offer | None:
        """Give the offer that the line's price is; None if it does not make one."""
        if price is None:
            self.wrong("price", "offer-without-price", "an offer needs a price")
            return None
        told = {column: self.cell(column) for column in OFFER_COLUMNS}
        offer = read_offer(told, price, self._zone)
        if isinstance(offer, Offer):
            return offer
        for column, error in offer:
            self.wrong(column, error.name, error.detail)
        return None

    def _read(self, column: str, read: Callable[[str], _T]) -> _T | None:
        """Read a cell, if there is anything in it; what is wrong is noted."""
        text = self.cell(column)
        try:
            return read(text) if text else None
        except BadInput as error:
            self.wrong(column, error.name, error.detail)
            return None

    def _word(self, column: str) -> str | None:
        text = self.cell(column)
        if len(text) > _MAX_ITEM or not text.isprintable():
            self.wrong(column, "bad-word", f"more than {_MAX_ITEM} characters, or unprintable")
        return text or None

    def _unit(self) -> Unit | None:
        text = self.cell("unit")
        try:
            return Unit(text) if text else None
        except ValueError:
            known = " or ".join(unit.value for unit in Unit)
            self.wrong("unit", "bad-unit", f"{text[:40]!r} is not {known}")
            return None

    def _price(self) -> Amount | None:
        currency = self.cell("currency") or self._currency
        if not _CURRENCY.fullmatch(currency):
            self.wrong("currency", "bad-currency", f"{currency[:40]!r} is not three capitals")
            return None
        per_milli = self._read("per", parse_pack) or WHOLE_MILLI
        minor = self._read("price", lambda text: parse_minor(text, currency))
        if minor is not None and minor * WHOLE_MILLI % per_milli:
            self.wrong("per", "price-too-fine", "comes to no whole amount for one unit")
            return None
        return None if minor is None else Amount(minor, currency, per_milli)
