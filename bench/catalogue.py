"""The station's copy of a 100,000-item catalogue: looked up, replaced by a snapshot, changed by a delta."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import apsw

from bench import shop
from bench.figures import Better, Figure, Floor, middle, percentile
from bench.workbench import Workbench, utc_us
from edge.catalogue.replica import CatalogueReplica
from protocol.catalogue import CodeLink, Item, Price, decode_row, encode_row
from protocol.chain import Position
from protocol.codes import read_code
from protocol.identity import Epoch
from protocol.replication.ports import ReaderState

DELTA_ROWS = 5_000
_PART_ROWS = 2_000
_LOOKUPS = 20_000
_DAILY = 500
_BARE_WRITE = "bare executemany of a record a row, one transaction"
_BARE_TABLES = """
create table goods (item text, id text, line blob, primary key (item, id)) without rowid;
create table link (
    code text, valid_from_us integer, valid_to_us integer, item text, factor_milli integer, line blob,
    primary key (code, valid_from_us)
) without rowid;
"""
_BARE_LOOK = "SELECT goods.line FROM link JOIN goods ON goods.item = link.item WHERE link.code = ?"


async def measure(bench: Workbench) -> list[Figure]:
    """Measure the copy alone; how a catalogue comes over the wire is `bench.pushing`'s."""
    items, changed = bench.size(shop.ITEMS), bench.size(DELTA_ROWS)
    lines = shop.snapshot_lines(items)
    took: dict[str, list[float]] = {}
    for number in range(bench.rounds):
        folder = bench.fresh("catalogue")
        prices = [encode_row(row) for row in shop.price_rows(changed, 100 + number, items)]
        async with CatalogueReplica(folder / "catalogue.db") as replica:
            began = time.perf_counter()
            await replica.replace(_parts(lines), _state(len(lines)))
            _note(took, "snapshot", began, 1.0)
            began = time.perf_counter()
            await replica.apply(len(lines) + 1, prices, _state(len(lines) + len(prices)))
            _note(took, "delta", began, 1000.0)
        bare = BareRows(lines, folder / "bare.db")
        _note(took, "bare snapshot", bare.write_all(), 1.0)
        _note(took, "bare delta", bare.write_some(len(prices)), 1000.0)
        bare.close()
        async with CatalogueReplica(folder / "catalogue.db") as replica:
            looked, bare_looked = _look(replica, folder / "bare.db", range(items), bench.size(_LOOKUPS))
            again, bare_again = _look(replica, folder / "bare.db", range(_DAILY), bench.size(_LOOKUPS))
        for share, name in ((0.5, "p50"), (0.99, "p99")):
            took.setdefault(name, []).append(percentile(looked, share) * 1e6)
            took.setdefault(f"bare {name}", []).append(percentile(bare_looked, share) * 1e6)
        took.setdefault("daily", []).append(percentile(again, 0.5) * 1e6)
        took.setdefault("bare daily", []).append(percentile(bare_again, 0.5) * 1e6)
    return [
        _figure(f"item look-up, p50, {items:,} items", "µs", "p50", took, "bare SELECT of the same rows, apsw"),
        _figure(f"item look-up, p99, {items:,} items", "µs", "p99", took, "bare SELECT of the same rows, apsw"),
        _figure(
            f"the same of {_DAILY:,} items that sell every day, p50",
            "µs",
            "daily",
            took,
            "bare SELECT of the same rows, apsw",
        ),
        _figure(
            f"snapshot of {len(lines):,} rows stored",
            "s",
            "snapshot",
            took,
            "bare executemany of a record a row, one transaction",
        ),
        _figure(
            f"delta of {changed:,} rows stored",
            "ms",
            "delta",
            took,
            "bare executemany of a record a row, one transaction",
        ),
    ]


class BareRows:
    """The rows of a station's catalogue, a record each in plain tables, to be written by plain statements.

    Its methods give the moment (`time.perf_counter`) at which writing began, and return when it is durable.
    """

    def __init__(self, lines: Sequence[bytes], path: Path) -> None:
        self._goods: list[Any] = []
        self._links: list[Any] = []
        for line in lines:
            match decode_row(line):
                case Item() as item:
                    self._goods.append((item.item, "", line))
                case Price() as price:
                    self._goods.append((price.item, price.id, line))
                case CodeLink() as link:
                    self._links.append(
                        (link.code, link.valid_from_us, link.valid_to_us, link.item, link.factor_milli, line)
                    )
                case _:
                    raise ValueError(line)
        self._goods.sort()
        self._links.sort()
        self._connection = apsw.Connection(str(path))
        self._connection.pragma("journal_mode", "wal")
        self._connection.pragma("synchronous", "full")
        self._connection.execute(_BARE_TABLES)

    def write_all(self) -> float:
        began = time.perf_counter()
        with self._connection:
            self._connection.executemany("INSERT INTO goods VALUES (?,?,?)", self._goods)
            self._connection.executemany("INSERT INTO link VALUES (?,?,?,?,?,?)", self._links)
        return began

    def write_some(self, count: int) -> float:
        prices = [row for row in self._goods if row[1]]
        some = prices[:: max(1, len(prices) // count)][:count]
        began = time.perf_counter()
        with self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO goods VALUES (?,?,?)", some)
        return began

    def close(self) -> None:
        self._connection.close()


def _look(replica: CatalogueReplica, bare_path: Path, items: range, count: int) -> tuple[list[float], list[float]]:
    """Look up the same codes both ways, in turns; give the seconds that each took."""
    draw = random.Random(3)
    codes = [read_code(shop.gtin(draw.choice(items)), None).lookup for _ in range(count)]
    now_us = utc_us()
    bare = apsw.Connection(str(bare_path), flags=apsw.SQLITE_OPEN_READONLY)
    # As the replica does: without it a statement is planned anew for each value, and the floor would lie too high.
    bare.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    cursor = bare.cursor()
    ours: list[float] = []
    theirs: list[float] = []
    for code in codes:
        began = time.perf_counter()
        found = replica.lookup(code, now_us)
        ended = time.perf_counter()
        rows = cursor.execute(_BARE_LOOK, (code,)).fetchall()
        theirs.append(time.perf_counter() - ended)
        ours.append(ended - began)
        assert found is not None
        assert len(rows) == 1 + len(found.prices)
    bare.close()
    return ours, theirs


def _figure(what: str, unit: str, key: str, took: dict[str, list[float]], bare: str) -> Figure:
    return Figure(
        part="station catalogue",
        what=what,
        unit=unit,
        value=middle(took[key]),
        better=Better.LESS,
        rounds=tuple(took[key]),
        floor=Floor(bare, middle(took[f"bare {key}"])),
    )


def _note(took: dict[str, list[float]], key: str, began: float, scale: float) -> None:
    took.setdefault(key, []).append((time.perf_counter() - began) * scale)


def _parts(lines: Sequence[bytes]) -> Iterable[Sequence[bytes]]:
    for start in range(0, len(lines), _PART_ROWS):
        yield lines[start : start + _PART_ROWS]


def _state(seq: int) -> ReaderState:
    return ReaderState(at=Position(Epoch(1, 1), seq, bytes(32)), generation=1)
