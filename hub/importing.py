"""Brings a catalogue file into the hub's store: reads it, compares it with the live rows, appends the difference."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hub.app import seat_of
from hub.catalogue.csv_import import CsvError, parse_csv
from hub.catalogue.diff import changes
from hub.clock import wall_us
from hub.errors import BadInput
from hub.settings import Settings
from hub.store.store import HubStore
from protocol.catalogue import Gone, decode_row

MAX_FILE_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What came of an import: items read, catalogue rows that changed, and the lines refused, as text."""

    items: int
    rows: int
    problems: tuple[str, ...]


def read_file(file: Path) -> bytes:
    """Read a catalogue file. Raises `BadInput` ("no-file")."""
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise BadInput("no-file", f"{file} is larger than {MAX_FILE_BYTES} bytes")
        return file.read_bytes()
    except OSError as error:
        raise BadInput("no-file", f"cannot read {file}: {error}") from error


async def import_catalogue(settings: Settings, data: bytes) -> ImportReport:
    """Import a file's bytes into the stopped hub's store.

    Raises `TryAgain` while the hub runs. Lines that are wrong are reported and left out; the others count.
    """
    imported = parse_csv(data, settings.currency, settings.zone)
    async with HubStore(seat_of(settings).engine(), settings.store, wall_us, settings.codes) as store:
        rows_now = [decode_row(line) async for line in store.catalogue_snapshot()]
        live = [row for row in rows_now if not isinstance(row, Gone)]
        rows = await store.apply_catalogue(changes(live, imported.listings, wall_us()))
    return ImportReport(len(imported.listings), rows, tuple(_told(error) for error in imported.errors))


def _told(error: CsvError) -> str:
    column = f", {error.column}" if error.column else ""
    return f"line {error.line}{column}: {error.detail}"
