"""What a code scanned at a place means, found in one step: nearly every code has meant one thing for long."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from hub.ledger.entries import Scope
from hub.store.links import Links
from hub.store.sql import Sql
from hub.store.words import Words
from protocol.catalogue import WHOLE_MILLI
from protocol.identity import ItemId


class Meaning(NamedTuple):
    """One piece of the item of `scope` for each piece scanned, from `from_us` (UTC) on; `key` is the code's."""

    from_us: int
    scope: Scope
    key: str


class Meanings:
    """Belongs to the writer's thread. Forgets by itself whenever `Links` or `Words` forget something."""

    def __init__(self, links: Links, words: Words) -> None:
        self._links = links
        self._words = words
        self._known: dict[tuple[str, str | None, str], Meaning | None] = {}
        self._as_of = self.as_of

    @property
    def as_of(self) -> int:
        """Grows when what was given before may be wrong."""
        return self._links.changes + self._words.changes

    def of(self, connection: Sql, code: str, aim: str | None, place: str) -> Meaning | None:
        """Give what has been so since some time and is so still; None if it takes more to say.

        Raises `BadInput` for a code that is none.
        """
        if self._as_of != self.as_of:
            self.forget()
        asked = (code, aim, place)
        try:
            return self._known[asked]
        except KeyError:
            found = self._look_up(connection, code, aim, place)
            if self._as_of != self.as_of:
                self.forget()
            self._known[asked] = found
            return found

    def know(self, connection: Sql, scanned: Collection[tuple[str, str | None]]) -> set[ItemId]:
        """See `Links.know`."""
        return self._links.know(connection, scanned)

    def forget(self) -> None:
        """Ask again for everything."""
        self._known.clear()
        self._as_of = self.as_of

    def _look_up(self, connection: Sql, code: str, aim: str | None, place: str) -> Meaning | None:
        since = self._links.since(connection, code, aim)
        if since is None or since[1].factor_milli != WHOLE_MILLI:
            return None
        key, link = since
        from_us, area = self._words.places.since(connection, place)
        since_us = link.valid_from_us if from_us is None else max(link.valid_from_us, from_us)
        return Meaning(since_us, self._words.places.scope(area, link.item), key)
