"""The pages of the catalogue in its file: found by owner, changed in place, each with a sum of its bytes.

    page      kind, first -> plain, sum, body     see `edge.catalogue.pages`

The sum (CRC-32) is looked at whenever a page is read: a card that has gone bad must not sell at a wrong price.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple
from zlib import crc32

import apsw

from edge.catalogue.errors import Damaged
from edge.catalogue.pages import ANY, EMPTY, Changed, Changes, Page, change_page, lines_of, make_page
from protocol.catalogue import RowKind
from protocol.errors import BadInput

TABLE: Final = """
create table page (
    n integer primary key, kind text not null, first text not null,
    plain integer not null, sum integer not null, body blob not null,
    unique (kind, first)
);
"""
FIND: Final = "select n, first, plain, sum, body from page where kind = ?1 and first <= ?2 order by first desc limit 1"
_ADD: Final = "insert into page (kind, first, plain, sum, body) values (?, ?, ?, ?, ?)"
_PUT: Final = "update page set plain = ?, sum = ?, body = ? where n = ?"
_NEXT: Final = "select min(first) from page where kind = ? and first > ?"
_LIVE_KINDS: Final = tuple(RowKind)


class Merged(NamedTuple):
    """What a change came to: how many rows more, and the lines that left and came."""

    grown: int
    out: list[bytes]
    into: list[bytes]


class PageRows:
    """On the connection that writes; all within the caller's transaction. Raises `Damaged` and what apsw raises."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._cursor = connection.cursor()

    def clear(self) -> None:
        """Take every page out."""
        self._cursor.execute("delete from page")

    def put(self, kind: RowKind, page: Page) -> None:
        """Add a page that is not there."""
        self._cursor.execute(_ADD, (kind.value, page.first, page.plain, crc32(page.body), page.body))

    def merge(self, kind: RowKind, changes: Changes) -> Merged:
        """Change the pages of one kind."""
        merged = Merged(0, [], [])
        keys = sorted(changes)
        start = 0
        while start < len(keys):
            number, first, plain, body = self._holding(kind, keys[start][0])
            after: Any = self._cursor.execute(_NEXT, (kind.value, first)).fetchall()[0][0]
            end = start + 1
            while end < len(keys) and (after is None or keys[end][0] < after):
                end += 1
            try:
                changed = change_page(kind, plain, body, {key: changes[key] for key in keys[start:end]})
            except (BadInput, ValueError) as error:
                raise Damaged(f"a page of {kind.name}: {error}") from error
            self._store(kind, number, first, changed)
            merged.out.extend(changed.out)
            merged.into.extend(changed.into)
            start = end
        return merged._replace(grown=len(merged.into) - len(merged.out))

    def steps(self) -> Iterator[list[bytes]]:
        """Walk all lines, a page at a time."""
        for kind in _LIVE_KINDS:
            rows: Any = self._cursor.execute("select sum, body from page where kind = ? order by first", (kind.value,))
            for summed, body in rows:
                yield lines_of(checked(summed, body))

    def _holding(self, kind: RowKind, owner: str) -> tuple[int | None, str, bool, bytes]:
        found: list[Any] = self._cursor.execute(FIND, (kind.value, owner)).fetchall()
        if not found:
            return None, ANY, False, EMPTY
        number, first, plain, summed, body = found[0]
        return number, first, bool(plain), checked(summed, body)

    def _store(self, kind: RowKind, number: int | None, first: str, changed: Changed) -> None:
        page = make_page(kind, first, changed.body)
        if number is None:
            self.put(kind, page)
        elif changed.body == EMPTY and first != ANY:
            self._cursor.execute("delete from page where n = ?", (number,))
        else:
            self._cursor.execute(_PUT, (page.plain, crc32(page.body), page.body, number))
        for more in changed.more:
            self.put(kind, more)


def checked(summed: int, body: bytes) -> bytes:
    """Give a page's bytes as they were written. Raises `Damaged` if they are others."""
    if crc32(body) != summed:
        raise Damaged("a page is not as it was written")
    return body
