"""The questions of the hub's pages and REST about stock, items and events, on the reader's connection."""

# ruff: noqa: S608 - what is put into SQL text here are this module's own fragments

from __future__ import annotations

import base64
import binascii
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from hub.errors import BadInput
from hub.ledger.entries import Cause, Key, Kind, Status
from hub.store import chunks
from hub.store.entry_rows import COUNT, DELTA, REVERSAL
from hub.store.epochs import JOURNAL, EpochRows
from hub.store.reading import NO_ITEM
from hub.store.saying import say
from hub.store.views import (
    ItemRow,
    RecentEvent,
    StockPage,
    StockRow,
    TimelineEntry,
    TimelinePage,
)
from protocol.catalogue import STORE, WHOLE_MILLI, Item, Price, RowKind, Unit, area_scope, decode_row
from protocol.errors import BadInput as BadBytes
from protocol.events import (
    Anchor,
    JournalEntry,
    Mark,
    Reason,
    StationEntry,
    TagChange,
    decode_journal_entry,
    decode_station_entry,
)
from protocol.identity import EntryId, ItemId, PlaceId
from protocol.pricing import winning_price

MAX_PAGE = 1000
_CHUNKS_LOOKED_AT = 200
_KINDS = {DELTA: Kind.DELTA, COUNT: Kind.COUNT, REVERSAL: Kind.REVERSAL}
_STOCK = f"""
    SELECT scope.item, item.line, scope.area, on_hand_milli, under_milli, over_milli, ambiguous, anchor.t_us
    FROM scope LEFT JOIN live AS item ON item.kind = 'i' AND item.owner = scope.item AND item.member = ''
    LEFT JOIN count_figure AS anchor ON anchor.epoch = anchor_epoch AND anchor.seq = anchor_seq
    WHERE scope.item <> '{NO_ITEM}' AND EXISTS (SELECT 1 FROM entry WHERE entry.scope = scope.id)"""


def stock(connection: sqlite3.Connection, after: str | None, limit: int, search: str, now_us: int) -> StockPage:
    """See `HubStore.stock`."""
    item, area = ("", "") if after is None else _from_token(after, str, str)
    limit = _page(limit)
    pattern = f"%{_literal(search)}%"
    rows = connection.execute(
        f"""{_STOCK} AND (scope.item, scope.area) > (?1, ?2) AND
            (?3 = '' OR scope.item LIKE ?4 ESCAPE '\\' OR item.name LIKE ?4 ESCAPE '\\' OR scope.item IN
             (SELECT item FROM live WHERE kind = 'l' AND owner LIKE ?4 ESCAPE '\\'))
            ORDER BY scope.item, scope.area LIMIT ?5""",
        (item, area, search, pattern, limit + 1),
    ).fetchall()
    more = len(rows) > limit
    found = tuple(_stock_row(connection, row, now_us) for row in rows[:limit])
    return StockPage(found, _token(found[-1].item, found[-1].area) if more else None)


def stock_of(connection: sqlite3.Connection, item: ItemId, now_us: int) -> StockPage:
    """See `HubStore.stock_of`."""
    rows = connection.execute(f"{_STOCK} AND scope.item = ? ORDER BY area", (item,))
    return StockPage(tuple(_stock_row(connection, row, now_us) for row in rows.fetchall()), None)


def item(connection: sqlite3.Connection, name: ItemId, now_us: int) -> ItemRow | None:
    """See `HubStore.item`."""
    row = connection.execute("SELECT line FROM live WHERE kind = 'i' AND owner = ? AND member = ''", (name,)).fetchone()
    if row is None:
        return None
    said, unit = _said(row[0])
    codes = connection.execute(
        "SELECT DISTINCT owner FROM live WHERE item = ? AND kind = ? ORDER BY owner", (name, RowKind.LINK.value)
    )
    price = _price(connection, name, None, now_us)
    return ItemRow(
        item=name,
        name=said,
        unit=unit,
        codes=tuple(code for (code,) in codes),
        price_minor=None if price is None else price.minor,
        currency=None if price is None else price.currency,
    )


