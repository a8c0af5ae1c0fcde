"""Pages of catalogue lines: how many rows share one record of the file, and how one row is found in it. Pure.

A page holds lines of one kind in the order of their keys (`RowKey`), all of an owner on one page:

    LF line LF line LF … line LF

A snapshot is some five thousand of these in place of 300,000 rows, and one look-up reads at most three. A page is
*plain* if each line begins as `protocol.catalogue.encode_row` writes it and no character is escaped: then the lines of
an owner are where `["p","owner"` stands after a line feed, and only they are decoded. In any other page all lines are.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate, islice
from operator import lt
from typing import Final, NamedTuple, cast

from protocol.catalogue import CatalogueRow, CodeLink, Gone, Item, LiveRow, Price, RowKind, Setting, decode_known_row

PAGE_BYTES: Final = 3500
"""What a page is filled to: with what prices may grow by, one page of the file (4,096 bytes), not two."""
SPLIT_BYTES: Final = 2 * PAGE_BYTES
"""A page that has grown past this is cut anew."""
ANY: Final = ""
"""The owner that a kind's first page begins with, so that every owner has a page."""

EMPTY: Final = b"\n"
_BEGINS: Final[Mapping[str, bytes]] = {kind.value: b'\n["%b","%%b"' % kind.value.encode() for kind in RowKind}

Key = tuple[str, str]
"""Owner and member, as `RowKey` has them."""
Changes = Mapping[Key, bytes | None]
"""What becomes of each key: its line, or None where it goes."""


class Page(NamedTuple):
    """Lines of one kind; `first` is the owner from which on they are looked for here."""

    first: str
    plain: bool
    body: bytes


class Changed(NamedTuple):
    """A page after a change, what left it and what came; `more` are the pages that had to be cut from it."""

    body: bytes
    out: Sequence[bytes]
    into: Sequence[bytes]
    more: Sequence[Page]


def make_body(lines: Sequence[bytes]) -> bytes:
    """Put lines, in the order of their keys, one after the other."""
    return b"\n%b\n" % b"\n".join(lines) if lines else EMPTY


def make_page(kind: RowKind, first: str, body: bytes, lines: int | None = None) -> Page:
    """Make a page of such lines, of how many if that is known."""
    written = body.count(b'\n["%b","' % kind.value.encode())
    plain = written == (body.count(b"\n") - 1 if lines is None else lines) and b"\\" not in body
    return Page(first, plain, body)


def lines_of(body: bytes) -> list[bytes]:
    """Take a page's lines apart."""
    return body[1:-1].split(b"\n") if len(body) > 1 else []


def rows_of(kind: RowKind, plain: bool, body: bytes, owner: str) -> list[LiveRow]:
    """Read the rows of one owner. Raises `BadInput` ("bad-row") for a page whose lines are none."""
    told = _plain_lines(kind, body, owner) if plain else lines_of(body)
    rows = [row for line in told if not isinstance(row := decode_known_row(line), Gone)]
    return [row for row in rows if _owner(row) == owner]


def change_page(kind: RowKind, plain: bool, body: bytes, changes: Changes) -> Changed:
    """Change a page's lines. Raises `BadInput` ("bad-row") for a page whose lines are none."""
    return (_replaced(kind, body, changes) if plain else None) or _rewritten(kind, body, changes)


def keys_of(kind: RowKind, rows: Sequence[CatalogueRow]) -> list[Key]:
    """Give the keys of rows that are all of one kind."""
    # Not looked at one by one: of a snapshot's three hundred thousand each would cost.
    match kind:
        case RowKind.ITEM:
            return [(row.item, "") for row in cast("Sequence[Item]", rows)]
        case RowKind.LINK:
            return [(row.code, str(row.valid_from_us)) for row in cast("Sequence[CodeLink]", rows)]
        case RowKind.PRICE:
            return [(row.item, row.id) for row in cast("Sequence[Price]", rows)]
        case RowKind.SETTING:
            return [(row.scope, row.key) for row in cast("Sequence[Setting]", rows)]


def in_order(keys: Sequence[Key]) -> bool:
    """Say whether each key comes after the one before."""
    return all(map(lt, keys, islice(keys, 1, None)))


