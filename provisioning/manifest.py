"""The manifest of a store's stations: who is to stand where, as CSV or TOML, taken whole or not at all. Pure.

    position,place,area,mode,note         [[station]]
    till-1,shop,,sale,by the door         position = "till-1"
    back-door,stockroom,,receive,         place = "shop"
                                          note = "by the door"

Position and place are required; the mode is "sale" where none is said. Every line that is wrong is told with its number
and what may have been meant.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from protocol.cards import Mode
from provisioning.errors import ListWrong, Wrong
from provisioning.listed import MAX_ROWS, Row, nearest, read_csv, text_of, wrong_name
from provisioning.orders import MAX_NOTE

COLUMNS: Final = ("position", "place", "area", "mode", "note")
_REQUIRED: Final = ("position", "place")
_TABLE: Final = "station"
_HEADER: Final = re.compile(rf"^[ \t]*\[\[[ \t]*{_TABLE}[ \t]*\]\]", re.MULTILINE)
_SYNTAX: Final = re.compile(r" \(at line (\d+), column \d+\)$")


@dataclass(frozen=True, slots=True)
class Post:
    """A position that a station is to stand at; `line` is where the manifest says so. `area` is "" for the store's."""

    line: int
    position: str
    place: str
    area: str
    mode: Mode
    note: str


def read_manifest(data: bytes, *, toml: bool) -> list[Post]:
    """Read a manifest. Raises `ListWrong` with every line that is wrong."""
    rows = _toml_rows(text_of(data)) if toml else read_csv(data, COLUMNS, _REQUIRED)
    wrong = [each for row in rows for each in _wrong(row)]
    first: dict[str, int] = {}
    for row in rows:
        line = first.setdefault(row["position"], row.line)
        if line != row.line and row["position"]:
            wrong.append(Wrong(row.line, f"position {row['position'][:80]!a} is on line {line} already"))
    if wrong:
        raise ListWrong(wrong)
    return [
        Post(row.line, row["position"], row["place"], row["area"], Mode(row["mode"] or Mode.SALE), row["note"])
        for row in rows
    ]


def _wrong(row: Row) -> Iterable[Wrong]:
    for column in ("position", "place", "area"):
        wrong = wrong_name(row.line, column, row[column])
        if wrong is not None and (row[column] or column in _REQUIRED):
            yield wrong
    modes = [mode.value for mode in Mode]
    if row["mode"] and row["mode"] not in modes:
        yield Wrong(row.line, f"mode: there is no {row['mode'][:40]!a}", nearest(row["mode"], modes))
    note = row["note"]
    if len(note) > MAX_NOTE:
        yield Wrong(row.line, f"note: {len(note)} characters, more than {MAX_NOTE}")
    elif not note.isprintable():
        hidden = next(character for character in note if not character.isprintable())
        yield Wrong(row.line, f"note: U+{ord(hidden):04X} cannot be printed", "leave it out")


def _toml_rows(text: str) -> list[Row]:
    try:
        read = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _SYNTAX.search(str(error))
        line = int(found[1]) if found else text.count("\n") + 1
        raise ListWrong([Wrong(line, _SYNTAX.sub("", str(error)).replace(" (at end of document)", ""))]) from error
    except RecursionError as error:
        raise ListWrong([Wrong(1, "tables within tables, without end")]) from error
    tables = read.pop(_TABLE, [])
    wrong = [
        Wrong(_line_of(text, name, 1), f"there is no {name[:40]!a}", f"each station is a table [[{_TABLE}]]")
        for name in read
    ]
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ListWrong([*wrong, Wrong(_line_of(text, _TABLE, 1), f"each station is a table [[{_TABLE}]]")])
    if not tables and not wrong:
        wrong.append(Wrong(1, "empty", f"each station is a table [[{_TABLE}]]"))
    headers = _header_lines(text, tables)
    rows: list[Row] = []
    for header, table in zip(headers, tables, strict=True):
        wrong += _wrong_keys(text, header, table)
        rows.append(Row(header, {key: value.strip() for key, value in table.items() if isinstance(value, str)}))
    if len(rows) > MAX_ROWS:
        wrong.append(Wrong(rows[MAX_ROWS].line, f"more than {MAX_ROWS} stations"))
    if wrong:
        raise ListWrong(wrong)
    return rows


def _wrong_keys(text: str, header: int, table: dict[str, object]) -> Iterable[Wrong]:
    for key, value in table.items():
        if key not in COLUMNS:
            yield Wrong(_line_of(text, key, header), f"there is no {key[:40]!a}", nearest(key, COLUMNS))
        elif not isinstance(value, str):
            yield Wrong(_line_of(text, key, header), f"{key} is to be a text", f'{key} = "…"')
    for key in _REQUIRED:
        if key not in table:
            yield Wrong(header, f"{key} is missing", f'{key} = "…"')


def _header_lines(text: str, tables: Sequence[object]) -> list[int]:
    """Give the line each table begins on: the parser does not tell. Where they cannot be told apart, the first line."""
    lines = [text.count("\n", 0, header.start()) + 1 for header in _HEADER.finditer(text)]
    return lines if len(lines) == len(tables) else [1] * len(tables)


def _line_of(text: str, key: str, after: int) -> int:
    """Give the line that a key stands on, at or below another; that other if it is written in a way of its own."""
    lines = text.split("\n")
    stands = re.compile(rf"\s*(\[+\s*)?[\"']?{re.escape(key)}[\"']?\s*[=\].]")
    return next((number for number, line in enumerate(lines[after - 1 :], after) if stands.match(line)), after)
