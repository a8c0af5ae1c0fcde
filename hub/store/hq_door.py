"""What the hub asks of head office's word: statements compared, conflicts, and the fields that both may write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hub.store import own_fields, stated_queries
from hub.store.comparing import Comparing
from hub.store.database import Database
from hub.store.own_fields import Bounds, FieldState
from hub.store.own_log import OwnLog
from hub.store.stated import Disputed
from hub.store.stated_queries import ConflictPage, ConflictRow, HqWord, StatementPage
from protocol.identity import ItemId, PlaceId


class HeadOffice:
    """Opened and closed with the store. Every method raises `TryAgain` when the disk would not take or give it."""

    def __init__(self, database: Database, feed: OwnLog, comparing: Comparing) -> None:
        self._database = database
        self._feed = feed
        self._comparing = comparing

    async def compare(self) -> int:
        """Hold stock statements whose position the feed has come to against the feed's figures there; count them.

        Call it again whenever `changes` tells of something folded.
        """
        return await self._comparing.compare()

    async def statements(self, *, after: str | None = None, limit: int = 100) -> StatementPage:
        """List head office's stock statements, the last first. Raises `BadInput` ("bad-page")."""
        feed = self._feed.view
        return await self._database.read(lambda c: stated_queries.statements(c, feed, after, limit))

    async def conflicts(self, *, wanted: bool = False, after: str | None = None, limit: int = 100) -> ConflictPage:
        """List conflicts with head office's figures, or those that want an answer. Raises `BadInput` ("bad-page")."""
        return await self._database.read(lambda c: stated_queries.conflicts(c, after, limit, wanted=wanted))

    async def conflict(self, document: str, item: str, area: str) -> ConflictRow | None:
        """Give the conflict about an item and area of a statement, None if there is none."""
        return await self._database.read(lambda c: stated_queries.conflict(c, Disputed(document, item, area)))

    async def word(self) -> HqWord:
        """Count what of head office's word wants somebody."""
        feed = self._feed.view
        return await self._database.read(lambda c: stated_queries.hq_word(c, feed))

    async def recounts_asked(self) -> Mapping[tuple[ItemId, PlaceId], int]:
        """Give the items and areas to be counted because head office says something else, and how much else."""
        return await self._database.read(stated_queries.recounts_asked)

    async def fields_of(self, item: ItemId) -> tuple[FieldState, ...]:
        """List the fields of an item that the store owns, by area, each with what it was before."""
        return await self._database.read(lambda c: own_fields.fields_of(c, item))

    async def bounds(self, items: Sequence[ItemId]) -> Mapping[tuple[ItemId, PlaceId], Bounds]:
        """Give how much of some items is to be where, at least and at most; those nobody bounded are left out."""
        return await self._database.read(lambda c: own_fields.bounds(c, items))
