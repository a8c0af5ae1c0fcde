"""Says what a station's logs hold: from the agent if it runs, else from a copy of the files.

The files of a running agent are never opened: only the SQLite in the agent is safe there, and it locks them.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from pathlib import Path

import msgspec
import sqlite_utils

from edge.agent import CHATTER_FILE, STOCK_FILE, AlreadyRunning, only_agent
from edge.api.health_messages import LogAnswer, StorageAnswer
from edge.buffer.sealing import sealed_logs
from edge.errors import EdgeError
from edge.settings import Settings
from shelfwire.agent_api import AgentApi


class LogStatus(msgspec.Struct, frozen=True):
    """One log: the seq of its last entry, how many entries are kept, and how many the hub is not known to have."""

    stream: str
    epoch: str
    head: int
    entries: int
    unacked: int
    bytes: int


class BufferStatus(msgspec.Struct, frozen=True):
    """Both logs of a station; `storage` is how its card is used, as only a running agent knows; `sealed` are other
    stations' logs that were set aside here.
    """

    station: str
    running: bool
    logs: tuple[LogStatus, ...]
    storage: StorageAnswer | None = None
    sealed: tuple[str, ...] = ()


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
            return BufferStatus(settings.station, False, logs, sealed=sealed_logs(settings.data_dir))
    except AlreadyRunning:
        health = AgentApi(settings.api).health()
        logs = (_from_agent("stock", health.stock), _from_agent("chatter", health.chatter))
        return BufferStatus(health.station, True, logs, health.storage, sealed_logs(settings.data_dir))


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
            chapter = next(database.query("select epoch, depth from chapter order by ordinal desc limit 1"), None)
            bounds = next(database.query("select kept, acked from bounds"), None)
            if chapter is None or bounds is None:
                raise EdgeError(f"{path} holds no epoch yet; see `shelfwire edge buffer verify`")
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
        except sqlite3.DatabaseError as error:
            raise EdgeError(f"{path}: {error}; see `shelfwire edge buffer verify`") from error
        finally:
            database.close()


def _from_agent(stream: str, log: LogAnswer) -> LogStatus:
    return LogStatus(stream, log.epoch, log.head, log.entries, log.unacked, log.bytes_on_disk)
