"""Whether a word fits what is known when it is said: the floor at its moment, the items, what is held back."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select

from hub.errors import BadInput
from hub.ledger.floorplan import OF_THEIR_OWN, SHELVES, PlaceWord
from hub.store.epochs import folded_log
from hub.store.leads import EVERYWHERE
from hub.store.places import STORE_AREA, days_of
from hub.store.promises import is_reserved
from hub.store.sql import Sql
from hub.store.statements import given
from hub.store.tables import epoch, live, log, quarantine
from protocol.catalogue import RowKind
from protocol.dated_words import DatedWord, HomeGiven, LeadsGiven, PositionGiven
from protocol.decisions import (
    Dismissed,
    HeldWord,
    PromiseWord,
    Released,
    ReservationSaid,
    ReservationStep,
)
from protocol.errors import BadInput as BadBytes
from protocol.events import Count, Delta, decode_station_entry
from protocol.identity import EntryId

_ITEM: Final = select(live.c.owner).where(
    live.c.kind == RowKind.ITEM.value, live.c.owner == given("item", live.c.owner), live.c.member == ""
)


_HELD: Final = (
    select(quarantine.c.body)
    .join(epoch, epoch.c.id == quarantine.c.epoch)
    .join(log, log.c.id == epoch.c.log)
    .where(
        log.c.name == given("log", log.c.name),
        epoch.c.name == given("epoch", epoch.c.name),
        quarantine.c.seq == given("seq", quarantine.c.seq),
        quarantine.c.released_us.is_(None),
    )
)


def check(sql: Sql, word: DatedWord | HeldWord) -> None:
    """Hold a word against what is known: the floor as it is at its moment, or what is held back.

    Raises `BadInput`: "not-held", "not-goods", "place-unknown", "place-ring", "area-unknown", "area-differs",
    "not-a-shelf", "item-unknown", "ends-before".
    """
    if isinstance(word, Released | Dismissed):
        _check_held(sql, word)
        return
    if isinstance(word, PositionGiven):
        check_area(sql, word.area, word.from_us)
        return
    if isinstance(word, LeadsGiven):
        if word.area != EVERYWHERE:
            check_area(sql, word.area, word.from_us)
        return
    if isinstance(word, HomeGiven):
        here = _at(sql, word.place, word.from_us)
        if here is None or here.kind not in SHELVES:
            raise BadInput("not-a-shelf", f"{word.place} is no shelf, so nothing is at home there")
        if word.to_us is not None and word.to_us < word.from_us:
            raise BadInput("ends-before", "it ends before it begins")
        check_item(sql, word.item)
        return
    above = word.parent
    while above:
        parent = _at(sql, above, word.from_us)
        if parent is None:
            raise BadInput("place-unknown", f"{above} is no place then")
        if parent.place == word.place:
            raise BadInput("place-ring", f"{word.place} would be a part of itself")
        above = parent.parent
    if word.kind in OF_THEIR_OWN:
        return
    check_area(sql, word.area, word.from_us)
    parent = _at(sql, word.parent, word.from_us)
    if parent is not None and parent.area != word.area:
        raise BadInput("area-differs", f"{word.parent} is of area {parent.area}")


def _check_held(sql: Sql, word: HeldWord) -> None:
    entry = EntryId.parse(word.target)
    row = sql.execute(_HELD, {"log": folded_log(entry.station), "epoch": str(entry.epoch), "seq": entry.seq}).fetchone()
    if row is None:
        raise BadInput("not-held", f"{word.target} is not held back")
    if isinstance(word, Released) and word.item is not None:
        check_item(sql, word.item)
        try:
            event = decode_station_entry(row[0])
        except BadBytes:
            event = None
        if not isinstance(event, Delta | Count):
            raise BadInput("not-goods", f"{word.target} says nothing of goods")


def check_promise(sql: Sql, word: PromiseWord) -> None:
    """Raise `BadInput`: "item-unknown", "area-unknown", "not-reserved", "ends-before"."""
    if isinstance(word, ReservationSaid) and word.step is not ReservationStep.RESERVE:
        if not is_reserved(sql, word):
            raise BadInput("not-reserved", f"nothing of {word.item} in {word.area} is reserved for {word.document}")
        return
    check_item(sql, word.item)
    if word.area or isinstance(word, ReservationSaid):
        check_area(sql, word.area, word.at_us)
    if isinstance(word, ReservationSaid) and word.until_us is not None and word.until_us <= word.at_us:
        raise BadInput("ends-before", "it ends before it begins")


def check_item(sql: Sql, item: str) -> None:
    """Raise `BadInput` ("item-unknown") for an item that the catalogue does not know."""
    if sql.execute(_ITEM, {"item": item}).fetchone() is None:
        raise BadInput("item-unknown", f"the catalogue holds no {item}")


def check_area(sql: Sql, name: str, at_us: int) -> None:
    """Raise `BadInput` ("area-unknown") for what is no area at that moment."""
    area = _at(sql, name, at_us)
    if name != STORE_AREA and (area is None or area.kind not in OF_THEIR_OWN):
        raise BadInput("area-unknown", f"{name} is no area then")


def _at(sql: Sql, place: str, at_us: int) -> PlaceWord | None:
    return days_of(sql, place).at(at_us)
