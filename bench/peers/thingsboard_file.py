"""The file storage of ThingsBoard IoT Gateway, without the gateway around it."""

from __future__ import annotations

import base64
import binascii
import threading

from thingsboard_gateway.storage.file.file_event_storage import FileEventStorage  # pyright: ignore[reportMissingImports]

from bench.peers.events import made, put_all
from bench.peers.thingsboard_sqlite import GatewayLogger
from tests.power.subject import Found, Job, Say


def work(job: Job, say: Say) -> None:
    # Settings of the gateway's own sample configuration.
    config = {
        "data_folder_path": f"{made(job.folder / 'data')}/",
        "max_file_count": 10,
        "max_read_records_count": 10,
        "max_records_per_file": 10000,
    }
    storage = FileEventStorage(config, GatewayLogger("storage"), threading.Event())

    def put(number: int) -> None:
        if not storage.put(str(number)):
            raise RuntimeError("the storage refused an event")

    put_all(put, say)


def look(job: Job) -> Found:
    held: list[int] = []
    for path in sorted((job.folder / "data").glob("data_*.txt")):
        for line in path.read_bytes().splitlines():
            try:
                held.append(int(base64.b64decode(line, validate=True)))
            except (ValueError, binascii.Error):
                continue  # torn
    return Found({"events": held})
