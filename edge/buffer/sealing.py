"""Keeps a log to the station and the store that it was begun for: another's is set aside whole, and never sent.

    stock.db, -wal, -sums, ...   ->   sealed/till-3.oak-street.20261122T120000Z/

Whose a log is, its own notes say. What is set aside is drained by hand alone (`shelfwire edge buffer export --sealed`).
The moves stand in a plan before the first of them, and are taken up where a power cut left them.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from edge.buffer.api import StationLog
from edge.buffer.errors import LogRefused
from edge.folders import make_folder, sync_folder
from protocol.errors import BadInput
from protocol.identity import StationId, StoreId, parse_station, parse_store

NOTE = "owner"
FOLDER = "sealed"
PLAN = "sealing.json"
NOBODY = "unknown"
_RESERVE = "-reserve"


class Owner(msgspec.Struct, frozen=True):
    """Whose log it is."""

    store: StoreId
    station: StationId

    def __str__(self) -> str:
        return f"{self.store}/{self.station}"


class _Plan(msgspec.Struct, frozen=True):
    folder: str
    logs: tuple[str, ...]


def owner_of(log: StationLog) -> Owner | None:
    """Read whose log it is; None for one that does not say."""
    store, _, station = log.notes().get(NOTE, b"").decode("utf-8", "replace").partition("/")
    try:
        return Owner(parse_store(store), parse_station(station))
    except BadInput:
        return None


async def claim(log: StationLog, owner: Owner, *, adopts: bool) -> bool:
    """Take an open log for `owner`; False for somebody else's, which must be set aside.

    A log that says nothing is taken if it is empty; one that holds something only if `adopts`: it is from before logs
    said so, and who asks has worked here before.
    """
    said = owner_of(log)
    if said == owner:
        return True
    if said is not None or not (adopts or log.view.depth == 0):
        return False
    try:
        await log.put_note(NOTE, str(owner).encode())
    except LogRefused:
        pass  # it is full: its owner will be told it at the next start
    return True


def seal(data_dir: Path, logs: tuple[str, ...], owner: Owner | None, stamp: str) -> Path:
    """Set closed logs aside, by the names of their files; give the folder where they lie. Raises `OSError`."""
    name = f"{NOBODY if owner is None else f'{owner.station}.{owner.store}'}.{stamp}"
    folder, again = data_dir / FOLDER / name, 0
    while folder.exists():
        again += 1
        folder = data_dir / FOLDER / f"{name}-{again}"
    make_folder(folder, 0o750)
    _write(data_dir / PLAN, msgspec.json.encode(_Plan(folder.name, logs)))
    finish_sealing(data_dir)
    return folder


def finish_sealing(data_dir: Path) -> None:
    """Move what a plan says and has not been moved yet; nothing without a plan. Raises `OSError`."""
    try:
        plan = msgspec.json.decode((data_dir / PLAN).read_bytes(), type=_Plan)
    except FileNotFoundError:
        return
    folder = data_dir / FOLDER / plan.folder
    for log in plan.logs:
        (data_dir / f"{log}{_RESERVE}").unlink(missing_ok=True)
        # The log's own file last: without it, what belongs to it would look like a damaged log.
        for file in sorted(data_dir.glob(f"{log}-*"), key=lambda file: file.name, reverse=True):
            os.replace(file, folder / file.name)
        if (data_dir / log).exists():
            os.replace(data_dir / log, folder / log)
    sync_folder(folder)
    sync_folder(data_dir)
    os.unlink(data_dir / PLAN)
    sync_folder(data_dir)


def sealed_logs(data_dir: Path) -> tuple[str, ...]:
    """Name the folders of logs that are set aside, oldest first."""
    folder = data_dir / FOLDER
    return tuple(sorted(each.name for each in folder.iterdir())) if folder.is_dir() else ()


def drop_catalogue(file: Path) -> None:
    """Delete another store's catalogue: its prices are not ours, and it can be had again. Raises `OSError`."""
    for each in (file, *sorted(file.parent.glob(f"{file.name}-*"))):
        each.unlink(missing_ok=True)
    sync_folder(file.parent)


def _write(path: Path, data: bytes) -> None:
    new = path.with_name(f"{path.name}.new")
    with new.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path)
    sync_folder(path.parent)
