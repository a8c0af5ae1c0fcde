"""The questions of the hub's pages and REST about stock, items and events, on the reader's connection.

Beyond 300 lines because figures, timelines and newest events are told by the same names, prices and anchors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import and_, bindparam, case, exists, func, or_, select, tuple_

from hub.ledger.entries import Cause, Key, Kind, Status
from hub.ledger.promises import NOTHING_PROMISED, Promised, available_milli
from hub.store import chunks, tables, timelines
from hub.store.entry_rows import COUNT, DELTA, REVERSAL
from hub.store.epochs import JOURNAL, EpochRows
from hub.store.page_tokens import from_token, token
from hub.store.promises import promised
from hub.store.reading import ASIDE, NO_ITEM
from hub.store.saying import say
from hub.store.sql import Sql
from hub.store.statements import given, matches, one_of
from hub.store.tails import Pages
from hub.store.timelines import Behind, ScopeRow
from hub.store.views import (
    ItemRow,
    RecentEvent,
    StockPage,
    StockRow,
    TimelineEntry,
    TimelinePage,
)
from protocol.catalogue import STORE, WHOLE_MILLI, Item, Price, RowKind, Unit, area_scope, decode_row
from protocol.decisions import JournalEntry, decode_journal_entry
from protocol.errors import BadInput as BadBytes
from protocol.events import Anchor, Mark, Reason, StationEntry, TagChange, decode_station_entry
from protocol.identity import EntryId, ItemId, PlaceId
from protocol.pricing import winning_price

MAX_PAGE = 1000
_CHUNKS_LOOKED_AT = 200
_KINDS = {DELTA: Kind.DELTA, COUNT: Kind.COUNT, REVERSAL: Kind.REVERSAL}
# By its key: asked by item and kind, SQLite walks all prices there are, for the key begins with the kind.
_scope, _live, _chunk = tables.scope.c, tables.live.c, tables.chunk.c
_PRICE = _live.kind == RowKind.PRICE.value
PRICES_OF: Final = select(_live.line).where(_PRICE, _live.owner == bindparam("item"))
_PRICES_OF_EACH: Final = select(_live.owner, _live.line).where(_PRICE, one_of(_live.owner, "items"))
_ITEM: Final = select(_live.line).where(
    _live.kind == RowKind.ITEM.value, _live.owner == bindparam("item"), _live.member == ""
)
_CODES: Final = (
    select(_live.owner)
    .where(_live.item == bindparam("item"), _live.kind == RowKind.LINK.value)
    .distinct()
    .order_by(_live.owner)
)
_NEWEST: Final = (
    select(_chunk.epoch, _chunk.first, _chunk.n, _chunk.body, _chunk.flag)
    .where(_chunk.to_fold != 0)
    .order_by(_chunk.id.desc())
    .limit(_CHUNKS_LOOKED_AT)
)
_named, _counted = tables.live.alias("item").c, tables.count_figure.alias("anchor").c
_CLOSED = select(func.max(tables.period.c.until_us)).scalar_subquery()
_IS_FINAL = case(
    (and_(_scope.newest_us <= _CLOSED, or_(_counted.t_us.is_(None), _counted.t_us <= _CLOSED)), 1), else_=0
)
_STOCK = (
    select(
        _scope.item, _named.line, _scope.area, _scope.on_hand_milli, _scope.under_milli, _scope.over_milli,
        _scope.ambiguous, _counted.t_us, _IS_FINAL,
    )
    .select_from(
        tables.scope.outerjoin(
            _named.line.table,
            and_(_named.kind == RowKind.ITEM.value, _named.owner == _scope.item, _named.member == ""),
        ).outerjoin(
            _counted.t_us.table, and_(_counted.epoch == _scope.anchor_epoch, _counted.seq == _scope.anchor_seq)
        )
    )
    .where(_scope.item != NO_ITEM, or_(_scope.plain > 0, exists().where(tables.entry.c.scope == _scope.id)))
)  # fmt: skip
_STOCK_OF: Final = _STOCK.where(_scope.item == bindparam("item")).order_by(_scope.area)
_AFTER = _STOCK.where(tuple_(_scope.item, _scope.area) > tuple_(given("item", _scope.item), given("area", _scope.area)))
_IN_ORDER: Final = _AFTER.order_by(_scope.item, _scope.area).limit(bindparam("limit"))
_FOUND: Final = _IN_ORDER.where(
    or_(
        matches(_scope.item, "pattern"),
        matches(_named.name, "pattern"),
        _scope.item.in_(select(_live.item).where(_live.kind == RowKind.LINK.value, matches(_live.owner, "pattern"))),
    )
)


def stock(connection: Sql, after: str | None, limit: int, search: str, now_us: int) -> StockPage:
    """See `HubStore.stock`."""
    item, area = ("", "") if after is None else from_token(after, str, str)
    limit = _page(limit)
    asked = {"item": item, "area": area, "pattern": f"%{_literal(search)}%", "limit": limit + 1}
    rows = connection.execute(_FOUND if search else _IN_ORDER, asked).fetchall()
    more = len(rows) > limit
    items = {row[0] for row in rows[:limit]}
    prices, kept = _prices_of_each(connection, items), promised(connection, items)
    found = tuple(_stock_row(row, prices.get(row[0], ()), kept, now_us) for row in rows[:limit])
    return StockPage(found, token(found[-1].item, found[-1].area) if more else None)


def stock_of(
    connection: Sql,
    item: ItemId,
    now_us: int,
    prices: Sequence[Price] | None = None,
    kept: Mapping[str, Promised] | None = None,
) -> StockPage:
    """See `HubStore.stock_of`; `prices` and what is `kept` are the item's if the caller has read them."""
    rows = connection.execute(_STOCK_OF, {"item": item}).fetchall()
    known = prices_of(connection, item) if prices is None else prices
    kept = promised(connection, (item,)) if kept is None else kept
    return StockPage(tuple(_stock_row(row, known, kept, now_us) for row in rows), None)


