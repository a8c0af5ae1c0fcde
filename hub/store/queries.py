"""The questions of the hub's pages, REST and metrics about stations, logs and totals, on the reader's connection."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from msgspec.structs import replace
from sqlalchemy import bindparam, func, select, tuple_

from hub.ledger.counting import COUNTS_STATION
from hub.store import tables
from hub.store.epochs import OF_LOGS, station_of
from hub.store.page_tokens import from_token, token
from hub.store.progress import lag
from hub.store.reader_logs import load_state
from hub.store.reading import NO_ITEM
from hub.store.sql import Sql
from hub.store.statements import bytes_kept, given, replacing, total
from hub.store.views import DeviceRow, LossPage, LossRow, QuarantinePage, QuarantineRow, StationRow, Totals
from protocol.catalogue import RowKind
from protocol.errors import BadInput
from protocol.identity import HUB_STATION, DeviceId, Epoch, StationId
from protocol.state import OFFLINE, StationState, decode_state, encode_state
from protocol.topics import Stream

_LOG: Final = tables.log.c
_EPOCH: Final = tables.epoch.c
_HELD: Final = tables.quarantine.c
_LOSS: Final = tables.loss.c
_SCOPE: Final = tables.scope.c
_LIVE: Final = tables.live.c
_STATION: Final = tables.station.c
_STATIONS: Final = select(_STATION.name, _STATION.state, _STATION.state_us, _STATION.last_seen_us).order_by(
    _STATION.name
)
_SAID: Final = select(_STATION.state, _STATION.last_seen_us).where(_STATION.name == bindparam("name"))
_SAY: Final = replacing(tables.station)
_IS_OPEN: Final = _HELD.released_us.is_(None)
_HELD_OF_LOG: Final = (
    select(func.count())
    .select_from(tables.quarantine.join(tables.epoch, _EPOCH.id == _HELD.epoch))
    .where(_EPOCH.log == _LOG.id, _IS_OPEN)
    .correlate(tables.log)
    .scalar_subquery()
)
_LOGS: Final = select(
    *(_LOG.name, _LOG.committed, _LOG.folded, _LOG.movements, func.coalesce(_LOG.last_us, 0)),
    *(_HELD_OF_LOG, tables.mark.c.t_us),
).join_from(tables.log, tables.mark, tables.mark.c.log == _LOG.id, isouter=True)
_HELD_BELOW: Final = (
    select(
        *(_HELD.at_us, _HELD.epoch, _HELD.seq, _LOG.name, _EPOCH.name),
        *(_HELD.reason, _HELD.detail, _HELD.body, _HELD.released_us),
    )
    .select_from(OF_LOGS.join(tables.quarantine, _EPOCH.id == _HELD.epoch))
    .where(
        _IS_OPEN,
        tuple_(_HELD.at_us, _HELD.epoch, _HELD.seq)
        < tuple_(given("at_us", _HELD.at_us), given("epoch", _HELD.epoch), given("seq", _HELD.seq)),
    )
    .order_by(_HELD.at_us.desc(), _HELD.epoch.desc(), _HELD.seq.desc())
    .limit(bindparam("limit"))
)
_OF_LOSSES: Final = tables.loss.join(tables.log, _LOG.id == _LOSS.log)
_LOSSES_BELOW: Final = (
    select(_LOSS.id, _LOG.name, _LOSS.epoch, _LOSS.first, _LOSS.last, _LOSS.at_us)
    .select_from(_OF_LOSSES)
    .where(_LOSS.id < bindparam("below"))
    .order_by(_LOSS.id.desc())
    .limit(bindparam("limit"))
)
_LOSSES_BY_LOG: Final = select(_LOG.name, func.count()).select_from(_OF_LOSSES).group_by(_LOG.name)
_FOLDED: Final = select(total(_LOG.committed), total(_LOG.folded), total(_LOG.movements)).where(_LOG.folds != 0)
_OF_ITEMS: Final = select(func.count()).select_from(tables.scope).where(_SCOPE.item != NO_ITEM)
_TOTALS: Final = select(
    select(func.count()).select_from(tables.quarantine).where(_IS_OPEN).scalar_subquery(),
    select(total(_LOG.bytes)).scalar_subquery(),
    bytes_kept(),
    select(func.count()).select_from(tables.live).where(_LIVE.kind == RowKind.ITEM.value).scalar_subquery(),
    select(func.count()).select_from(tables.live).scalar_subquery(),
    _OF_ITEMS.scalar_subquery(),
    select(func.count()).select_from(tables.loss).scalar_subquery(),
    _OF_ITEMS.where(_SCOPE.on_hand_milli < 0).scalar_subquery(),
)


def stations(connection: Sql) -> tuple[StationRow, ...]:
    """See `HubStore.stations`."""
    reports = {
        StationId(name): (_report(state), state_us, seen_us)
        for name, state, state_us, seen_us in connection.execute(_STATIONS)
    }
    logs: dict[StationId, list[tuple[str, int, int, int, int, int, int | None]]] = defaultdict(list)
    for row in connection.execute(_LOGS):
        station = station_of(row[0])
        if station not in (HUB_STATION, COUNTS_STATION):
            logs[station].append(row)
    lost = _losses_by_station(connection)
    found: list[StationRow] = []
    for station in sorted(reports.keys() | logs.keys()):
        report, state_us, seen_us = reports.get(station, (None, None, 0))
        stock = [row for row in logs[station] if row[0].endswith(f"/{Stream.STOCK}")]
        _, committed, folded, movements, _, quarantined, mark_us = stock[0] if stock else ("", 0, 0, 0, 0, 0, None)
        last_us = max([seen_us, *(row[4] for row in logs[station])])
        found.append(
            StationRow(
                station=station,
                state="" if report is None else report.state,
                state_us=state_us,
                last_seen_us=last_us or None,
                place=None if report is None else report.place or None,
                backlog=None if report is None else report.backlog,
                at=load_state(connection, stock[0][0]).at if stock else None,
                mark_us=mark_us,
                committed=committed,
                folded=folded,
                movements=movements,
                quarantined=quarantined,
                losses=lost[station],
                report=report,
            )
        )
    return tuple(found)


def devices(connection: Sql) -> tuple[DeviceRow, ...]:
    """See `HubStore.devices`."""
    reports = [
        (StationId(name), report)
        for name, state, *_ in connection.execute(_STATIONS)
        if (report := _report(state)) is not None
    ]
    return tuple(
        DeviceRow(station, DeviceId(device.device), device.kind, device.state, device.detail, device.figures)
        for station, report in reports
        for device in report.devices
    )


def record_state(connection: Sql, station: StationId, state: bytes, at_us: int) -> None:
    """See `HubStore.record_station_state`. A last will tells nothing but that: what was said before it stays."""
    text, seen_us = state.decode("utf-8", "replace"), at_us
    row = connection.execute(_SAID, {"name": station}).fetchone()
    report = _report(text)
    if row is not None and report is not None and report.state == OFFLINE.state:
        # The broker says it for the station, which may have gone long before.
        seen_us = row[1]
        before = _report(row[0])
        if before is not None:
            text = encode_state(replace(before, state=report.state)).decode()
    connection.execute(_SAY, {"name": station, "state": text, "state_us": at_us, "last_seen_us": seen_us})


def quarantine(connection: Sql, after: str | None, limit: int) -> QuarantinePage:
    """See `HubStore.quarantine`."""
    at_us, epoch_row, seq = (1 << 62, 0, 0) if after is None else from_token(after, int, int, int)
    bound = {"at_us": at_us, "epoch": epoch_row, "seq": seq, "limit": limit + 1}
    rows = connection.execute(_HELD_BELOW, bound).fetchall()
    found = tuple(
        QuarantineRow(log, Epoch.parse(epoch), seq, reason, detail, body, at_us, released_us)
        for at_us, _, seq, log, epoch, reason, detail, body, released_us in rows[:limit]
    )
    return QuarantinePage(found, token(*rows[limit - 1][:3]) if len(rows) > limit else None)


def losses(connection: Sql, after: str | None, limit: int) -> LossPage:
    """See `HubStore.losses`."""
    (below,) = (1 << 62,) if after is None else from_token(after, int)
    rows = connection.execute(_LOSSES_BELOW, {"below": below, "limit": limit + 1}).fetchall()
    found = tuple(LossRow(log, Epoch.parse(epoch), *rest) for _, log, epoch, *rest in rows[:limit])
    return LossPage(found, token(rows[limit - 1][0]) if len(rows) > limit else None)


def totals(connection: Sql) -> Totals:
    """See `HubStore.totals`."""
    committed, folded, movements = connection.execute(_FOLDED).fetchone()
    quarantined, chunk_bytes, file_bytes, items, rows, scopes, losses, negative = connection.execute(_TOTALS).fetchone()
    return Totals(
        committed=committed,
        folded=folded,
        movements=movements,
        quarantined=quarantined,
        fold_lag=lag(connection),
        chunk_bytes=chunk_bytes,
        file_bytes=file_bytes,
        items=items,
        catalogue_rows=rows,
        scopes=scopes,
        losses=losses,
        negative=negative,
    )


def _losses_by_station(connection: Sql) -> defaultdict[StationId, int]:
    counts: defaultdict[StationId, int] = defaultdict(int)
    for name, n in connection.execute(_LOSSES_BY_LOG):
        counts[station_of(name)] += n
    return counts


def _report(state: str) -> StationState | None:
    """Read what a station said; None for what a later release understands, perhaps."""
    try:
        return decode_state(state.encode())
    except BadInput:
        return None
