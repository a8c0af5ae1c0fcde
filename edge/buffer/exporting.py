"""Reads a station log out as the file that a person carries to the hub (`protocol.station_file`).

Works on any open log, also while scans are appended: what is told is what was durable when it began, read in pieces no
larger than those for the hub.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import Enum, auto

from edge.buffer.api import BLOCK_ENTRIES, READ_BYTES, StationLog
from edge.buffer.errors import LogCorrupt, NotKept
from edge.buffer.lineage import kept_depth, position_at
from protocol.identity import Epoch, StationId, StoreId
from protocol.replication.ports import LogView
from protocol.station_file import StationFileWriter
from protocol.station_file_header import FileHeader
from protocol.topics import Stream


@dataclass(frozen=True, slots=True)
class LogName:
    """Whose log it is."""

    store: StoreId
    station: StationId
    stream: Stream


class Begin(Enum):
    """Where an export begins: after what the hub is known to have, or at the oldest entry kept."""

    ACKED = auto()
    ALL = auto()


@dataclass(frozen=True, slots=True)
class At:
    """An export begins with entry `seq` of `epoch`."""

    epoch: Epoch
    seq: int


async def export(log: StationLog, name: LogName, begin: Begin | At, now_us: int) -> AsyncIterator[bytes]:
    """Give the file's bytes, in pieces of whole records: the header first, the trailer last.

    Raises `NotKept` if `begin` is not kept here or what is read is pruned meanwhile, `LogRefused` if it cannot be read.
    """
    view = log.view
    depth = _first_depth(view, log.stats.unacked, begin)
    epoch, seq = view.at_depth(depth)
    digest = (await log.digests(epoch, [seq]))[seq]
    if digest is None:
        raise NotKept(f"the chain after {epoch}:{seq} cannot be told any more")
    told = LogView(view.lineage, position_at(view.lineage, depth, digest), view.head)
    writer = StationFileWriter(FileHeader(name.store, name.station, name.stream, told, view.first, now_us))
    yield writer.header() + b"\n"
    while depth < view.depth:
        epoch, seq = view.at_depth(depth + 1)
        found = await log.read(epoch, seq, min(BLOCK_ENTRIES, view.depth - depth), READ_BYTES)
        if not found.lines:
            raise NotKept(f"{epoch}:{seq} is gone: the log changed while it was read")
        if found.digest != writer.digest:
            raise LogCorrupt(f"the lines before {epoch}:{seq} are not those that were chained")
        records = [writer.entry(epoch, found.first + i, line) for i, line in enumerate(found.lines)]
        depth += len(records)
        yield b"\n".join(records) + b"\n"
    if writer.digest != view.head.digest:
        raise LogCorrupt("the lines do not lead to the digest of the log's head")
    yield writer.end() + b"\n"


def _first_depth(view: LogView, unacked: int, begin: Begin | At) -> int:
    """Give the depth before the first entry to tell. Raises `NotKept`."""
    kept = kept_depth(view)
    match begin:
        case Begin.ACKED:
            return max(kept, view.depth - unacked)
        case Begin.ALL:
            return kept
        case At(epoch, seq):
            index = view.index(epoch)
            if index is None or not 1 <= seq <= view.end_of(index) + 1:
                raise NotKept(f"{epoch}:{seq} is not in this log")
            depth = view.lineage[index].depth + seq - 1
            if depth < kept:
                raise NotKept(f"{epoch}:{seq} is pruned; the oldest entry kept is {_named(view, kept + 1)}")
            return depth


def _named(view: LogView, depth: int) -> str:
    if depth > view.depth:
        return "the next one"
    epoch, seq = view.at_depth(depth)
    return f"{epoch}:{seq}"
