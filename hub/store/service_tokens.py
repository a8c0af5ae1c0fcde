"""The door through which the journal comes to say what has been done to service tokens, each thing once."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from hub.store import entry_bounds, token_words
from hub.store.database import Database
from hub.store.deciding import Deciding
from hub.store.sql import Sql
from protocol.errors import BadInput
from protocol.service_tokens import TokenSaid


class ServiceTokens:
    """Opened and closed with the store. Every method raises `TryAgain` when the disk would not take or give it."""

    def __init__(self, database: Database, deciding: Deciding, now_us: Callable[[], int]) -> None:
        self._database = database
        self._deciding = deciding
        self._now_us = now_us

    async def say_missing(self, words: Iterable[TokenSaid]) -> tuple[TokenSaid, ...]:
        """Append, in one transaction, those of these words that the journal does not have; give them.

        A token is said to have been made once, and to have been revoked once, whatever either word says besides. One
        that cannot stand there ("bad-entry") is left out.
        """
        said = await self.said()
        missing = tuple(word for word in words if (word.token, word.revoked) not in said)
        return await self._database.write(lambda sql: self._say_missing(sql, missing)) if missing else ()

    async def said(self) -> frozenset[tuple[str, bool]]:
        """List the tokens of which the journal says something: (token, whether that it was revoked)."""
        return await self._database.read(token_words.said)

    def _say_missing(self, sql: Sql, words: tuple[TokenSaid, ...]) -> tuple[TokenSaid, ...]:
        said, news = set(token_words.said(sql)), list[TokenSaid]()
        for word in words:
            if (word.token, word.revoked) in said or not _can_stand(word):
                continue
            said.add((word.token, word.revoked))
            self._deciding.say(sql, word, self._now_us())
            news.append(word)
        return tuple(news)


def _can_stand(word: TokenSaid) -> bool:
    try:
        entry_bounds.check(word)
    except BadInput:
        # Of a file that somebody wrote by hand.
        return False
    return True
