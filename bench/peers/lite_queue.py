"""litequeue, as its README has it: one SQLite file."""

from __future__ import annotations

import sqlite3

import litequeue  # pyright: ignore[reportMissingImports]

from bench.peers.events import made, put_all
from tests.power.subject import Found, Job, Say


def work(job: Job, say: Say) -> None:
    queue = litequeue.LiteQueue(made(job.folder / "queue") / "queue.db")
    put_all(lambda number: queue.put(str(number)), say)


def look(job: Job) -> Found:
    path = job.folder / "queue" / "queue.db"
    if not path.exists():
        return Found({"events": []})
    rows = sqlite3.connect(path).execute("SELECT data FROM Queue ORDER BY rowid")
    return Found({"events": [int(data) for (data,) in rows]})
