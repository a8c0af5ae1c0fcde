"""The SQLite storage of ThingsBoard IoT Gateway, without the gateway around it."""

from __future__ import annotations

import logging
import sqlite3
import threading

from thingsboard_gateway.storage.sqlite.sqlite_event_storage import SQLiteEventStorage  # pyright: ignore[reportMissingImports]

from bench.peers.events import made, put_all
from tests.power.subject import Found, Job, Say


class GatewayLogger(logging.Logger):
    """The gateway adds a level to its loggers, which its storage needs."""

    def trace(self, *_args: object, **_kwargs: object) -> None:
        pass


def work(job: Job, say: Say) -> None:
    # Settings of the gateway's own sample configuration.
    config = {"data_file_path": f"{made(job.folder / 'data')}/", "messages_ttl_check_in_hours": 1}
    storage = SQLiteEventStorage(config, GatewayLogger("storage"), threading.Event())

    def put(number: int) -> None:
        if not storage.put(str(number)):
            raise RuntimeError("the storage refused an event")

    put_all(put, say)


def look(job: Job) -> Found:
    held: list[int] = []
    for path in sorted((job.folder / "data").glob("*.db")):
        rows = sqlite3.connect(path).execute("SELECT message FROM messages ORDER BY id")
        held += [int(message) for (message,) in rows]
    return Found({"events": held})
