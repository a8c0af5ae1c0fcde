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
from sqlalchemy import Executable, and_, func, or_, select, update

from hub.errors import BadInput
from hub.store.entry_bounds import MAX_TIME_US
from hub.store.sql import Sql
from hub.store.statements import given, replacing
from hub.store.tables import catalogue_held, price_history, station
from protocol.catalogue import STORE, Price, RowKey, RowKind, Scope, area_scope, decode_row, station_scope
from protocol.chain import Position
from protocol.errors import BadInput as BadBytes
from protocol.identity import ItemId, PlaceId, StationId
from protocol.pricing import winning_price
from protocol.state import decode_state

_Place = tuple[int, int]
"""A position in the catalogue log: generation and version."""

_told, _held = price_history.c, catalogue_held.c
_END: Final = (
    update(price_history)
    .where(_told.item == given("of", _told.item), _told.id == given("named", _told.id), _told.until_us.is_(None))
    .values(
        until_generation=given("generation", _told.generation),
        until_version=given("version", _told.version),
        until_us=given("now_us", _told.known_us),
    )
)
_BEGIN: Final = replacing(price_history, "item", "id", "generation", "version", "known_us", "line")
_HOLD: Final = replacing(catalogue_held)
_HELD_BEFORE: Final = (
    select(_held.generation, _held.version, _held.at_us)
    .where(_held.station == given("name", _held.station), _held.at_us <= given("t_us", _held.at_us))
    .order_by(_held.at_us.desc())
    .limit(1)
)
_HELD_NEXT: Final = (
    select(_held.generation, _held.version, _held.at_us)
    .where(_held.station == given("name", _held.station), _held.at_us > given("t_us", _held.at_us))
    .order_by(_held.at_us)
    .limit(1)
)
_HELD_SINCE: Final = select(func.min(_held.at_us)).where(
    _held.station == given("name", _held.station),
    or_(
        _held.generation > given("generation", _held.generation),
        and_(
            _held.generation == given("generation", _held.generation),
            _held.version >= given("version", _held.version),
        ),
    ),
)
_OF_ITEM: Final = select(
    _told.line,
    _told.generation,
    _told.version,
    _told.known_us,
    _told.until_generation,
    _told.until_version,
    _told.until_us,
).where(_told.item == given("item", _told.item))
_NEWEST_FIRST: Final = (
    select(_told.line, _told.known_us, _told.until_us)
    .where(_told.item == given("item", _told.item))
    .order_by(_told.generation.desc(), _told.version.desc(), _told.id)
    .limit(given("most", _told.version))
)
_STATE: Final = select(station.c.state).where(station.c.name == given("name", station.c.name))


class PriceRow(msgspec.Struct, frozen=True):
    """A price as it was said, and from when until when the hub knew it (None: still; 0: since before all records)."""

    price: Price
    known_us: int
    until_us: int | None


class Perhaps(msgspec.Struct, frozen=True):
    """A price that a station may have had already (None: that it had none any more).

    The hub knew since `from_us`; the station acknowledged it at `until_us` (None: it has not), and may have had it
    from any moment between.
    """

    price: Price | None
    from_us: int
    until_us: int | None


class PriceThen(msgspec.Struct, frozen=True):
    """The price of a unit of an item at a time and place; None where none held.

    `live` is by what was known there at that time: at a station, or at the hub. `version` is the catalogue the station
    had acknowledged. `known_us` is since when the hub, and `held_us` since when the station had `live` (0: since before
    all records). `perhaps` are others that were on their way to the station and may have reached it. `due` is the price
    by what is known today: another one if a change came late.
    """

    live: Price | None
    due: Price | None
    version: int | None
    known_us: int | None
    held_us: int | None
    perhaps: tuple[Perhaps, ...] = ()


class Said(NamedTuple):
    """A live row whose line came, or is no more (None), at seq `version` of the log."""

    key: RowKey
    version: int
    line: bytes | None


class _Told(NamedTuple):
    """A price that was said, from and until which place in the log."""

    price: Price
    came: _Place
    known_us: int
    went: _Place | None
    until_us: int | None

    def lives(self, at: _Place) -> bool:
        """Whether the catalogue as of a place in the log holds it."""
        return self.came <= at and (self.went is None or self.went > at)


class _Held(NamedTuple):
    """How far a station had the log when it said so."""

    at: _Place
    at_us: int


