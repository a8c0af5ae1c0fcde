"""What codes mean, for the fold: dated links of the live catalogue, remembered because every scan asks."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from protocol.catalogue import CodeLink, RowKind, decode_row, link_at
from protocol.codes import read_code

_REMEMBERED = 200_000


class Links:
    """Looks codes up. Belongs to the writer's thread; `forget` when the links of a code change."""

    def __init__(self) -> None:
        self._keys: dict[tuple[str, str | None], str] = {}
        self._links: dict[str, tuple[CodeLink, ...]] = {}

    def at(self, connection: sqlite3.Connection, code: str, aim: str | None, at_us: int) -> tuple[str, CodeLink | None]:
        """Give the catalogue's key of a scanned code and what it meant at `at_us` (UTC).

        Raises `BadInput` for a code that is none ("check-digit", "empty-code", …).
        """
        key = self._keys.get((code, aim))
        if key is None:
            key = read_code(code, aim).lookup
            if len(self._keys) >= _REMEMBERED:
                self._keys.clear()
            self._keys[code, aim] = key
        links = self._links.get(key)
        if links is None:
            links = self.of(connection, key)
            if len(self._links) >= _REMEMBERED:
                self._links.clear()
            self._links[key] = links
        if len(links) == 1:
            only = links[0]
            if only.valid_from_us <= at_us and only.valid_to_us is None:
                return key, only
        return key, link_at(links, at_us)

    @staticmethod
    def of(connection: sqlite3.Connection, key: str) -> tuple[CodeLink, ...]:
        """Read a code's live links from the file."""
        rows = connection.execute("SELECT line FROM live WHERE kind = ? AND owner = ?", (RowKind.LINK.value, key))
        return tuple(row for (line,) in rows if isinstance(row := decode_row(line), CodeLink))

    def forget(self, keys: Sequence[str]) -> None:
        """Read these codes again when next asked."""
        for key in keys:
            self._links.pop(key, None)

    def forget_all(self) -> None:
        """Read everything again when next asked."""
        self._links.clear()
