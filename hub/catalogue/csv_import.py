"""Items from a CSV file: our own plain columns, or what the open point of sale OSPOS exports.

    ours     item,name,unit,code,pack,plu,price,per,currency,category,supplier,order_pack,lead_days,
             tagged
             "item" is required; a line each for further codes of an item. "pack" is how many a code stands for, "per"
             the quantity that a price is for, "plu" the number that is keyed for goods without a code.
             offer,kind,scope,priority,min_qty,from,to make the line's price an offer's: see `csv_offers`.
    OSPOS    Id,Barcode,"Item Name",…,"Unit Price",…    all other columns are passed over, quantities above all

UTF-8, with or without a byte order mark; RFC 4180 quoting. A blank cell leaves what is known unchanged. Prices have a
decimal point and no thousands separator. A code is read as if scanned without a symbology identifier; one printed in
another symbology has it written before it: "]C012345678" is Code 128 and no EAN-8.

Everything that is wrong is told at once, by line and column, and an item with anything wrong is left out whole: half
of its codes would close the other half.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from typing import Final

from hub.catalogue.csv_line import Columns, CsvLine
from hub.catalogue.csv_offers import OFFER_COLUMNS
from hub.catalogue.listing import Listing, Offer

MAX_ERRORS: Final = 100
"""Errors told; the others are counted."""
OURS: Final = (
    *("item", "name", "unit", "code", "pack", "plu", "price", "per", "currency"),
    *("category", "supplier", "order_pack", "lead_days", "tagged", *OFFER_COLUMNS),
)
_OSPOS: Final = {"Id": "item", "Item Name": "name", "Barcode": "code", "Unit Price": "price"}
_TOLD_ONCE: Final = ("name", "unit", "price", "category", "supplier", "pack_milli", "lead_days", "tagged")


@dataclass(frozen=True, slots=True)
class CsvError:
    """What is wrong, and where: `line` from 1, `column` by its heading ("" for the whole line)."""

    line: int
    column: str
    name: str
    detail: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file says. `errors` are the first `MAX_ERRORS` of `error_count`, by line."""

    listings: tuple[Listing, ...]
    errors: tuple[CsvError, ...]
    error_count: int


def parse_csv(data: bytes, currency: str, zone: tzinfo = UTC) -> Imported:
    """Read a CSV file; `currency` (ISO 4217) is that of prices whose line names none, `zone` the store's clock.

    Never raises for bad bytes.
    """
    reading = _Reading(currency, zone)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        reading.wrong(data.count(b"\n", 0, error.start) + 1, "", "not-utf-8", f"byte {error.start + 1}: {error.reason}")
        return reading.result()
    reading.read(text)
    return reading.result()


@dataclass(slots=True)
class _Draft:
    """An item while its lines are read; `line` is the first of them."""

    line: int
    said: Listing
    codes: dict[str, int | None] = field(default_factory=dict)
    plus: dict[str, None] = field(default_factory=dict)
    offers: dict[str, Offer] = field(default_factory=dict)


