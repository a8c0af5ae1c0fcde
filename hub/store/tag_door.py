"""What the hub asks of RFID tags, and of the sources that are declared to move stock."""

from __future__ import annotations

from collections.abc import Callable

from hub.store import source_queries, tag_queries
from hub.store.database import Database
from hub.store.epochs import EpochRows
from hub.store.source_queries import Compared, DeclaredRow, EvidencePage
from hub.store.tag_queries import TagHistory, TagRow, TagStockPage


class TagDoor:
    """Opened and closed with the store. Every method raises `TryAgain` when the disk would not take or give it."""

    def __init__(self, database: Database, now_us: Callable[[], int]) -> None:
        self._database = database
        self._now_us = now_us
        self._seen_epochs = EpochRows()

    async def stock(self, *, after: str | None = None, limit: int = 100, search: str = "") -> TagStockPage:
        """Say what tags say of the stock, by item and place; `after` is the `next` of the page before.

        Raises `BadInput` ("bad-page").
        """
        return await self._database.read(lambda c: tag_queries.stock(c, self._now_us(), after, limit, search))

    async def one(self, epc: str) -> TagHistory | None:
        """Give a tag by its EPC in upper-case hex, and what was told of it; None if nobody ever did."""
        return await self._database.read(lambda c: tag_queries.one(c, self._seen_epochs, epc, self._now_us()))

    async def seen_again(self, limit: int = 100) -> tuple[TagRow, ...]:
        """List tags that are out of the stock and were seen in the store afterwards, the newest first."""
        return await self._database.read(lambda c: tag_queries.seen_again(c, self._seen_epochs, self._now_us(), limit))

    async def sources(self) -> tuple[DeclaredRow, ...]:
        """List what is declared, in the order of place and reason, the newest first."""
        return await self._database.read(lambda c: source_queries.declared(c, self._seen_epochs, self._now_us()))

    async def evidence(self, *, after: str | None = None, limit: int = 100) -> EvidencePage:
        """List what was told where another source counts, the newest first; `after` is the `next` of the page before.

        Raises `BadInput` ("bad-page").
        """
        return await self._database.read(lambda c: source_queries.evidence(c, self._seen_epochs, after, limit))

    async def compared_evidence(self, since_us: int) -> tuple[Compared, ...]:
        """Put the evidence since a time (UTC) beside the books, what differs most first."""
        return await self._database.read(lambda c: source_queries.compared(c, since_us, self._now_us()))
