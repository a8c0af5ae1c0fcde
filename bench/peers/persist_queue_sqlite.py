"""persist-queue's SQLiteAckQueue with its defaults."""

from __future__ import annotations

import persistqueue  # pyright: ignore[reportMissingImports]

from bench.peers.events import made, put_all
from tests.power.subject import Found, Job, Say


def work(job: Job, say: Say) -> None:
    queue = persistqueue.SQLiteAckQueue(str(made(job.folder / "queue")))
    put_all(queue.put, say)


def look(job: Job) -> Found:
    queue = persistqueue.SQLiteAckQueue(str(made(job.folder / "queue")))
    return Found({"events": [row["data"] for row in queue.queue()]})