class _Reading:
    """One file being read."""

    def __init__(self, currency: str, zone: tzinfo) -> None:
        self._currency = currency
        self._zone = zone
        self._drafts: dict[str, _Draft] = {}
        self._owners: dict[str, tuple[str, int]] = {}
        self._spoilt: set[str] = set()
        self._errors: list[CsvError] = []
        self._count = 0

    def result(self) -> Imported:
        """Give what was read; items with anything wrong are not in it."""
        listings = tuple(
            replace(
                draft.said,
                codes=tuple(draft.codes) or None,
                packs=tuple((code, pack) for code, pack in draft.codes.items() if pack is not None),
                plus=tuple(draft.plus) or None,
                offers=tuple(draft.offers.values()),
            )
            for item, draft in self._drafts.items()
            if item not in self._spoilt
        )
        errors = sorted(self._errors, key=lambda error: error.line)
        return Imported(listings, tuple(errors), self._count)

    def wrong(self, line: int, column: str, name: str, detail: str) -> None:
        """Note an error."""
        self._count += 1
        if len(self._errors) < MAX_ERRORS:
            self._errors.append(CsvError(line, column, name, detail))

    def read(self, text: str) -> None:
        """Take the whole text."""
        records = self._records(text)
        first = next(records, None)
        if first is None:
            self.wrong(1, "", "no-header", "the file is empty")
            return
        columns = self._header(*first)
        if columns is None:
            return
        for line, cells in records:
            if len(cells) != len(columns.headings):
                self.wrong(line, "", "cells", f"{len(cells)} cells under {len(columns.headings)} headings")
            else:
                self._line(CsvLine(line, columns, cells, self._currency, self._zone, self.wrong))

    def _records(self, text: str) -> Iterator[tuple[int, list[str]]]:
        """Walk the lines that hold anything, with the number of the line each begins on."""
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        begins = 1
        while True:
            try:
                cells = next(reader, None)
            except csv.Error as error:
                self.wrong(begins, "", "bad-csv", f"{error}; what follows was not read")
                return
            if cells is None:
                return
            if any(cell.strip() for cell in cells):
                yield begins, cells
            begins = reader.line_num + 1

    def _header(self, line: int, cells: list[str]) -> Columns | None:
        headings = [cell.strip() for cell in cells]
        ospos = "Item Name" in headings
        known = _OSPOS if ospos else {column: column for column in OURS}
        at: dict[str, int] = {}
        count = self._count
        for index, heading in enumerate(headings):
            column = known.get(heading)
            if column in at:
                self.wrong(line, heading, "column-twice", "two columns of this heading")
            elif column is not None:
                at[column] = index
            elif not ospos:
                self.wrong(line, heading, "unknown-column", f"not one of {', '.join(OURS)}")
        if "item" not in at:
            self.wrong(line, "Id" if ospos else "item", "no-item-column", "no column names the item")
        return Columns(at, headings, ospos) if self._count == count else None

    def _line(self, line: CsvLine) -> None:
        item = line.cell("item")
        if not item:
            hint = "; export the items first, so that each has one" if line.columns.ospos else ""
            line.wrong("item", "no-item", f"a line without an item's identity{hint}")
            return
        count = self._count
        said = line.said(item)
        code, pack, plu, offer = line.code(), line.pack(), line.plu(), None
        if line.cell("offer"):
            offer, said = line.offer(said.price), replace(said, price=None)
        if count != self._count:
            self._spoilt.add(item)
        draft = self._drafts.get(item)
        if draft is None:
            draft = self._drafts[item] = _Draft(line.number, said)
        elif line.columns.ospos:
            self._spoil(line, "item", "item-twice", f"line {draft.line} has this item too", item)
        else:
            self._add(line, draft, said)
        if code is not None:
            if draft.codes.setdefault(code, pack) != pack:
                self._spoil(line, "pack", "contradiction", "a line before says otherwise", item)
            self._own(line, "code", code, item)
        if plu is not None:
            draft.plus[plu] = None
            self._own(line, "plu", plu, item)
        if offer is not None and draft.offers.setdefault(offer.id, offer) != offer:
            self._spoil(line, "offer", "contradiction", "a line before says otherwise", item)

    def _add(self, line: CsvLine, draft: _Draft, said: Listing) -> None:
        """Take a further line of an item: it may say what is not said yet, and must not say otherwise."""
        before = draft.said
        for column, old, new in (
            ("name", before.name, said.name),
            ("unit", before.unit, said.unit),
            ("price", before.price, said.price),
            ("category", before.category, said.category),
            ("supplier", before.supplier, said.supplier),
            ("order_pack", before.pack_milli, said.pack_milli),
            ("lead_days", before.lead_days, said.lead_days),
            ("tagged", before.tagged, said.tagged),
        ):
            if old is not None and new is not None and old != new:
                detail = f"line {draft.line} says otherwise of this item"
                self._spoil(line, column, "contradiction", detail, said.item)
        told = {name: value for name in _TOLD_ONCE if (value := getattr(before, name)) is not None}
        draft.said = replace(said, **told)

    def _spoil(self, line: CsvLine, column: str, name: str, detail: str, item: str) -> None:
        line.wrong(column, name, detail)
        self._spoilt.add(item)

    def _own(self, line: CsvLine, column: str, code: str, item: str) -> None:
        owner, owner_line = self._owners.setdefault(code, (item, line.number))
        if owner != item:
            # Neither has the better claim: whoever scans it must not be told either.
            self._spoil(line, column, "ambiguous-code", f"{code} is item {owner}'s on line {owner_line}", item)
            if owner not in self._spoilt:
                detail = f"{code} is item {item}'s on line {line.number}"
                self.wrong(owner_line, line.columns.heading(column), "ambiguous-code", detail)
                self._spoilt.add(owner)
