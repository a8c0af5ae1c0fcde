"""The live catalogue as rows: lines applied, the log of what changed, the set hash, and codes to be read again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from sqlalchemy import bindparam, delete, func, select

from hub.store import count_rows, labels, meta, price_history, swept_rows, tables, tag_rows
from hub.store.links import Links
from hub.store.own_rows import OwnRows
from hub.store.price_history import Said
from hub.store.reading import NO_ITEM
from hub.store.sql import Sql
from hub.store.statements import least, one_of, putting, replacing
from protocol.catalogue import (
    CatalogueRow,
    CodeLink,
    Gone,
    Item,
    LiveRow,
    RowKey,
    RowKind,
    Setting,
    Unit,
    decode_row,
    encode_row,
    row_key,
)
from protocol.catalogue_set import SetHash, set_hash
from protocol.errors import BadInput
from protocol.station_settings import is_of_position

_HASH = "catalogue-hash"

_LIVE: Final = tables.live.c
_SCOPE: Final = tables.scope.c
_KEY: Final = ("kind", "owner", "member")
_IS_KEY: Final = tuple(_LIVE[name] == bindparam(name) for name in _KEY)
_KEYS: Final = select(_LIVE.kind, _LIVE.owner, _LIVE.member)
_LINES_OF: Final = select(_LIVE.owner, _LIVE.member, _LIVE.line).where(
    _LIVE.kind == bindparam("kind"), one_of(_LIVE.owner, "owners")
)
_LINES: Final = select(_LIVE.line).order_by(_LIVE.kind, _LIVE.owner, _LIVE.member)
_COUNT: Final = select(func.count()).select_from(tables.live)
_DROP: Final = delete(tables.live).where(*_IS_KEY)
_PUT: Final = replacing(tables.live, *_KEY, "line", "version", "item", "name")
_OF_ITEMS: Final = select(_SCOPE.item).where(one_of(_SCOPE.item, "items")).distinct()
_OF_CODES: Final = select(_SCOPE.area).where(_SCOPE.item == NO_ITEM, one_of(_SCOPE.area, "codes"))
_PUT_RELINK: Final = putting(tables.relink, "code", "item", "from_us")
_RELINK: Final = _PUT_RELINK.on_conflict_do_update(
    index_elements=["code", "item"], set_={"from_us": least(tables.relink.c.from_us, _PUT_RELINK.excluded.from_us)}
)


class LiveRows:
    """The catalogue in the writer's transactions: `log` takes the lines that changed something."""

    def __init__(self, log: OwnRows, links: Links) -> None:
        self._log = log
        self._links = links

    @staticmethod
    def check(line: bytes) -> None:
        """Raise `BadInput` for a line of head office's that `apply` would not take, or that is not theirs to say."""
        row = decode_row(line)
        if _is_ours(row_key(row)):
            raise BadInput("hubs-own", "what is set at a position is said by the store's hub")

    def apply(self, connection: Sql, lines: Sequence[bytes], now_us: int) -> int:
        """Take lines in order; those that say nothing new are dropped. Counts the rest. Raises `BadInput`."""
        changed = self._change(connection, [(decode_row(line), line) for line in lines], now_us)
        self._log.append(connection, changed, now_us)
        return len(changed)

    def replace(self, connection: Sql, lines: Sequence[bytes], now_us: int) -> int:
        """Make these lines all that lives beside the hub's own, with tombstones for what else did; count changes.

        Raises `BadInput`.
        """
        rows = [decode_row(line) for line in lines]
        stays = {row_key(row) for row in rows}
        lost = [
            encode_row(Gone(RowKind(kind), owner, member))
            for kind, owner, member in connection.execute(_KEYS)
            if (key := RowKey(RowKind(kind), owner, member)) not in stays and not _is_ours(key)
        ]
        return self.apply(connection, [*lost, *lines], now_us)

    def _change(self, connection: Sql, rows: Sequence[tuple[CatalogueRow, bytes]], now_us: int) -> list[bytes]:
        """Find out what is new and write it, each key once; give the lines for the log."""
        changed: list[bytes] = []
        head = self._log.view(connection).head
        version = head.seq
        said: dict[RowKey, Said] = {}
        gone: list[bytes] = []
        live: dict[RowKey, _Live | None] = {}
        newly_sold: set[str] = set()
        retagged = False
        kept_lines = _lines_of(connection, {row_key(row) for row, _ in rows})
        for row, line in rows:
            key = row_key(row)
            if key in live:
                known = live[key]
                old = None if known is None else known[3]
            else:
                old = kept_lines.get(key)
                if old is not None and old != line:
                    gone.append(old)
            new = None if isinstance(row, Gone) else line
            if old != new:
                retagged = retagged or (key.kind is RowKind.ITEM and _is_tagged(old) != _is_tagged(new))
                changed.append(line)
                live[key] = None if isinstance(row, Gone) else _as_row(key, row, line, version + len(changed))
                said[key] = Said(key, version + len(changed), new)
                if isinstance(row, Item) and (old is None or _unit(old) is not row.unit):
                    newly_sold.add(row.item)
        fresh = [kept for kept in live.values() if kept is not None]
        hashed = read_hash(connection) - set_hash(gone) + set_hash(kept[3] for kept in fresh)
        meta.write(connection, _HASH, str(hashed))
        codes = {key.owner for key in live if key.kind is RowKind.LINK}
        before = self._links.of_all(connection, codes)
        gone_keys = [(key.kind.value, *key[1:]) for key, kept in live.items() if kept is None]
        connection.executemany(_DROP, gone_keys, _KEY)
        connection.executemany(_PUT, fresh)
        newly_sold |= labels.unpriced(connection, {key.owner for key in said if key.kind is RowKind.PRICE})
        price_history.record(connection, head.epoch.generation, said.values(), now_us)
        self._links.forget(codes)
        tag_rows.reckon_crossing_again(connection, codes)
        swept_rows.sweep_again(connection, 0, sorted(codes))
        if retagged:
            count_rows.recount_since(connection, 0)
            swept_rows.sweep_again(connection, 0)
        concerned = _concerned(connection, before)
        for code, links in self._links.of_all(connection, concerned).items():
            _relink(connection, code, concerned[code], set(before[code]) ^ set(links))
        labels.measure_anew(connection, newly_sold, self._links)
        return changed


