"""A station's logs for the commands that look into them: through the agent if it runs, else from the files."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path

from edge.agent import CHATTER_FILE, STOCK_FILE, AlreadyRunning, only_agent
from edge.api.logs import ReceiptAnswer, parse_begin
from edge.buffer.exporting import LogName, export
from edge.buffer.receiving import take_receipt
from edge.buffer.sqlite_log import SqliteLog
from edge.errors import EdgeError
from edge.settings import Settings
from protocol.receipts import decode_receipt
from protocol.topics import Stream
from shelfwire.agent_api import AgentApi

FILES = {Stream.STOCK: STOCK_FILE, Stream.CHATTER: CHATTER_FILE}


async def records(settings: Settings, stream: Stream, begin: str) -> AsyncIterator[bytes]:
    """Give the records of a log's file (`protocol.station_file`), from `begin` as the local API takes it.

    Raises `EdgeError`, and `BadInput` for a `begin` that is none. Where they end early, so will the check of the file.
    """
    start = parse_begin(begin)
    try:
        with only_agent(_there(settings)):
            async with _stopped_log(settings, stream) as log:
                async for piece in export(log, _name(settings, stream), start, _wall_us()):
                    for record in piece.removesuffix(b"\n").split(b"\n"):
                        yield record
    except AlreadyRunning:
        for record in AgentApi(settings.api).records(stream, begin):
            yield record


async def hand_in_receipt(settings: Settings, stream: Stream, receipt: bytes) -> ReceiptAnswer:
    """Have a log take a hub's receipt. Raises `EdgeError`, and `BadInput` for one that is not true of this log."""
    try:
        with only_agent(_there(settings)):
            async with _stopped_log(settings, stream) as log:
                taken = await take_receipt(log, _name(settings, stream), decode_receipt(receipt))
                return ReceiptAnswer(taken.acked, taken.unacked)
    except AlreadyRunning:
        return AgentApi(settings.api).give_receipt(stream, receipt)


def _there(settings: Settings) -> Path:
    if not settings.data_dir.exists():
        raise EdgeError(f"there is no {settings.data_dir}: the agent has not run yet")
    return settings.data_dir


def _wall_us() -> int:
    return time.time_ns() // 1000


def _name(settings: Settings, stream: Stream) -> LogName:
    return LogName(settings.store, settings.station, stream)


def _stopped_log(settings: Settings, stream: Stream) -> SqliteLog:
    path = settings.data_dir / FILES[stream]
    if not path.exists():
        raise EdgeError(f"there is no {path}: the station has not written that log yet")
    return stopped_log(path)


def stopped_log(path: Path) -> SqliteLog:
    """Make the log of a file that no agent has open."""
    return SqliteLog(path, clock=_wall_us, nonce=lambda: secrets.randbits(64))
