"""Items from a CSV file: our own plain columns, or what the open point of sale OSPOS exports.

    ours     item,name,unit,code,pack,plu,price,per,currency,category,supplier,order_pack,lead_days
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
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from typing import Final, TypeVar

from hub.catalogue.cells import parse_minor, parse_pack, parse_whole
from hub.catalogue.csv_offers import OFFER_COLUMNS, read_offer
from hub.catalogue.listing import Amount, Listing, Offer
from protocol.catalogue import WHOLE_MILLI, Unit
from protocol.codes import plu_key, read_code
from protocol.errors import BadInput

MAX_ERRORS: Final = 100
"""Errors told; the others are counted."""
_OURS: Final = (
    *("item", "name", "unit", "code", "pack", "plu", "price", "per", "currency"),
    *("category", "supplier", "order_pack", "lead_days", *OFFER_COLUMNS),
)
_OSPOS: Final = {"Id": "item", "Item Name": "name", "Barcode": "code", "Unit Price": "price"}
_PLU = re.compile(r"[0-9]{1,6}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_MARKED_CODE = re.compile(r"(\][A-Za-z][0-9A-Za-z])(.+)", re.DOTALL)
_MAX_ITEM: Final = 64
_MAX_NAME: Final = 500
_MAX_DAYS: Final = 1000
_TOLD_ONCE: Final = ("name", "unit", "price", "category", "supplier", "pack_milli", "lead_days")
_T = TypeVar("_T")


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


class _Columns:
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
                self._line(line, columns, cells)

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

    def _header(self, line: int, cells: list[str]) -> _Columns | None:
        headings = [cell.strip() for cell in cells]
        ospos = "Item Name" in headings
        known = _OSPOS if ospos else {column: column for column in _OURS}
        at: dict[str, int] = {}
        count = self._count
        for index, heading in enumerate(headings):
            column = known.get(heading)
            if column in at:
                self.wrong(line, heading, "column-twice", "two columns of this heading")
            elif column is not None:
                at[column] = index
            elif not ospos:
                self.wrong(line, heading, "unknown-column", f"not one of {', '.join(_OURS)}")
        if "item" not in at:
            self.wrong(line, "Id" if ospos else "item", "no-item-column", "no column names the item")
        return _Columns(at, headings, ospos) if self._count == count else None

    def _line(self, line: int, columns: _Columns, cells: list[str]) -> None:
        item = columns.cell(cells, "item")
        if not item:
            hint = "; export the items first, so that each has one" if columns.ospos else ""
            self.wrong(line, columns.heading("item"), "no-item", f"a line without an item's identity{hint}")
            return
        count = self._count
        said = self._said(line, columns, cells, item)
        code, pack = self._code(line, columns, cells), self._pack(line, columns, cells)
        plu, offer = self._plu(line, columns, cells), None
        if columns.cell(cells, "offer"):
            offer, said = self._offer(line, columns, cells, said.price), replace(said, price=None)
        if count != self._count:
            self._spoilt.add(item)
        draft = self._drafts.get(item)
        if draft is None:
            draft = self._drafts[item] = _Draft(line, said)
        elif columns.ospos:
            self._spoil(line, columns.heading("item"), "item-twice", f"line {draft.line} has this item too", item)
        else:
            self._add(line, columns, draft, said)
        if code is not None:
            if draft.codes.setdefault(code, pack) != pack:
                self._spoil(line, columns.heading("pack"), "contradiction", "a line before says otherwise", item)
            self._own(line, columns.heading("code"), code, item)
        if plu is not None:
            draft.plus[plu] = None
            self._own(line, columns.heading("plu"), plu, item)
        if offer is not None and draft.offers.setdefault(offer.id, offer) != offer:
            self._spoil(line, columns.heading("offer"), "contradiction", "a line before says otherwise", item)

    def _add(self, line: int, columns: _Columns, draft: _Draft, said: Listing) -> None:
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
        ):
            if old is not None and new is not None and old != new:
                detail = f"line {draft.line} says otherwise of this item"
                self._spoil(line, columns.heading(column), "contradiction", detail, said.item)
        told = {name: value for name in _TOLD_ONCE if (value := getattr(before, name)) is not None}
        draft.said = replace(said, **told)

    def _spoil(self, line: int, column: str, name: str, detail: str, item: str) -> None:
        self.wrong(line, column, name, detail)
        self._spoilt.add(item)

    def _own(self, line: int, heading: str, code: str, item: str) -> None:
        owner, owner_line = self._owners.setdefault(code, (item, line))
        if owner != item:
            # Neither has the better claim: whoever scans it must not be told either.
            self._spoil(line, heading, "ambiguous-code", f"{code} is item {owner}'s on line {owner_line}", item)
            if owner not in self._spoilt:
                self._spoil(owner_line, heading, "ambiguous-code", f"{code} is item {item}'s on line {line}", owner)

    def _said(self, line: int, columns: _Columns, cells: list[str], item: str) -> Listing:
        if len(item) > _MAX_ITEM or not item.isprintable():
            self.wrong(line, columns.heading("item"), "bad-item", f"more than {_MAX_ITEM} characters, or unprintable")
        name = columns.cell(cells, "name")
        if len(name) > _MAX_NAME or not name.isprintable():
            self.wrong(line, columns.heading("name"), "bad-name", f"more than {_MAX_NAME} characters, or unprintable")
        words = [self._word(line, columns, cells, column) for column in ("category", "supplier")]
        days = self._read(line, columns, cells, "lead_days", lambda text: parse_whole(text, 0, _MAX_DAYS))
        return Listing(
            item,
            name or None,
            self._unit(line, columns, cells),
            price=self._price(line, columns, cells),
            category=words[0],
            supplier=words[1],
            pack_milli=self._read(line, columns, cells, "order_pack", parse_pack),
            lead_days=days,
        )

    def _read(
        self, line: int, columns: _Columns, cells: list[str], column: str, read: Callable[[str], _T]
    ) -> _T | None:
        """Read a cell, if there is anything in it; what is wrong is noted."""
        text = columns.cell(cells, column)
        try:
            return read(text) if text else None
        except BadInput as error:
            self.wrong(line, columns.heading(column), error.name, error.detail)
            return None

    def _word(self, line: int, columns: _Columns, cells: list[str], column: str) -> str | None:
        text = columns.cell(cells, column)
        if len(text) > _MAX_ITEM or not text.isprintable():
            self.wrong(line, columns.heading(column), "bad-word", f"more than {_MAX_ITEM} characters, or unprintable")
        return text or None

    def _pack(self, line: int, columns: _Columns, cells: list[str]) -> int | None:
        pack = self._read(line, columns, cells, "pack", parse_pack)
        if pack is not None and not columns.cell(cells, "code"):
            self.wrong(line, columns.heading("pack"), "pack-of-no-code", "say which code stands for so many")
        return pack

    def _plu(self, line: int, columns: _Columns, cells: list[str]) -> str | None:
        text = columns.cell(cells, "plu")
        if text and not _PLU.fullmatch(text):
            self.wrong(line, columns.heading("plu"), "bad-plu", f"{text[:40]!r} is not up to six digits")
            return None
        return plu_key(text) if text else None

    def _offer(self, line: int, columns: _Columns, cells: list[str], price: Amount | None) -> Offer | None:
        if price is None:
            self.wrong(line, columns.heading("price"), "offer-without-price", "an offer needs a price")
            return None
        told = {column: columns.cell(cells, column) for column in OFFER_COLUMNS}
        offer = read_offer(told, price, self._zone)
        if isinstance(offer, Offer):
            return offer
        for column, error in offer:
            self.wrong(line, columns.heading(column), error.name, error.detail)
        return None

    def _unit(self, line: int, columns: _Columns, cells: list[str]) -> Unit | None:
        text = columns.cell(cells, "unit")
        try:
            return Unit(text) if text else None
        except ValueError:
            known = " or ".join(unit.value for unit in Unit)
            self.wrong(line, columns.heading("unit"), "bad-unit", f"{text[:40]!r} is not {known}")
            return None

    def _price(self, line: int, columns: _Columns, cells: list[str]) -> Amount | None:
        currency = columns.cell(cells, "currency") or self._currency
        if not _CURRENCY.fullmatch(currency):
            self.wrong(line, columns.heading("currency"), "bad-currency", f"{currency[:40]!r} is not three capitals")
            return None
        per_milli = self._read(line, columns, cells, "per", parse_pack) or WHOLE_MILLI
        minor = self._read(line, columns, cells, "price", lambda text: parse_minor(text, currency))
        if minor is not None and minor * WHOLE_MILLI % per_milli:
            self.wrong(line, columns.heading("per"), "price-too-fine", "comes to no whole amount for one unit")
            return None
        return None if minor is None else Amount(minor, currency, per_milli)

    def _code(self, line: int, columns: _Columns, cells: list[str]) -> str | None:
        text = columns.cell(cells, "code")
        if not text:
            return None
        marked = _MARKED_CODE.fullmatch(text)
        try:
            return (read_code(text, None) if marked is None else read_code(marked[2], marked[1])).lookup
        except BadInput as error:
            hint = "; if it is no EAN, write the symbology before it: ]C0 Code 128, ]A0 Code 39"
            detail = error.detail + (hint if error.name == "check-digit" and marked is None else "")
            self.wrong(line, columns.heading("code"), error.name, detail)
            return None