def item(connection: Sql, name: ItemId, now_us: int, prices: Sequence[Price] | None = None) -> ItemRow | None:
    """See `HubStore.item`; `prices` are its prices if the caller has read them."""
    row = connection.execute(_ITEM, {"item": name}).fetchone()
    if row is None:
        return None
    said, unit = _said(row[0])
    codes = connection.execute(_CODES, {"item": name}).fetchall()
    price = _price(prices_of(connection, name) if prices is None else prices, None, now_us)
    return ItemRow(
        item=name,
        name=said,
        unit=unit,
        codes=tuple(code for (code,) in codes),
        price_minor=None if price is None else price.minor,
        currency=None if price is None else price.currency,
    )


def timeline(
    connection: Sql, epochs: EpochRows, name: ItemId, area: PlaceId | None, after: str | None, limit: int
) -> TimelinePage:
    """See `HubStore.timeline`."""
    limit = _page(limit)
    bound = (1 << 62, 0, 0) if after is None else from_token(after, int, int, int)
    found = timelines.newest_first(connection, name, area, bound, limit + 1)
    entries = tuple(_timeline_entry(connection, epochs, behind) for behind in found[:limit])
    return TimelinePage(entries, token(*found[limit - 1].place) if len(found) > limit else None)


def prices_of(connection: Sql, item: ItemId) -> list[Price]:
    """Give all prices of an item that live, whenever they hold."""
    rows = connection.execute(PRICES_OF, {"item": item}).fetchall()
    return [row for (line,) in rows if isinstance(row := decode_row(line), Price)]


def _prices_of_each(connection: Sql, items: Iterable[str]) -> dict[str, list[Price]]:
    prices: dict[str, list[Price]] = {}
    for item, line in connection.execute(_PRICES_OF_EACH, {"items": list(items)}).fetchall():
        row = decode_row(line)
        if isinstance(row, Price):
            prices.setdefault(item, []).append(row)
    return prices


def recent_events(connection: Sql, epochs: EpochRows, limit: int) -> tuple[RecentEvent, ...]:
    """See `HubStore.recent_events`."""
    found: list[RecentEvent] = []
    known = Pages(connection)
    for row, first, n, body, flag in connection.walk(_NEWEST):
        epoch = epochs.by_id(connection, row)
        if not (epoch.log_name == JOURNAL or epoch.log_name.startswith("s/")):
            continue
        decode = decode_journal_entry if epoch.log_name == JOURNAL else decode_station_entry
        lines = chunks.unpack(body, n)
        for seq in range(first + n - 1, first - 1, -1):
            try:
                event = None if flag is not None else decode(lines[seq - first])
            except BadBytes:
                event = None
            if not isinstance(event, Anchor | Mark | TagChange):
                found.append(_recent(connection, epochs, known, epoch.entry(seq), row, event))
            if len(found) >= limit:
                return tuple(found)
    return tuple(found)