def _owner(row: LiveRow) -> str:
    if isinstance(row, CodeLink):
        return row.code
    return row.scope if isinstance(row, Setting) else row.item


def _replaced(kind: RowKind, body: bytes, changes: Changes) -> Changed | None:
    """Change what is there already, in a plain page, by its bytes; None if that is not all."""
    out: list[bytes] = []
    into: list[bytes] = []
    for (owner, member), line in changes.items():
        held = _plain_lines(kind, body, owner)
        keys = keys_of(kind, [decode_known_row(each) for each in held])
        if (owner, member) not in keys:
            if line is not None:
                return None
            continue
        old = held[keys.index((owner, member))]
        out.append(old)
        if line is not None:
            into.append(line)
        body = body.replace(b"\n%b\n" % old, b"\n" if line is None else b"\n%b\n" % line, 1)
    return None if len(body) > SPLIT_BYTES else Changed(body, out, into, ())


def _rewritten(kind: RowKind, body: bytes, changes: Changes) -> Changed:
    lines = lines_of(body)
    held = dict(zip(keys_of(kind, [decode_known_row(line) for line in lines]), lines, strict=True))
    out = [held[key] for key in changes if key in held]
    into = [line for line in changes.values() if line is not None]
    for key, line in changes.items():
        if line is None:
            held.pop(key, None)
        else:
            held[key] = line
    keys = sorted(held)
    told = [held[key] for key in keys]
    if sum(map(len, told)) <= SPLIT_BYTES:
        return Changed(make_body(told), out, into, ())
    first, *more = cut(kind, ANY, keys, told)
    return Changed(first.body, out, into, tuple(more))


def cut(kind: RowKind, first: str, keys: Sequence[Key], lines: Sequence[bytes]) -> Iterator[Page]:
    """Cut lines, in the order of their keys, into pages; the first of them from the owner `first` on."""
    start = 0
    for end in _cuts(keys, lines):
        yield make_page(kind, first, make_body(lines[start:end]))
        start, first = end, keys[end][0]
    yield make_page(kind, first, make_body(lines[start:]))


class Filling:
    """Pages of one kind while lines come in the order of their keys, some at a time; `put` takes each page made."""

    def __init__(self, kind: RowKind, put: Callable[[RowKind, Page], None]) -> None:
        self._kind = kind
        self._put = put
        self._first = ANY
        self._keys: list[Key] = []
        self._lines: list[bytes] = []
        self._last: Key | None = None

    def follows(self, keys: Sequence[Key]) -> bool:
        """Say whether `keys`, themselves in order, come after all that was taken."""
        return self._last is None or self._last < keys[0]

    def take(self, keys: Sequence[Key], lines: Sequence[bytes]) -> None:
        """Take the next lines, which `follows` has found to be that."""
        self._keys += keys
        self._lines += lines
        self._last = keys[-1]
        start = 0
        for end in _cuts(self._keys, self._lines):
            body = make_body(self._lines[start:end])
            self._put(self._kind, make_page(self._kind, self._first, body, end - start))
            start, self._first = end, self._keys[end][0]
        del self._keys[:start], self._lines[:start]

    def finish(self) -> None:
        """Make the last page, of what is left; harmless when repeated."""
        if self._lines:
            self._put(self._kind, make_page(self._kind, self._first, make_body(self._lines)))
            self._keys, self._lines = [], []


def _cuts(keys: Sequence[Key], lines: Sequence[bytes]) -> Iterator[int]:
    """Say where pages end but the last, which may have room yet: always between two owners."""
    ends = list(accumulate(map(len, lines)))
    start = 0
    while True:
        end = bisect_left(ends, (ends[start - 1] if start else 0) + PAGE_BYTES, start) + 1
        while end < len(keys) and keys[end][0] == keys[end - 1][0]:
            end += 1
        if end >= len(keys):
            return
        yield end
        start = end


def _plain_lines(kind: RowKind, body: bytes, owner: str) -> list[bytes]:
    begins = _BEGINS[kind.value] % owner.encode(errors="surrogatepass")
    lines: list[bytes] = []
    at = body.find(begins)
    while at >= 0:
        end = body.index(b"\n", at + 1)
        lines.append(body[at + 1 : end])
        at = end if body.startswith(begins, end) else -1
    return lines
