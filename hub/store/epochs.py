"""The rows of epochs: which log and station an epoch row stands for, remembered because every entry asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select

from hub.errors import ContractBroken
from hub.ledger.counting import COUNTS_STATION
from hub.store import tables
from hub.store.sql import Sql
from protocol.identity import HUB_STATION, EntryId, Epoch, StationId

FEED = "feed"
JOURNAL = "journal"
CATALOGUE = "catalogue"
COUNTS = "counts"

_EPOCH: Final = tables.epoch.c
_LOG: Final = tables.log.c
OF_LOGS: Final = tables.epoch.join(tables.log, _LOG.id == _EPOCH.log)
"""Epochs beside the logs that they are of."""
_BY_ID: Final = select(_LOG.id, _LOG.name, _EPOCH.name).select_from(OF_LOGS).where(_EPOCH.id == bindparam("row"))
_BY_NAME: Final = (
    select(_EPOCH.id).select_from(OF_LOGS).where(_LOG.name == bindparam("log"), _EPOCH.name == bindparam("epoch"))
)


@dataclass(frozen=True, slots=True)
class EpochRow:
    """An epoch as stored. `prefix` begins the text of its entries' ids."""

    id: int
    log: int
    log_name: str
    station: StationId
    epoch: Epoch
    prefix: str

    def entry(self, seq: int) -> EntryId:
        """Name one of its entries."""
        return EntryId(self.station, self.epoch, seq)


class EpochRows:
    """Looks epochs up by row and by name. A row never changes; `forget` after a transaction that did not happen."""

    def __init__(self) -> None:
        self._by_id: dict[int, EpochRow] = {}
        self._by_name: dict[tuple[StationId, Epoch], EpochRow] = {}

    def forget(self) -> None:
        """Read everything from the file again when next asked."""
        self._by_id.clear()
        self._by_name.clear()

    def by_id(self, connection: Sql, row: int) -> EpochRow:
        """Give a row that is there."""
        known = self._by_id.get(row)
        if known is None:
            found = connection.execute(_BY_ID, {"row": row}).fetchone()
            if found is None:
                raise ContractBroken(f"there is no epoch row {row}")
            log, log_name, name = found
            epoch, station = Epoch.parse(name), station_of(log_name)
            known = EpochRow(row, log, log_name, station, epoch, f"{station}/{epoch}/")
            self._by_id[row] = known
            if log_name == folded_log(station):
                self._by_name[station, epoch] = known
        return known

    def of_entry(self, connection: Sql, entry: EntryId) -> EpochRow | None:
        """Find the row of the epoch an entry of the books belongs to, None if nothing of that epoch came."""
        known = self._by_name.get((entry.station, entry.epoch))
        if known is None:
            row = epoch_row(connection, folded_log(entry.station), entry.epoch)
            return None if row is None else self.by_id(connection, row)
        return known


def epoch_row(connection: Sql, log: str, epoch: Epoch) -> int | None:
    """Find the row of an epoch of `log`, None if nothing of it is stored."""
    row = connection.execute(_BY_NAME, {"log": log, "epoch": str(epoch)}).fetchone()
    return None if row is None else int(row[0])


def station_of(log_name: str) -> StationId:
    """Name the station whose entries a log holds: the hub's for its own logs and head office's."""
    root, _, rest = log_name.partition("/")
    if root == "s":
        return StationId(rest.partition("/")[0])
    return COUNTS_STATION if root == COUNTS else HUB_STATION


def folded_log(station: StationId) -> str:
    """Name the one log of a station that the books are folded from."""
    if station == COUNTS_STATION:
        return COUNTS
    return JOURNAL if station == HUB_STATION else f"s/{station}/stock"