def _stock_row(row: Sequence[Any], prices: Sequence[Price], kept: Mapping[str, Promised], now_us: int) -> StockRow:
    name, line, area, on_hand, under, over, ambiguous, counted_us, is_final = row
    said, unit = _said(line)
    price = _price(prices, PlaceId(area), now_us)
    said_of = kept.get(name, NOTHING_PROMISED)
    reserved, safety = said_of.reserved_milli(area, now_us), said_of.safety_milli(area, now_us)
    return StockRow(
        item=ItemId(name),
        name=said,
        unit=unit,
        area=PlaceId(area),
        on_hand_milli=on_hand,
        lo_milli=on_hand + under,
        hi_milli=on_hand + over,
        available_milli=available_milli(on_hand, reserved, safety),
        unanchored=counted_us is None,
        ambiguous=ambiguous,
        counted_us=counted_us,
        price_minor=None if price is None else price.minor,
        currency=None if price is None else price.currency,
        final=bool(is_final),
        reserved_milli=reserved,
        safety_milli=safety,
    )


def _said(line: bytes | None) -> tuple[str, str]:
    """Give the name and unit that an item's line tells."""
    row = None if line is None else decode_row(line)
    return (row.name, row.unit.value) if isinstance(row, Item) else ("", Unit.EACH.value)


def _price(prices: Sequence[Price], area: PlaceId | None, now_us: int) -> Price | None:
    scopes = (STORE,) if area is None else (area_scope(area), STORE)
    return winning_price(prices, now_us, WHOLE_MILLI, scopes)


def _timeline_entry(connection: Sql, epochs: EpochRows, behind: Behind) -> TimelineEntry:
    key_us, epoch, seq = behind.place
    identity = epochs.by_id(connection, epoch).entry(seq)
    reversed_entry = None if behind.reverses is None else EntryId.parse(behind.reverses)
    return TimelineEntry(
        entry=identity,
        kind=_KINDS[behind.kind],
        status=_status(
            behind.kind,
            behind.qty_milli,
            Key(key_us, reversed_entry or identity),
            _anchor(connection, epochs, behind.scope),
        ),
        cause=None if behind.cause is None else Cause(behind.cause),
        area=PlaceId(behind.scope.area or ""),
        t_us=behind.t_us,
        err_us=behind.err_us,
        qty_milli=behind.qty_milli,
        variance_milli=behind.variance_milli,
        reason=None if behind.reason is None else Reason(behind.reason),
        document=behind.document,
        code=behind.code,
        reverses=reversed_entry,
        reversed_by=None if behind.reversed_by is None else EntryId.parse(behind.reversed_by),
        lead_us=behind.lead_us,
        lag_us=behind.lag_us,
    )


def _anchor(connection: Sql, epochs: EpochRows, scope: ScopeRow) -> Key | None:
    """Give the key of the count that a scope rests on."""
    if scope.anchor_us is None or scope.anchor_epoch is None or scope.anchor_seq is None:
        return None
    return Key(scope.anchor_us, epochs.by_id(connection, scope.anchor_epoch).entry(scope.anchor_seq))


def _status(kind: int, qty_milli: int, key: Key, anchor: Key | None) -> Status:
    """Say what became of an entry that is not in quarantine, by the count its scope rests on."""
    if kind == COUNT:
        return Status.APPLIED if key == anchor else Status.HISTORY
    # A void, which moves nothing, stays in force however old its count grows.
    is_void = kind == REVERSAL and qty_milli == 0
    return Status.APPLIED if is_void or anchor is None or key > anchor else Status.ABSORBED


def _recent(
    connection: Sql,
    epochs: EpochRows,
    known: Pages,
    identity: EntryId,
    epoch: int,
    event: StationEntry | JournalEntry | None,
) -> RecentEvent:
    told = say(identity, event)
    behind = timelines.entry_at(connection, known, epoch, identity.seq)
    if behind is None:
        return told
    t_us, qty, scope = behind.t_us, behind.qty_milli, behind.scope
    if scope.item == NO_ITEM and (scope.area or "").startswith(ASIDE):
        # Evidence: nothing became of it, and nothing is wrong with it.
        return replace(told, t_us=t_us, qty_milli=qty)
    if behind.cause is not None or scope.item is None or scope.item == NO_ITEM:
        return replace(told, t_us=t_us, qty_milli=qty, status=Status.QUARANTINED)
    reversed_entry = None if behind.reverses is None else EntryId.parse(behind.reverses)
    key = Key(behind.place[0], reversed_entry or identity)
    status = _status(behind.kind, qty, key, _anchor(connection, epochs, scope))
    row = connection.execute(_ITEM, {"item": scope.item}).fetchone()
    name = "" if row is None else _said(row[0])[0]
    return replace(told, t_us=t_us, qty_milli=qty, item=ItemId(scope.item), name=name, status=status)


def _page(limit: int) -> int:
    return max(1, min(limit, MAX_PAGE))


def _literal(text: str) -> str:
    """Take the wildcards of LIKE for what they are."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
