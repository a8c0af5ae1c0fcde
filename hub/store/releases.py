"""The door through which releases are offered and withdrawn: words in the journal."""

from __future__ import annotations

from collections.abc import Callable

from hub.errors import BadInput
from hub.store import entry_bounds
from hub.store.database import Database
from hub.store.deciding import Deciding
from hub.store.release_words import standing
from hub.store.sql import Sql
from protocol.errors import BadInput as BadBytes
from protocol.identity import EntryId
from protocol.releases import ReleaseSaid


class Releases:
    """Opened and closed with the store. Every method raises `TryAgain` when the disk would not take or give it."""

    def __init__(self, database: Database, deciding: Deciding, now_us: Callable[[], int]) -> None:
        self._database = database
        self._deciding = deciding
        self._now_us = now_us

    async def say(self, word: ReleaseSaid) -> EntryId:
        """Append a word on a release; once only under its key. Raises `BadInput`: "bad-entry", "key-reused"."""
        return await self._database.write(lambda sql: self._say(sql, word))

    async def standing(self) -> tuple[ReleaseSaid, ...]:
        """List the releases by the word that holds of each, the one spoken of last at the end."""
        return await self._database.read(standing)

    def _say(self, sql: Sql, word: ReleaseSaid) -> EntryId:
        now_us = self._now_us()
        made = self._deciding.once.made(sql, word, now_us)
        if made is not None:
            return made
        try:
            entry_bounds.check(word)
        except BadBytes as error:
            raise BadInput(error.name, error.detail) from error
        return self._deciding.say(sql, word, now_us)
