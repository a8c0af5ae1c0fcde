"""Says what a station's logs hold: from the agent if it runs, else from a copy of the files.

The files of a running agent are never opened: only the SQLite in the agent is safe there, and it locks them.
"""

from __future__ import annotations

import http.client
import shutil
import tempfile
from pathlib import Path

import msgspec
import sqlite_utils

from edge.agent import CHATTER_FILE, STOCK_FILE, AlreadyRunning, only_agent
from edge.api.messages import HealthAnswer, LogAnswer
from edge.errors import EdgeError
from edge.settings import ApiSettings, Settings

TIMEOUT_S = 5.0


class LogStatus(msgspec.Struct, frozen=True):
    """One log: the seq of its last entry, how many entries are kept, and how many the hub is not known to have."""

    stream: str
    epoch: str
    head: int
    entries: int
    unacked: int
    bytes: int


class BufferStatus(msgspec.Struct, frozen=True):
    """Both logs of a station."""

    station: str
    running: bool
    logs: tuple[LogStatus, ...]


def buffer_status(settings: Settings) -> BufferStatus:
    """Look at both logs. Raises `EdgeError` where that cannot be done."""
    if not settings.data_dir.exists():
        raise EdgeError(f"there is no {settings.data_dir}: the agent has not run yet")
    try:
        with only_agent(settings.data_dir):
            logs = tuple(
                log
                for stream, name in (("stock", STOCK_FILE), ("chatter", CHATTER_FILE))
                if (log := _from_file(stream, settings.data_dir / name)) is not None
            )
            return BufferStatus(settings.station, False, logs)
    except AlreadyRunning:
        health = _ask_agent(settings.api)
        logs = (_from_agent("stock", health.stock), _from_agent("chatter", health.chatter))
        return BufferStatus(health.station, True, logs)


def _from_file(stream: str, path: Path) -> LogStatus | None:
    if not path.exists():
        return None
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        size = 0
        for suffix in ("", "-wal"):
            part = path.with_name(path.name + suffix)
            if part.exists():
                shutil.copyfile(part, copy.with_name(part.name))
                size += part.stat().st_size
        database = sqlite_utils.Database(copy)
        try:
            chapter = next(database.query("select epoch, depth from chapter order by ordinal desc limit 1"))
            bounds = next(database.query("select kept, acked from bounds"))
            last = next(database.query("select max(depth) as depth from entry"))["depth"]
            head = max(bounds["kept"], last or 0)
            return LogStatus(
                stream=stream,
                epoch=chapter["epoch"],
                head=head - chapter["depth"],
                entries=database.table("entry").count,
                unacked=head - bounds["acked"],
                bytes=size,
            )
        finally:
            database.close()


def _ask_agent(api: ApiSettings) -> HealthAnswer:
    if api.port == 0:
        raise EdgeError("the agent is running, and its API has no fixed port to ask at")
    connection = http.client.HTTPConnection(api.host, api.port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/v1/health")
        return msgspec.json.decode(connection.getresponse().read(), type=HealthAnswer)
    except (OSError, http.client.HTTPException, msgspec.DecodeError) as error:
        raise EdgeError(f"the agent is running, but does not answer at {api.host}:{api.port}: {error}") from error
    finally:
        connection.close()


def _from_agent(stream: str, log: LogAnswer) -> LogStatus:
    return LogStatus(stream, log.epoch, log.head, log.entries, log.unacked, log.bytes_on_disk)
