"""Which price was live when and where: all that the catalogue ever held, and since when hub and stations knew.

Two times are kept apart. A price says itself from when to when it holds. What these rows add is since when it was
known: to the hub, when its log got it; to a station, when it acknowledged a version of the log that holds it. A till
that was cut off at noon sold at the prices it knew.

A position in the log is (generation of its epoch, seq), which only ever grows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

from hub.errors import BadInput
from hub.store.sql import Sql
from protocol.catalogue import STORE, Price, RowKey, RowKind, Scope, area_scope, decode_row, station_scope
from protocol.chain import Position
from protocol.errors import BadInput as BadBytes
from protocol.identity import ItemId, PlaceId, StationId
from protocol.pricing import winning_price
from protocol.state import decode_state

_KNOWN_AT: Final = """
    SELECT line, generation, version, known_us FROM price_history
    WHERE item = ?1 AND (generation, version) <= (?2, ?3)
      AND (until_us IS NULL OR (until_generation, until_version) > (?2, ?3))
"""


class PriceRow(msgspec.Struct, frozen=True):
    """A price as it was said, and from when until when the hub knew it (None: still; 0: since before all records)."""

    price: Price
    known_us: int
    until_us: int | None


class PriceThen(msgspec.Struct, frozen=True):
    """The price of a unit of an item at a time and place; None where none held.

    `live` is by what was known there at that time: at a station, or at the hub. `version` is the catalogue the station
    had. `known_us` is since when the hub, and `held_us` since when the station had `live` (0: since before all
    records). `due` is the price by what is known today: another one if a change came late.
    """

    live: Price | None
    due: Price | None
    version: int | None
    known_us: int | None
    held_us: int | None


class Said(NamedTuple):
    """A live row whose line came, or is no more (None), at seq `version` of the log."""

    key: RowKey
    version: int
    line: bytes | None


def record(connection: Sql, generation: int, changed: Iterable[Said], now_us: int) -> None:
    """Write down what became of prices; other rows are passed over."""
    prices = [each for each in changed if each.key.kind is RowKind.PRICE]
    connection.executemany(
        """UPDATE price_history SET until_generation = ?3, until_version = ?4, until_us = ?5
           WHERE item = ?1 AND id = ?2 AND until_us IS NULL""",
        [(*each.key[1:], generation, each.version, now_us) for each in prices],
    )
    connection.executemany(
        "INSERT OR REPLACE INTO price_history VALUES (?,?,?,?,?,NULL,NULL,NULL,?)",
        [(*each.key[1:], generation, each.version, now_us, each.line) for each in prices if each.line is not None],
    )


def note_held(connection: Sql, held: Iterable[tuple[StationId, Position, int]]) -> None:
    """Write down which version stations acknowledged, and when, if it is another than before."""
    connection.executemany(
        """INSERT OR REPLACE INTO catalogue_held SELECT ?1, ?2, ?3, ?4 WHERE (?3, ?4) IS NOT (
               SELECT generation, version FROM catalogue_held WHERE station = ?1 ORDER BY at_us DESC LIMIT 1)""",
        [(station, at_us, at.epoch.generation, at.seq) for station, at, at_us in held],
    )


def history(connection: Sql, item: ItemId, limit: int) -> tuple[PriceRow, ...]:
    """List every price an item had, the newest known first."""
    rows = connection.execute(
        """SELECT line, known_us, until_us FROM price_history WHERE item = ?
           ORDER BY generation DESC, version DESC, id LIMIT ?""",
        (item, limit),
    )
    return tuple(PriceRow(_price(line), known_us, until_us) for line, known_us, until_us in rows)


def price_at(connection: Sql, item: ItemId, station: StationId | None, t_us: int, qty_milli: int) -> PriceThen:
    """Say which price was live; `station` stands for its position. Raises `BadInput` ("no-station")."""
    scopes = [STORE] if station is None else _scopes_of(connection, station)
    today = connection.execute("SELECT line FROM price_history WHERE item = ? AND until_us IS NULL", (item,))
    due = winning_price([_price(line) for (line,) in today], t_us, qty_milli, scopes)
    if station is None:
        known = connection.execute(
            """SELECT line, generation, version, known_us FROM price_history
               WHERE item = ?1 AND known_us <= ?2 AND (until_us IS NULL OR until_us > ?2)""",
            (item, t_us),
        ).fetchall()
        version = None
    else:
        held = connection.execute(
            """SELECT generation, version FROM catalogue_held WHERE station = ? AND at_us <= ?
               ORDER BY at_us DESC LIMIT 1""",
            (station, t_us),
        ).fetchone()
        known = [] if held is None else connection.execute(_KNOWN_AT, (item, *held)).fetchall()
        version = None if held is None else held[1]
    by_id = {(price := _price(row[0])).id: (price, *row[1:]) for row in known}
    live = winning_price([price for price, *_ in by_id.values()], t_us, qty_milli, scopes)
    if live is None:
        return PriceThen(None, due, version, None, None)
    _, generation, came, known_us = by_id[live.id]
    held_us = None if station is None else _held_since(connection, station, generation, came)
    return PriceThen(live, due, version, known_us, held_us)


def _held_since(connection: Sql, station: StationId, generation: int, version: int) -> int | None:
    found = connection.execute(
        "SELECT min(at_us) FROM catalogue_held WHERE station = ? AND (generation, version) >= (?, ?)",
        (station, generation, version),
    ).fetchone()
    return None if found is None else found[0]


def _scopes_of(connection: Sql, station: StationId) -> Sequence[Scope]:
    row = connection.execute("SELECT state FROM station WHERE name = ?", (station,)).fetchone()
    held = connection.execute("SELECT 1 FROM catalogue_held WHERE station = ? LIMIT 1", (station,)).fetchone()
    if row is None and held is None:
        raise BadInput("no-station", f"{station} has never said anything")
    return [station_scope(station), *_areas(None if row is None else row[0]), STORE]


def _areas(state: str | None) -> Sequence[Scope]:
    try:
        place = "" if state is None else decode_state(state.encode()).place
    except BadBytes:
        place = ""
    return [area_scope(PlaceId(place))] if place else []


def _price(line: bytes) -> Price:
    row = decode_row(bytes(line))
    assert isinstance(row, Price)
    return row
