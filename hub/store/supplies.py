"""How items are bought, as the catalogue says: supplier, pack and lead time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import select

from hub.store.sql import Sql
from hub.store.statements import one_of
from hub.store.tables import live
from protocol.catalogue import Item, RowKind, decode_known_row
from protocol.identity import ItemId

_ITEMS: Final = select(live.c.line).where(live.c.kind == RowKind.ITEM.value)
_SOME: Final = _ITEMS.where(one_of(live.c.owner, "items"))
_ALL: Final = _ITEMS.order_by(live.c.owner)

Suppliers = dict[str, tuple[ItemId, ...]]
"""The items of each supplier that the catalogue names, in the order of their names."""


def items_said(sql: Sql, items: Iterable[ItemId]) -> dict[ItemId, Item]:
    """Give what the catalogue says of some items; those it does not know are left out."""
    rows = sql.execute(_SOME, {"items": list(items)}).fetchall()
    return {ItemId(row.item): row for (line,) in rows if isinstance(row := decode_known_row(line), Item)}


def suppliers(sql: Sql) -> Suppliers:
    """Give all suppliers. Goes through the whole catalogue."""
    found: dict[str, list[ItemId]] = {}
    for (line,) in sql.execute(_ALL):
        row = decode_known_row(line)
        if isinstance(row, Item) and row.supplier:
            found.setdefault(row.supplier, []).append(ItemId(row.item))
    return {name: tuple(found[name]) for name in sorted(found)}
