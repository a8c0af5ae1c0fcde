"""Reads what a person listed in a CSV file: rows of named columns, each with its line; all that is wrong told at once.

The columns are parted by commas, or by semicolons if the first line has no comma: spreadsheets write both. Pure.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from protocol.errors import BadInput
from protocol.identity import parse_place
from provisioning.errors import ListWrong, Wrong

MAX_BYTES: Final = 1 << 20
MAX_ROWS: Final = 1000
_NAME_CHARACTERS: Final = 63
_NO_NAME: Final = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Row:
    """What stands on a line; columns that were left out are ""."""

    line: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")


def text_of(data: bytes) -> str:
    """Take a file's text. Raises `ListWrong` for one that is too large, or is not UTF-8."""
    if len(data) > MAX_BYTES:
        raise ListWrong([Wrong(1, f"{len(data)} bytes, more than {MAX_BYTES}")])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ListWrong([Wrong(line, "this is not UTF-8", "save it as CSV UTF-8")]) from error


def read_csv(data: bytes, columns: Sequence[str], required: Iterable[str]) -> list[Row]:
    """Read the rows below the first line, which names the columns. Raises `ListWrong`."""
    text = text_of(data)
    head = text.split("\n", 1)[0]
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter="," if "," in head else ";")
    rows: list[Row] = []
    wrong: list[Wrong] = []
    names: list[str] = []
    ended = 0
    try:
        for cells in reader:
            line, ended = ended + 1, reader.line_num
            if not any(cell.strip() for cell in cells):
                continue
            if not names:
                names = [cell.strip().lower() for cell in cells]
                wrong += _wrong_columns(line, names, columns, required)
            elif len(cells) > len(names):
                wrong.append(
                    Wrong(line, f"{len(cells)} cells under {len(names)} columns", "put a comma in a cell in quotes")
                )
            else:
                rows.append(Row(line, {name: cell.strip() for name, cell in zip(names, cells, strict=False)}))
    except csv.Error as error:
        wrong.append(Wrong(max(1, reader.line_num), str(error)))
    if not names and not wrong:
        wrong.append(Wrong(1, "empty", f"the first line is {','.join(columns)}"))
    if len(rows) > MAX_ROWS:
        wrong.append(Wrong(rows[MAX_ROWS].line, f"more than {MAX_ROWS} rows"))
    if wrong:
        raise ListWrong(wrong)
    return rows


def nearest(text: str, known: Iterable[str]) -> str:
    """Suggest what may have been meant, or list what there is."""
    known = list(known)
    close = get_close_matches(text[:80].lower(), known, 1)
    return f"did you mean {close[0]}?" if close else f"one of {', '.join(known)}"


def wrong_name(line: int, column: str, text: str) -> Wrong | None:
    """Say what is wrong with a name of a position or place, if anything is, and what it could be."""
    if not text:
        return Wrong(line, f"{column} is empty")
    try:
        parse_place(text)
    except BadInput as error:
        plain = unicodedata.normalize("NFKD", text[:200]).encode("ascii", "ignore").decode().lower()
        could_be = _NO_NAME.sub("-", plain).strip("-")[:_NAME_CHARACTERS].strip("-")
        return Wrong(line, f"{column}: {error.detail}", f"did you mean {could_be}?" if could_be else "")
    return None


def _wrong_columns(line: int, names: Sequence[str], columns: Sequence[str], required: Iterable[str]) -> Iterable[Wrong]:
    for name in names:
        if name not in columns:
            yield Wrong(line, f"there is no column {name[:40]!a}", nearest(name, columns))
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield Wrong(line, f"the column {name[:40]!a} is there twice")
    for name in required:
        if name not in names:
            yield Wrong(line, f"the column {name} is missing", f"the first line is {','.join(columns)}")