_Live = tuple[str, str, str, bytes, int, str | None, str | None]


def _as_row(key: RowKey, row: LiveRow, line: bytes, version: int) -> _Live:
    about = None if isinstance(row, Setting) else row.item
    return (key.kind.value, key.owner, key.member, line, version, about, row.name if isinstance(row, Item) else None)


def _is_ours(key: RowKey) -> bool:
    return key.kind is RowKind.SETTING and is_of_position(key.owner)


def _unit(line: bytes) -> Unit | None:
    row = decode_row(line)
    return row.unit if isinstance(row, Item) else None


def _is_tagged(line: bytes | None) -> bool:
    """Whether an item's line says that it is tagged: nearly none does, and is not read."""
    row = decode_row(line) if line is not None and b"true" in line else None
    return isinstance(row, Item) and row.tagged


def _lines_of(connection: Sql, keys: Iterable[RowKey]) -> dict[RowKey, bytes]:
    """Give the lines of those rows that live, and of others with the same owners."""
    owners: dict[RowKind, set[str]] = {}
    for key in keys:
        owners.setdefault(key.kind, set()).add(key.owner)
    return {
        RowKey(kind, owner, member): line
        for kind, of_kind in owners.items()
        for owner, member, line in connection.execute(_LINES_OF, {"kind": kind.value, "owners": of_kind}).fetchall()
    }


def read_hash(connection: Sql) -> SetHash:
    """Give the hash of the live rows."""
    kept = meta.read(connection, _HASH)
    return SetHash() if kept is None else SetHash.parse(kept)


def live_lines(connection: Sql) -> list[bytes]:
    """Give the live rows' lines in the order of their keys: what a snapshot holds."""
    return [line for (line,) in connection.execute(_LINES)]


def live_steps(connection: Sql, step_rows: int) -> tuple[int, Iterator[Sequence[bytes]]]:
    """Count the live rows and walk their lines in the order of their keys, so many at a time."""
    (rows,) = connection.execute(_COUNT).fetchone()

    def steps() -> Iterator[Sequence[bytes]]:
        walk = connection.walk(_LINES)
        while found := [line for (line,) in islice(walk, step_rows)]:
            yield found

    return rows, steps()


def _concerned(connection: Sql, meant: Mapping[str, Sequence[CodeLink]]) -> dict[str, list[str]]:
    """List by code the items whose books may hold entries of codes that meant this; codes without any are left out."""
    items = {link.item for links in meant.values() for link in links}
    booked = {item for (item,) in connection.execute(_OF_ITEMS, {"items": items}).fetchall()}
    unknown = {code for (code,) in connection.execute(_OF_CODES, {"codes": list(meant)}).fetchall()}
    concerned: dict[str, list[str]] = {}
    for code, links in meant.items():
        of_code = sorted({link.item for link in links} & booked) + ([NO_ITEM] if code in unknown else [])
        if of_code:
            concerned[code] = of_code
    return concerned


def _relink(connection: Sql, code: str, concerned: Iterable[str], differing: set[CodeLink]) -> None:
    """Note for reading again the entries of a code that may mean another item now: from the first change on."""
    if differing:
        from_us = min(_changes_from_us(link, differing) for link in differing)
        connection.executemany(_RELINK, [(code, item, from_us) for item in concerned])


def _changes_from_us(link: CodeLink, differing: set[CodeLink]) -> int:
    """Say from when on a changed link matters: from its end, if only the end was moved, else from its start."""
    for other in differing:
        if (
            other is not link
            and other.valid_from_us == link.valid_from_us
            and (other.item == link.item and other.factor_milli == link.factor_milli)
        ):
            ends = [end for end in (link.valid_to_us, other.valid_to_us) if end is not None]
            return min(ends, default=link.valid_from_us)
    return link.valid_from_us
