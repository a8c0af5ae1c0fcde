"""Keeps the journal and the file of tokens together: what was done to a token is said, and what was said stays so.

The command writes the file with or without a hub. So nothing is passed on: the file is held against the journal when
the hub starts and whenever it has changed, and the words that are missing are said, each once. A file put back from an
old copy brings no revoked token back, for the journal still says that it was; and a token the journal cannot tell of
opens nothing.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from hub.errors import TryAgain
from hub.store.service_tokens import ServiceTokens
from hub.tokens import Tokens, TokenWatch, words_of

LOOK_EVERY_S: Final = 1.0
"""How soon, at the latest, a running hub knows what the command has done."""
_log = logging.getLogger(__name__)


class TokenKeeper:
    """The tokens that open something at a running hub, never older than `LOOK_EVERY_S`."""

    def __init__(self, watch: TokenWatch, journal: ServiceTokens) -> None:
        self._watch = watch
        self._journal = journal
        self._told: Tokens | None = None
        self._said: frozenset[tuple[str, bool]] = frozenset()
        self._tokens: Tokens | None = None
        self._failure = ""

    def latest(self) -> Tokens:
        """Give them. Before the first look nobody is let in."""
        return self._watch.latest() if self._tokens is None else self._tokens

    async def look(self) -> None:
        """Read the file if it has changed, and let the journal say what it does not know of it."""
        await self._watch.look()
        tokens = self._watch.latest()
        if tokens is self._told:
            return
        # Who is shut out does not wait for the journal.
        self._tokens = _without(tokens, frozenset(token for token, revoked in self._said if revoked))
        try:
            for word in await self._journal.say_missing(words_of(tokens)):
                told = {"token": word.token, "for": word.name, "scopes": list(word.scopes), "by": word.author}
                _log.warning("token revoked" if word.revoked else "token made", extra=told)
            self._said = await self._journal.said()
        except TryAgain as error:
            if str(error) != self._failure:
                _log.error("tokens not told to the journal", extra={"error": str(error)})
            self._failure = str(error)
            return
        self._failure = ""
        self._told = tokens
        refused = _refused(tokens, self._said)
        if refused:
            _log.error("tokens refused: revoked in the journal, or unknown to it", extra={"tokens": sorted(refused)})
        self._tokens = _without(tokens, refused)

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            await self.look()


def _refused(tokens: Tokens, said: frozenset[tuple[str, bool]]) -> frozenset[str]:
    """Name the tokens that open nothing, though the file says that they would."""
    alive = (token.id for token in tokens.all if token.revoked_us is None)
    return frozenset(token for token in alive if (token, True) in said or (token, False) not in said)


def _without(tokens: Tokens, refused: frozenset[str]) -> Tokens:
    return Tokens(tokens.all, refused=refused) if refused and tokens.all else tokens
