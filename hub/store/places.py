"""Which area a place belongs to: one area for the whole store until somebody splits it."""

from __future__ import annotations

from typing import Final

from hub.errors import BadInput
from hub.ledger.entries import Scope
from hub.store.sql import Sql
from protocol.identity import ItemId, PlaceId

_REMEMBERED = 100_000

STORE_AREA: Final = PlaceId("store")
"""The one area a store starts as."""


class Places:
    """Answers the fold. Belongs to the writer's thread; `forget` after a transaction that did not happen."""

    def __init__(self) -> None:
        self._areas: dict[str, PlaceId] = {}
        self._scopes: dict[str, dict[str, Scope]] = {}

    def forget(self) -> None:
        """Read everything from the file again when next asked."""
        self._areas.clear()
        self._scopes.clear()

    def scope_of(self, connection: Sql, place: str, item: str) -> Scope:
        """Give the scope of an item at a place, whose area is settled by being asked for."""
        scopes = self._scopes.get(place)
        if scopes is None or len(scopes) >= _REMEMBERED:
            scopes = self._scopes[place] = {}
        scope = scopes.get(item)
        if scope is None:
            # One object for each scope: whoever looks it up finds it without comparing text.
            scope = scopes[item] = Scope(ItemId(item), self._area_of(connection, place))
        return scope

    def _area_of(self, connection: Sql, place: str) -> PlaceId:
        known = self._areas.get(place)
        if known is None:
            connection.execute(
                "INSERT INTO place VALUES (?,?,1) ON CONFLICT DO UPDATE SET used = 1", (place, STORE_AREA)
            )
            area = connection.execute("SELECT area FROM place WHERE place = ?", (place,)).fetchone()[0]
            known = self._areas[place] = PlaceId(area)
        return known

    @staticmethod
    def assign(connection: Sql, place: PlaceId, area: PlaceId) -> None:
        """Put a place in an area before its first entry is folded. Raises `BadInput` ("place-in-use") afterwards.

        Stock would have to move with it, which is a transfer or a count and not a setting.
        """
        row = connection.execute("SELECT area, used FROM place WHERE place = ?", (place,)).fetchone()
        if row is not None and row[1] and row[0] != area:
            raise BadInput("place-in-use", f"entries of {place} are in the books of area {row[0]}")
        connection.execute(
            "INSERT INTO place VALUES (?,?,0) ON CONFLICT DO UPDATE SET area = excluded.area", (place, area)
        )
