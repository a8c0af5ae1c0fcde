"""Writes what the hub knows into files for other programs, of one moment, beside a hub that may run."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec

from hub.app import seat_of
from hub.catalogue.csv_export import CatalogueLines
from hub.catalogue.csv_import import OURS
from hub.errors import BadInput
from hub.settings import Settings
from hub.store import exports
from hub.store.live_rows import live_lines
from hub.store.progress import lag
from hub.store.sql import Sql
from hub.store.whole_files import finish, unfinished
from protocol.catalogue import Gone, LiveRow, decode_known_row

_AT_ONCE: Final = 1000


class Table(StrEnum):
    """What can be exported."""

    STOCK = "stock"
    COUNTS = "counts"
    MOVEMENTS = "movements"
    CATALOGUE = "catalogue"


class Form(StrEnum):
    """How: a CSV file with a heading line, or a JSON value in each line."""

    CSV = "csv"
    JSONL = "jsonl"


@dataclass(frozen=True, slots=True)
class Exported:
    """A file that was written; `left_out` counts catalogue rows that it cannot tell."""

    file: str
    rows: int
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Export:
    """What was written, and how many entries the books had still to take in at that moment."""

    files: tuple[Exported, ...]
    not_booked: int


def export(settings: Settings, folder: Path, tables: Sequence[Table], form: Form, now_us: int) -> Export:
    """Write a file for each table into a folder that is there: each whole, or as it was before.

    Raises `BadInput` ("no-folder", "no-store", "older-store", "newer-store"), `TryAgain`, `OSError`.
    """
    if not folder.is_dir():
        raise BadInput("no-folder", f"there is no folder {folder}")
    seat = seat_of(settings)
    with seat.looking() as sql:
        seat.check_current(sql)
        files = tuple(_write(sql, settings, folder / f"{table}.{form}", table, form, now_us) for table in tables)
        return Export(files, lag(sql))


def _write(sql: Sql, settings: Settings, file: Path, table: Table, form: Form, now_us: int) -> Exported:
    if table is Table.CATALOGUE:
        if form is Form.JSONL:
            return Exported(str(file), _put(file, (line + b"\n" for line in live_lines(sql))))
        lines = CatalogueLines(_live(sql), now_us, settings.zone)
        rows = _put(file, _as_csv(OURS, lines))
        return Exported(str(file), rows - 1, lines.left_out)
    columns, found = _found(sql, table, now_us)
    if form is Form.CSV:
        return Exported(str(file), _put(file, _as_csv(columns, found)) - 1)
    encode: Callable[[object], bytes] = msgspec.json.Encoder().encode
    return Exported(str(file), _put(file, (encode(dict(zip(columns, row, strict=True))) + b"\n" for row in found)))


def _found(sql: Sql, table: Table, now_us: int) -> tuple[Sequence[str], Iterator[exports.Row]]:
    match table:
        case Table.STOCK:
            return exports.STOCK, exports.stock(sql, now_us)
        case Table.COUNTS:
            return exports.COUNTS, exports.counts(sql)
        case Table.MOVEMENTS | Table.CATALOGUE:
            return exports.MOVEMENTS, exports.movements(sql)


def _live(sql: Sql) -> Iterator[LiveRow]:
    for line in live_lines(sql):
        row = decode_known_row(line)
        if not isinstance(row, Gone):
            yield row


def _as_csv(columns: Sequence[str], rows: Iterable[Sequence[exports.Cell]]) -> Iterator[bytes]:
    """Write the heading, then a line for each row (RFC 4180): what is not known is empty, yes and no are 1 and 0."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    yield _taken(text)
    for row in rows:
        writer.writerow([int(cell) if isinstance(cell, bool) else cell for cell in row])
        yield _taken(text)


def _taken(text: io.StringIO) -> bytes:
    line = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return line


def _put(file: Path, lines: Iterable[bytes]) -> int:
    """Write a file, whole or not at all; count its lines."""
    count = 0
    part = unfinished(file)
    try:
        with part.open("wb") as to:
            for count, line in enumerate(lines, 1):  # noqa: B007 - how many there were
                to.write(line)
        finish(file)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return count
