"""The questions of the hub's pages, REST and metrics about stations, logs and totals, on the reader's connection."""

from __future__ import annotations

from collections import defaultdict

from msgspec.structs import replace

from hub.store.epochs import station_of
from hub.store.folding import lag
from hub.store.page_tokens import from_token, token
from hub.store.reader_logs import load_state
from hub.store.reading import NO_ITEM
from hub.store.sql import Sql
from hub.store.views import DeviceRow, LossPage, LossRow, QuarantinePage, QuarantineRow, StationRow, Totals
from protocol.catalogue import RowKind
from protocol.errors import BadInput
from protocol.identity import HUB_STATION, DeviceId, Epoch, StationId
from protocol.state import OFFLINE, StationState, decode_state, encode_state
from protocol.topics import Stream


def stations(connection: Sql) -> tuple[StationRow, ...]:
    """See `HubStore.stations`."""
    reports = {
        StationId(name): (_report(state), state_us, seen_us)
        for name, state, state_us, seen_us in connection.execute(
            "SELECT name, state, state_us, last_seen_us FROM station"
        )
    }
    logs: dict[StationId, list[tuple[str, int, int, int, int, int, int | None]]] = defaultdict(list)
    for row in connection.execute(
        """SELECT log.name, committed, folded, movements, coalesce(last_us, 0),
                  (SELECT count(*) FROM quarantine JOIN epoch ON epoch.id = quarantine.epoch
                   WHERE epoch.log = log.id AND released_us IS NULL),
                  mark.t_us
           FROM log LEFT JOIN mark ON mark.log = log.id"""
    ):
        station = station_of(row[0])
        if station != HUB_STATION:
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
        for name, state in connection.execute("SELECT name, state FROM station ORDER BY name")
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
    row = connection.execute("SELECT state, last_seen_us FROM station WHERE name = ?", (station,)).fetchone()
    report = _report(text)
    if row is not None and report is not None and report.state == OFFLINE.state:
        # The broker says it for the station, which may have gone long before.
        seen_us = row[1]
        before = _report(row[0])
        if before is not None:
            text = encode_state(replace(before, state=report.state)).decode()
    connection.execute("INSERT OR REPLACE INTO station VALUES (?,?,?,?)", (station, text, at_us, seen_us))


def quarantine(connection: Sql, after: str | None, limit: int) -> QuarantinePage:
    """See `HubStore.quarantine`."""
    bound = (1 << 62, 0, 0) if after is None else from_token(after, int, int, int)
    rows = connection.execute(
        """SELECT at_us, quarantine.epoch, seq, log.name, epoch.name, reason, detail, body, released_us
           FROM quarantine JOIN epoch ON epoch.id = quarantine.epoch JOIN log ON log.id = epoch.log
           WHERE released_us IS NULL AND (at_us, quarantine.epoch, seq) < (?,?,?)
           ORDER BY at_us DESC, quarantine.epoch DESC, seq DESC LIMIT ?""",
        (*bound, limit + 1),
    ).fetchall()
    found = tuple(
        QuarantineRow(log, Epoch.parse(epoch), seq, reason, detail, body, at_us, released_us)
        for at_us, _, seq, log, epoch, reason, detail, body, released_us in rows[:limit]
    )
    return QuarantinePage(found, token(*rows[limit - 1][:3]) if len(rows) > limit else None)


def losses(connection: Sql, after: str | None, limit: int) -> LossPage:
    """See `HubStore.losses`."""
    (below,) = (1 << 62,) if after is None else from_token(after, int)
    rows = connection.execute(
        """SELECT loss.id, log.name, epoch, first, last, at_us FROM loss JOIN log ON log.id = loss.log
           WHERE loss.id < ? ORDER BY loss.id DESC LIMIT ?""",
        (below, limit + 1),
    ).fetchall()
    found = tuple(LossRow(log, Epoch.parse(epoch), *rest) for _, log, epoch, *rest in rows[:limit])
    return LossPage(found, token(rows[limit - 1][0]) if len(rows) > limit else None)


def totals(connection: Sql) -> Totals:
    """See `HubStore.totals`."""
    committed, folded, movements = connection.execute(
        "SELECT coalesce(sum(committed), 0), coalesce(sum(folded), 0), coalesce(sum(movements), 0) FROM log WHERE folds"
    ).fetchone()
    pages, page_bytes = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    return Totals(
        committed=committed,
        folded=folded,
        movements=movements,
        quarantined=_one(connection, "SELECT count(*) FROM quarantine WHERE released_us IS NULL"),
        fold_lag=lag(connection),
        chunk_bytes=_one(connection, "SELECT coalesce(sum(bytes), 0) FROM log"),
        file_bytes=pages * page_bytes,
        items=_one(connection, "SELECT count(*) FROM live WHERE kind = ?", RowKind.ITEM.value),
        catalogue_rows=_one(connection, "SELECT count(*) FROM live"),
        scopes=_one(connection, "SELECT count(*) FROM scope WHERE item <> ?", NO_ITEM),
        losses=_one(connection, "SELECT count(*) FROM loss"),
        negative=_one(connection, "SELECT count(*) FROM scope WHERE item <> ? AND on_hand_milli < 0", NO_ITEM),
    )


def _one(connection: Sql, sql: str, *values: str) -> int:
    return int(connection.execute(sql, values).fetchone()[0])


def _losses_by_station(connection: Sql) -> defaultdict[StationId, int]:
    counts: defaultdict[StationId, int] = defaultdict(int)
    for name, n in connection.execute("SELECT log.name, count(*) FROM loss JOIN log ON log.id = loss.log GROUP BY 1"):
        counts[station_of(name)] += n
    return counts


def _report(state: str) -> StationState | None:
    """Read what a station said; None for what a later release understands, perhaps."""
    try:
        return decode_state(state.encode())
    except BadInput:
        return None
