"""Count sessions as the hub's other parts see them: asked of the store, beside the writer."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hub.ledger.asking import Tolerance
from hub.store import count_views
from hub.store.count_views import Expected, FloorOf, SessionPage, SessionView
from hub.store.database import Database
from hub.store.epochs import EpochRows


class Counts:
    """Opened and closed with the store. Every method raises `TryAgain` when the disk would not give it."""

    def __init__(self, database: Database, floor_of: FloorOf, now_us: Callable[[], int]) -> None:
        self._database = database
        self._floor_of = floor_of
        self._now_us = now_us
        self._epochs = EpochRows()

    async def sessions(self, *, after: str | None = None, limit: int = 100) -> SessionPage:
        """List sessions; `after` is the `next` of the page before. Raises `BadInput` ("bad-page")."""
        return await self._database.read(lambda sql: count_views.sessions(sql, after, limit))

    async def session(self, name: str, tolerances: Mapping[str, Tolerance] | None = None) -> SessionView | None:
        """Give all that is known of a session, None if nothing is.

        `tolerances`, by category of items ("": of all others), say by how much two figures may differ unasked.
        """
        return await self._database.read(
            lambda sql: count_views.session(sql, self._epochs, self._floor_of, name, tolerances or {})
        )

    async def expected(self, name: str) -> tuple[Expected, ...]:
        """List what the books hold now of what a session is to count. Raises `BadInput` ("count-unplanned")."""
        return await self._database.read(
            lambda sql: count_views.expected(sql, self._epochs, self._floor_of, name, self._now_us())
        )
