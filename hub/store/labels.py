"""How much a label pays for that tells a price and no weight, as the hub reckons it for a till that could not.

A till that knows the goods reckons itself, by its prices (`protocol.label_price`). One that did not took the label's
price for that of a piece, and the hub reckons when it knows them: by the prices that it knew at the moment of the scan,
or, if it came to know the goods only later, by the first it knew. What it learns after that changes nothing any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import select

from hub.store.links import Links
from hub.store.sql import Sql
from hub.store.statements import given, one_of, putting
from hub.store.supplies import items_said
from hub.store.tables import live, price_history, relink, scope
from protocol.catalogue import WHOLE_MILLI, Price, RowKind, Scope, decode_known_row
from protocol.identity import ItemId
from protocol.label_price import LabelPrice, milli_of_label
from protocol.pricing import for_a_unit, winning_price

_told = price_history.c
_PRICES: Final = select(_told.line, _told.known_us, _told.until_us).where(_told.item == given("item", _told.item))
_PRICED: Final = select(_told.item).where(one_of(_told.item, "items")).distinct()
_BOOKED: Final = select(scope.c.item).where(one_of(scope.c.item, "items")).distinct()
_CODES: Final = (
    select(live.c.owner).where(live.c.item == given("item", live.c.item), live.c.kind == RowKind.LINK.value).distinct()
)
_RELINK: Final = putting(relink).on_conflict_do_update(index_elements=["code", "item"], set_={"from_us": 0})


def milli_then(sql: Sql, item: ItemId, label: LabelPrice, scopes: Sequence[Scope], t_us: int) -> int | None:
    """Give what a label pays for, in thousandths of a unit; None if what was known of the goods does not tell."""
    said = items_said(sql, [item]).get(item)
    rows = sql.execute(_PRICES, {"item": item}).fetchall()
    if said is None or not rows:
        return None
    as_of_us = max(t_us, min(known_us for _, known_us, _ in rows))
    known = [(_price(line), until_us) for line, known_us, until_us in rows if known_us <= as_of_us]
    if any((price.minor, price.currency) == (label.minor, label.currency) for price, _ in known):
        # The till may have known the goods after all, at that price for a unit.
        return WHOLE_MILLI
    prices = [price for price, until_us in known if until_us is None or until_us > as_of_us]
    return milli_of_label(label, winning_price(prices, t_us, WHOLE_MILLI, scopes), said.unit)


def unpriced(sql: Sql, items: Iterable[str]) -> set[str]:
    """Find those of some items that never had a price."""
    asked = set(items)
    return asked - {item for (item,) in sql.execute(_PRICED, {"items": list(asked)})} if asked else asked


def measure_anew(sql: Sql, items: Iterable[str], links: Links) -> None:
    """Have the labels of items read again that are in the books, because it was not known how they are sold."""
    asked = list(items)
    if not asked:
        return
    for (item,) in sql.execute(_BOOKED, {"items": asked}).fetchall():
        codes = [code for (code,) in sql.execute(_CODES, {"item": item}) if links.on_labels(code)]
        sql.executemany(_RELINK, [(code, item, 0) for code in codes])


def _price(line: bytes) -> Price:
    row = decode_known_row(line)
    assert isinstance(row, Price)
    return for_a_unit(row)