def timeline(
    connection: sqlite3.Connection, epochs: EpochRows, name: ItemId, area: PlaceId | None, after: str | None, limit: int
) -> TimelinePage:
    """See `HubStore.timeline`."""
    limit = _page(limit)
    bound = (1 << 62, 0, 0) if after is None else _from_token(after, int, int, int)
    rows = connection.execute(
        """SELECT entry.epoch, entry.seq, kind, cause, scope.area, entry.t_us, err_us, entry.qty_milli,
                  figure.qty_milli - figure.expected_milli, reason, document, code, reverses, reversed_by, key_us,
                  anchor_epoch, anchor_seq, anchor.t_us
           FROM scope JOIN entry ON entry.scope = scope.id
           LEFT JOIN count_figure AS figure ON figure.epoch = entry.epoch AND figure.seq = entry.seq
           LEFT JOIN count_figure AS anchor ON anchor.epoch = anchor_epoch AND anchor.seq = anchor_seq
           WHERE scope.item = ?1 AND (?2 IS NULL OR scope.area = ?2) AND (key_us, entry.epoch, entry.seq) < (?3, ?4, ?5)
           ORDER BY key_us DESC, entry.epoch DESC, entry.seq DESC LIMIT ?6""",
        (name, area, *bound, limit + 1),
    ).fetchall()
    entries = tuple(_timeline_entry(connection, epochs, row) for row in rows[:limit])
    last = rows[limit - 1] if len(rows) > limit else None
    return TimelinePage(entries, None if last is None else _token(last[14], last[0], last[1]))


def recent_events(connection: sqlite3.Connection, epochs: EpochRows, limit: int) -> tuple[RecentEvent, ...]:
    """See `HubStore.recent_events`."""
    found: list[RecentEvent] = []
    rows = connection.execute(
        "SELECT epoch, first, n, body, flag FROM chunk WHERE to_fold ORDER BY id DESC LIMIT ?", (_CHUNKS_LOOKED_AT,)
    )
    for row, first, n, body, flag in rows:
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
                found.append(_recent(connection, epochs, epoch.entry(seq), row, event))
            if len(found) >= limit:
                return tuple(found)
    return tuple(found)


def _stock_row(connection: sqlite3.Connection, row: Sequence[Any], now_us: int) -> StockRow:
    name, line, area, on_hand, under, over, ambiguous, counted_us = row
    said, unit = _said(line)
    price = _price(connection, ItemId(name), PlaceId(area), now_us)
    return StockRow(
        item=ItemId(name),
        name=said,
        unit=unit,
        area=PlaceId(area),
        on_hand_milli=on_hand,
        lo_milli=on_hand + under,
        hi_milli=on_hand + over,
        available_milli=max(0, on_hand),
        unanchored=counted_us is None,
        ambiguous=ambiguous,
        counted_us=counted_us,
        price_minor=None if price is None else price.minor,
        currency=None if price is None else price.currency,
    )


def _said(line: bytes | None) -> tuple[str, str]:
    """Give the name and unit that an item's line tells."""
    row = None if line is None else decode_row(line)
    return (row.name, row.unit.value) if isinstance(row, Item) else ("", Unit.EACH.value)


def _price(connection: sqlite3.Connection, name: ItemId, area: PlaceId | None, now_us: int) -> Price | None:
    rows = connection.execute("SELECT line FROM live WHERE item = ? AND kind = ?", (name, RowKind.PRICE.value))
    prices = [row for (line,) in rows if isinstance(row := decode_row(line), Price)]
    scopes = (STORE,) if area is None else (area_scope(area), STORE)
    return winning_price(prices, now_us, WHOLE_MILLI, scopes)


