"""Another file put in the place of the hub's: whichever of its renames the power is cut at, one whole file is there.

Each file says which it is. Rows are added to it before the next takes its place, so that its write-ahead log, too, has
to go aside with it and with no other.
"""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

from hub.store.folder import make_folder
from hub.store.holding import discard, held, swap_in
from tests.power.stores.sound import faults_of
from tests.power.subject import Found, Job, Say


def path_in(job: Job) -> Path:
    return job.folder / "shelfwire" / "hub" / "hub.db"


def work(job: Job, say: Say) -> None:
    dice = random.Random(job.seed)
    path = path_in(job)
    make_folder(path.parent)
    prepared = path.with_name("hub.db-being-made")
    while True:
        with held(path):
            discard(prepared)
            number = (number_of(path) or 0) + 1
            make(prepared, number)
            swap_in(path, prepared, f"{number:06}")
            say("files", number)
            with closing(open_file(path)) as connection:
                for _ in range(dice.choice([0, 1, 5])):
                    connection.execute("INSERT INTO row VALUES (?)", (number,))


def make(path: Path, number: int) -> None:
    with closing(open_file(path)) as connection:
        connection.execute("CREATE TABLE row (file INTEGER NOT NULL)")
        connection.execute("INSERT INTO row VALUES (?)", (number,))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def open_file(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def number_of(path: Path) -> int | None:
    """Which file it is, None if none is there. Raises `ValueError` for one that is made up of two."""
    if not path.exists():
        return None
    with closing(sqlite3.connect(path)) as connection:
        numbers = [number for (number,) in connection.execute("SELECT DISTINCT file FROM row")]
    if len(numbers) != 1:
        raise ValueError(f"{path.name} is made up of files {numbers}")
    return int(numbers[0])


def look(job: Job) -> Found:
    path = path_in(job)
    path.parent.mkdir(parents=True, exist_ok=True)
    with held(path):  # which finishes a swap that was decided
        last = number_of(path) or 0
        faults = faults_of(path)
        set_aside = sorted(
            one for one in path.parent.glob("hub.db-before-*") if not one.name.endswith(("-wal", "-shm"))
        )
        numbers = [number_of(one) for one in set_aside]
        if numbers != list(range(1, last)):
            faults.append(f"before file {last} there were {numbers}")
    return Found({"files": list(range(1, last + 1))}, faults)
