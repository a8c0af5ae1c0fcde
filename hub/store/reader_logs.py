"""Logs that others write and the hub reads: entries and the reader's state, committed together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from sqlalchemy import bindparam, select, update

from hub.errors import BadInput, ContractBroken
from hub.ledger.counting import COUNTS_STATION
from hub.store import chunks, tables
from hub.store.sql import Sql
from hub.store.statements import given, putting, putting_found
from protocol.identity import HUB_STATION, Epoch, StationId, parse_station
from protocol.replication.ports import Loss, ReaderState, Slice
from protocol.topics import Stream

HQ_CATALOGUE = "hq/cat"
HQ_DOCUMENTS = "hq/doc"

_LOG: Final = tables.log.c
_EPOCH: Final = tables.epoch.c
_STATE: Final = select(_LOG.state).where(_LOG.name == bindparam("name"))
_PUT_LOG: Final = putting(tables.log, "name", "folds")
_ENSURE_LOG: Final = _PUT_LOG.on_conflict_do_update(
    index_elements=["name"], set_={"name": _PUT_LOG.excluded.name}
).returning(_LOG.id)
_PASS: Final = (
    update(tables.log)
    .where(_LOG.id == bindparam("log"))
    .values(
        state=bindparam("state"),
        committed=_LOG.committed + bindparam("entries"),
        bytes=_LOG.bytes + bindparam("size"),
        last_us=bindparam("now_us"),
    )
)
_PUT_EPOCH: Final = putting(tables.epoch, "log", "name", "head")
_EPOCH_AFTER: Final = _PUT_EPOCH.on_conflict_do_update(
    index_elements=["log", "name"],
    set_={"head": _PUT_EPOCH.excluded.head},
    where=_EPOCH.head < bindparam("first"),
).returning(_EPOCH.id)
_ENSURE_EPOCH: Final = (
    putting_found(
        tables.epoch,
        ["log", "name"],
        select(_LOG.id, given("epoch", _EPOCH.name)).where(_LOG.name == bindparam("log")),
    )
    .on_conflict_do_update(index_elements=["log", "name"], set_={"head": _EPOCH.head})
    .returning(_EPOCH.id)
)
_LOSE: Final = putting(tables.loss, "log", "epoch", "first", "last", "at_us")

_state_to_json = msgspec.json.encode
_state_from_json = msgspec.json.Decoder(ReaderState).decode


@dataclass(frozen=True, slots=True)
class Flagged:
    """An entry that the reader could not take: `slice` holds its bytes as the one line, `reason` says why."""

    slice: Slice
    reason: str


@dataclass(frozen=True, slots=True)
class LogCommit:
    """What one reader has newly read of `log`, and the state it has then.

    `snapshot` is the whole state of HQ's catalogue at `state.at`: it replaces everything before it.
    """

    log: str
    chunks: tuple[Slice | Flagged, ...]
    state: ReaderState
    losses: tuple[Loss, ...] = ()
    snapshot: tuple[bytes, ...] | None = None


@dataclass(frozen=True, slots=True)
class NewEntries:
    """Lines just stored from seq `first` of the epoch row `epoch`."""

    epoch: int
    first: int
    lines: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit leaves to be looked at within its transaction: entries the fold will read, and whole states."""

    entries: list[NewEntries]
    snapshots: list[LogCommit]


def station_log(station: StationId, stream: Stream) -> str:
    """Name a station's log in the store: "s/<station>/<stream>"."""
    return f"s/{station}/{stream}"


def check_name(log: str) -> None:
    """Raise `BadInput` ("bad-log") unless `log` is one that a hub reads; no station is called "hub" or "counts"."""
    if log in (HQ_CATALOGUE, HQ_DOCUMENTS):
        return
    root, _, rest = log.partition("/")
    station, _, stream = rest.partition("/")
    if root != "s" or stream not in set(Stream) or station in (HUB_STATION, COUNTS_STATION):
        raise BadInput("bad-log", f"{log[:100]!r} is not a log that the hub reads")
    parse_station(station)


def folds(log: str) -> bool:
    """Say whether the fold reads this log."""
    return log in (HQ_CATALOGUE, HQ_DOCUMENTS) or log.endswith(f"/{Stream.STOCK}")


def load_state(connection: Sql, log: str) -> ReaderState:
    """Give the state last committed; a fresh one for a log never read."""
    row = connection.execute(_STATE, {"name": log}).fetchone()
    return ReaderState() if row is None or row[0] is None else _state_from_json(row[0])


def commit(connection: Sql, commits: Sequence[LogCommit], now_us: int) -> Committed:
    """Store all of `commits`. Raises `ContractBroken` for an entry that is held already."""
    entries = [part for each in commits for part in _commit(connection, each, now_us)]
    return Committed(entries, [each for each in commits if each.snapshot is not None])


def _commit(connection: Sql, new: LogCommit, now_us: int) -> list[NewEntries]:
    to_fold: list[NewEntries] = []
    fold = folds(new.log)
    log: int = connection.execute(_ENSURE_LOG, {"name": new.log, "folds": int(fold)}).fetchone()[0]
    entries = size = 0
    for chunk in new.chunks:
        part, reason = (chunk.slice, chunk.reason) if isinstance(chunk, Flagged) else (chunk, None)
        if reason is not None and len(part.lines) != 1:
            raise ContractBroken("a flagged chunk holds exactly one entry")
        if not part.lines:
            continue
        epoch = _epoch_after(connection, log, part)
        size += chunks.insert(
            connection, epoch, part.first, part.digest, part.lines, reason, fold or reason is not None
        )
        entries += len(part.lines)
        if fold and reason is None:
            to_fold.append(NewEntries(epoch, part.first, part.lines))
    for loss in new.losses:
        row = {"log": log, "epoch": str(loss.epoch), "first": loss.first, "last": loss.last, "at_us": now_us}
        connection.execute(_LOSE, row)
    state = _state_to_json(new.state).decode()
    connection.execute(_PASS, {"log": log, "state": state, "entries": entries, "size": size, "now_us": now_us})
    return to_fold


def _epoch_after(connection: Sql, log: int, part: Slice) -> int:
    """Find or make the epoch's row and move its head past `part`, which must lie wholly beyond it."""
    last = part.first + len(part.lines) - 1
    row = connection.execute(
        _EPOCH_AFTER, {"log": log, "name": str(part.epoch), "head": last, "first": part.first}
    ).fetchone()
    if row is None:
        raise ContractBroken(f"entries {part.first} to {last} of {part.epoch} overlap what is stored")
    return int(row[0])


def ensure_epoch_row(connection: Sql, log: str, epoch: Epoch) -> int:
    """Find or make the row of an epoch of a log that was committed to."""
    row = connection.execute(_ENSURE_EPOCH, {"log": log, "epoch": str(epoch)}).fetchone()
    return int(row[0])