def _timeline_entry(connection: sqlite3.Connection, epochs: EpochRows, row: Sequence[Any]) -> TimelineEntry:
    (epoch, seq, kind, cause, area, t_us, err_us, qty, variance, reason, document, code, reverses, reversed_by,
     key_us, anchor_epoch, anchor_seq, anchor_us) = row  # fmt: skip
    identity = epochs.by_id(connection, epoch).entry(seq)
    reversed_entry = None if reverses is None else EntryId.parse(reverses)
    anchor = None if anchor_us is None else Key(anchor_us, epochs.by_id(connection, anchor_epoch).entry(anchor_seq))
    status = _status(kind, qty, Key(key_us, reversed_entry or identity), anchor)
    return TimelineEntry(
        entry=identity,
        kind=_KINDS[kind],
        status=status,
        cause=None if cause is None else Cause(cause),
        area=PlaceId(area),
        t_us=t_us,
        err_us=err_us,
        qty_milli=qty,
        variance_milli=variance,
        reason=None if reason is None else Reason(reason),
        document=document,
        code=code,
        reverses=reversed_entry,
        reversed_by=None if reversed_by is None else EntryId.parse(reversed_by),
    )


def _status(kind: int, qty_milli: int, key: Key, anchor: Key | None) -> Status:
    """Say what became of an entry that is not in quarantine, by the count its scope rests on."""
    if kind == COUNT:
        return Status.APPLIED if key == anchor else Status.HISTORY
    # A void, which moves nothing, stays in force however old its count grows.
    is_void = kind == REVERSAL and qty_milli == 0
    return Status.APPLIED if is_void or anchor is None or key > anchor else Status.ABSORBED


def _recent(
    connection: sqlite3.Connection,
    epochs: EpochRows,
    identity: EntryId,
    epoch: int,
    event: StationEntry | JournalEntry | None,
) -> RecentEvent:
    told = say(identity, event)
    row = connection.execute(
        """SELECT entry.kind, entry.t_us, entry.qty_milli, entry.cause, reverses, key_us, scope.item, live.line,
                  anchor.t_us, anchor_epoch, anchor_seq
           FROM entry LEFT JOIN scope ON scope.id = entry.scope
           LEFT JOIN live ON live.kind = 'i' AND live.owner = scope.item AND live.member = ''
           LEFT JOIN count_figure AS anchor ON anchor.epoch = anchor_epoch AND anchor.seq = anchor_seq
           WHERE entry.epoch = ? AND entry.seq = ?""",
        (epoch, identity.seq),
    ).fetchone()
    if row is None:
        return told
    number, t_us, qty, cause, reverses, key_us, name, line, anchor_us, anchor_epoch, anchor_seq = row
    if cause is not None or name is None or name == NO_ITEM:
        return replace(told, t_us=t_us, qty_milli=qty, status=Status.QUARANTINED)
    anchor = None if anchor_us is None else Key(anchor_us, epochs.by_id(connection, anchor_epoch).entry(anchor_seq))
    status = _status(number, qty, Key(key_us, identity if reverses is None else EntryId.parse(reverses)), anchor)
    return replace(told, t_us=t_us, qty_milli=qty, item=ItemId(name), name=_said(line)[0], status=status)


def _page(limit: int) -> int:
    return max(1, min(limit, MAX_PAGE))


def _literal(text: str) -> str:
    """Take the wildcards of LIKE for what they are."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _token(*values: str | int) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(values)).decode().rstrip("=")


def _from_token(token: str, *kinds: type) -> tuple[Any, ...]:
    """Read a page's token. Raises `BadInput` ("bad-page")."""
    try:
        values = msgspec.json.decode(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)), type=list)
    except (binascii.Error, msgspec.DecodeError, ValueError) as error:
        raise BadInput("bad-page", f"{token[:80]!r} was not given by a page before") from error
    if [type(value) for value in values] != list(kinds):
        raise BadInput("bad-page", f"{token[:80]!r} was not given by a page before")
    return tuple(values)
