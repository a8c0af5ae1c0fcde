"""How every story of trouble must end: what was answered is at the hub once, or a loss that the hub shows covers it."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from hub.app import DATABASE
from hub.store import chunks
from hub.store.epochs import station_of
from hub.web.station_models import Loss
from protocol.errors import BadInput
from protocol.events import Delta, decode_station_entry
from protocol.identity import Epoch, StationId
from tests.integration.chaos.till import Answered, Till
from tests.integration.store.shop import Shop, tally


class Missing(msgspec.Struct, frozen=True):
    """An answered scan that is not at the hub; `told` says whether a loss covers it."""

    scan: Answered
    told: bool


@dataclass(frozen=True, slots=True)
class Ending:
    """What the hub holds in the end, and what it does not."""

    moves: dict[StationId, list[Delta]]
    missing: list[Missing]
    losses: list[Loss]


_CHUNKS = """SELECT log.name, epoch.name, first, n, body FROM chunk JOIN epoch ON epoch.id = chunk.epoch
    JOIN log ON log.id = epoch.log WHERE log.name LIKE 's/%/stock' AND flag IS NULL ORDER BY chunk.id"""


def held(shop: Shop, database: str | None = None) -> dict[StationId, list[tuple[Epoch, int, Delta]]]:
    """Read every movement that the hub has committed, by station, from its file or its `database` of PostgreSQL."""
    found: dict[StationId, list[tuple[Epoch, int, Delta]]] = {}
    for log, epoch, first, n, body in _in_file(shop.hub.data / DATABASE) if database is None else _in_base(database):
        moves = found.setdefault(station_of(log), [])
        for seq, line in enumerate(chunks.unpack(body, n), first):
            try:
                entry = decode_station_entry(line)
            except BadInput as error:
                raise AssertionError(f"{log} {epoch}:{seq} is not what any station says: {error}") from error
            if isinstance(entry, Delta):
                moves.append((Epoch.parse(epoch), seq, entry))
    return found


def _in_file(path: Path) -> list[Any]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return connection.execute(_CHUNKS).fetchall()


def _in_base(url: str) -> list[Any]:
    with psycopg.connect(url) as connection:
        return connection.execute(_CHUNKS).fetchall()


async def expect_ending(
    shop: Shop, tills: Iterable[Till], *, rewound: bool = False, database: str | None = None
) -> Ending:
    """Wait until the hub's books stand, and hold them against what the tills were answered.

    Nothing is doubled, nothing is there that nobody asked for, the stock is the sum of what is there, and what is
    missing lies in a loss that page, REST and metrics show. `rewound`: the hub came back from an old copy while cards
    were damaged; then head office may know of what neither has any more, and only the hub's books are compared.
    `database`: that of a hub that keeps its books in PostgreSQL.
    """
    tills = list(tills)
    there = held(shop, database)
    pieces = Counter(abs(move.qty_milli) // 1000 for moves in there.values() for _, _, move in moves)
    doubled = [each for each, times in pieces.items() if times > 1]
    assert not doubled, f"{len(doubled)} scans are at the hub more than once, of {doubled[:5]} pieces"
    asked = set[int]().union(*(till.asked for till in tills))
    assert set(pieces) <= asked, f"nobody scanned {sorted(set(pieces) - asked)[:5]} pieces"
    losses = (await shop.hub.losses()).rows
    heard = {(station, epoch) for station, moves in there.items() for epoch, _, _ in moves}
    missing = [
        Missing(scan, _covered(scan, losses, (scan.station, scan.epoch) in heard))
        for till in tills
        for scan in till.answered
        if scan.pieces not in pieces
    ]
    silent = [one.scan for one in missing if not one.told]
    assert not silent, f"{len(silent)} of {len(missing)} lost without a word: {silent[:5]}; told: {losses}"
    if losses:
        await shop.until("the losses to be shown everywhere", partial(_shown, shop, losses))
    moves = {station: [move for _, _, move in moves] for station, moves in there.items()}
    expected = tally(move for each in moves.values() for move in each)
    if rewound:
        await shop.until("the hub's books to be exact", partial(_books, shop, expected))
    else:
        await shop.until_stock(expected)
    return Ending(moves, missing, losses)


def _covered(scan: Answered, losses: list[Loss], is_heard: bool) -> bool:
    of_log = [loss for loss in losses if loss.log == f"s/{scan.station}/stock"]
    if not is_heard and any(loss.last is None for loss in of_log):
        # Its epoch has no name at the hub; it followed one that has, of which the hub tells: wherever it ended.
        return True
    return any(
        loss.epoch == str(scan.epoch) and loss.first <= scan.seq and (loss.last is None or scan.seq <= loss.last)
        for loss in of_log
    )


async def _books(shop: Shop, expected: Counter[str]) -> str | None:
    found = {item: milli for item, milli in (await shop.hub.stock()).items() if milli}
    wanted = {item: milli for item, milli in expected.items() if milli}
    return None if found == wanted else f"{found}, wanted {wanted}"


async def _shown(shop: Shop, losses: list[Loss]) -> str | None:
    """Say where a person or a monitor does not see the losses."""
    page = (await shop.hub.page("/quarantine")).text
    for loss in losses:
        if loss.log not in page or loss.epoch not in page:
            return f"{loss} is not on the page"
    metrics = (await shop.hub.page("/metrics")).text.splitlines()
    by_station = Counter(loss.log.split("/")[1] for loss in losses)
    wanted = [f'shelfwire_station_losses_total{{station="{name}"}} {float(n)}' for name, n in by_station.items()]
    wanted.append(f"shelfwire_losses_total {float(len(losses))}")
    lacking = set(wanted) - set(metrics)
    return f"metrics lack {lacking}" if lacking else None