def record(sql: Sql, generation: int, changed: Iterable[Said], now_us: int) -> None:
    """Write down what became of prices; other rows are passed over."""
    prices = [each for each in changed if each.key.kind is RowKind.PRICE]
    sql.executemany(
        _END,
        [(*each.key[1:], generation, each.version, now_us) for each in prices],
        ("of", "named", "generation", "version", "now_us"),
    )
    sql.executemany(
        _BEGIN,
        [(*each.key[1:], generation, each.version, now_us, each.line) for each in prices if each.line is not None],
    )


def note_held(sql: Sql, held: Iterable[tuple[StationId, Position, int]]) -> None:
    """Write down which version stations acknowledged, and when, if it is another than before."""
    for name, at, at_us in held:
        place = (at.epoch.generation, at.seq)
        before = _held_at(sql, _HELD_BEFORE, name, MAX_TIME_US)
        if before is None or before.at != place:
            sql.executemany(_HOLD, [(name, at_us, *place)])


def history(sql: Sql, item: ItemId, limit: int) -> tuple[PriceRow, ...]:
    """List every price an item had, the newest known first."""
    rows = sql.execute(_NEWEST_FIRST, {"item": item, "most": limit})
    return tuple(PriceRow(_price(line), known_us, until_us) for line, known_us, until_us in rows)


def price_at(sql: Sql, item: ItemId, name: StationId | None, t_us: int, qty_milli: int) -> PriceThen:
    """Say which price was live; the station `name` stands for its position. Raises `BadInput` ("no-station")."""
    scopes = [STORE] if name is None else _scopes_of(sql, name)
    told = [
        _Told(
            _price(line),
            (generation, version),
            known_us,
            None if went is None else (went, until_version),
            until_us,
        )
        for line, generation, version, known_us, went, until_version, until_us in sql.execute(_OF_ITEM, {"item": item})
    ]

    def winner(among: Iterable[_Told]) -> _Told | None:
        by_price = {each.price.id: each for each in among}
        won = winning_price([each.price for each in by_price.values()], t_us, qty_milli, scopes)
        return None if won is None else by_price[won.id]._replace(price=won)

    due = _priced(winner(each for each in told if each.until_us is None))
    if name is None:
        live = winner(
            each for each in told if each.known_us <= t_us and (each.until_us is None or each.until_us > t_us)
        )
        return PriceThen(_priced(live), due, None, None if live is None else live.known_us, None)
    held, after = _held_at(sql, _HELD_BEFORE, name, t_us), _held_at(sql, _HELD_NEXT, name, t_us)
    live = None if held is None else winner(each for each in told if each.lives(held.at))
    perhaps: dict[Price | None, Perhaps] = {}
    for at, known_us in sorted(_on_their_way(told, held, after, t_us)):
        price = _priced(winner(each for each in told if each.lives(at)))
        if price != _priced(live) and price not in perhaps:
            perhaps[price] = Perhaps(price, known_us, None if after is None else after.at_us)
    return PriceThen(
        live=_priced(live),
        due=due,
        version=None if held is None else held.at[1],
        known_us=None if live is None else live.known_us,
        held_us=None if live is None else _since(sql, name, live.came),
        perhaps=tuple(perhaps.values()),
    )


def _on_their_way(told: Iterable[_Told], held: _Held | None, after: _Held | None, t_us: int) -> set[tuple[_Place, int]]:
    """Find the changes of an item's prices that the hub had at `t_us`, and a station perhaps: where, and since when.

    `held` is what the station had acknowledged by then, and `after` what it acknowledged next.
    """
    moments = {(each.came, each.known_us) for each in told}
    moments |= {(each.went, each.until_us) for each in told if each.went is not None and each.until_us is not None}
    return {
        (at, known_us)
        for at, known_us in moments
        if known_us <= t_us and (held is None or at > held.at) and (after is None or at <= after.at)
    }


def _held_at(sql: Sql, which: Executable, name: StationId, t_us: int) -> _Held | None:
    row = sql.execute(which, {"name": name, "t_us": t_us}).fetchone()
    return None if row is None else _Held((row[0], row[1]), row[2])


def _since(sql: Sql, name: StationId, came: _Place) -> int | None:
    """Say when a station first acknowledged a place in the log, or one after it."""
    row = sql.execute(_HELD_SINCE, {"name": name, "generation": came[0], "version": came[1]}).fetchone()
    return None if row is None else row[0]


def _priced(told: _Told | None) -> Price | None:
    return None if told is None else told.price


def _scopes_of(sql: Sql, name: StationId) -> Sequence[Scope]:
    row = sql.execute(_STATE, {"name": name}).fetchone()
    if row is None and _held_at(sql, _HELD_BEFORE, name, MAX_TIME_US) is None:
        raise BadInput("no-station", f"{name} has never said anything")
    return [station_scope(name), *_areas(None if row is None else row[0]), STORE]


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
