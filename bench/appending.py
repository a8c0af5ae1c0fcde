"""What the station log adds to a bare SQLite loop when entries are appended one or many at a time.

Twice: in the thread that owns the file, as the bare loop and the peers are run; and awaited by an event loop, as in a
station, where scanners are heard while the disk syncs. That costs a way there and back, whatever it leads to.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from bench import floors, shop
from bench.figures import Better, Figure, Floor, Limit, middle
from bench.power import PEERS, ROOT
from bench.workbench import RESERVE_BYTES, Workbench, nonce, station_log, utc_us
from edge.buffer.api import NO_NOTES, LogLimits
from edge.buffer.disk_queue import Append
from edge.buffer.intake import weigh
from edge.buffer.log_file import LogFile
from edge.buffer.tables import Tables
from protocol.chain import Position
from shelfwire.simulators.disk import mounted

_SIZES = ((1, 3_000), (10, 20_000), (100, 100_000), (1000, 200_000))
_SLOW_SYNC_S = 0.005
"""About what an SD card takes."""
_SLOW_COMMITS = 100
_SHARE = 0.8
_CALLERS = 16
"""Who has something to store at the same moment: scanners, tags, weights, marks, the local API."""


async def measure(bench: Workbench) -> list[Figure]:
    """Append on this disk, and on one that takes as long for a sync as an SD card; all transactions of equal size."""
    every = list(shop.backlog(bench.size(_SIZES[-1][1])))
    figures: list[Figure] = []
    for per, full in _SIZES:
        figures += await _on_this_disk(bench, every[: max(per, bench.size(full))], per)
    figures += await _by_peers(bench, every[: bench.size(_SIZES[2][1])])
    for per, _ in _SIZES:
        figures += await _on_a_slow_disk(bench, every[: max(2, bench.size(_SLOW_COMMITS) // 10) * per], per)
    return figures


async def _on_this_disk(bench: Workbench, lines: list[bytes], per: int) -> list[Figure]:
    """In its own thread; then each append awaited before the next; then with the next one offered meanwhile."""
    owned: list[float] = []
    alone: list[float] = []
    offered: list[float] = []
    bare: list[float] = []
    stdlib: list[float] = []
    handed: list[float] = []
    for _ in range(bench.rounds):
        folder = bench.fresh("append")
        owned.append(len(lines) / _owned_s(folder / "owned.db", lines, per))
        alone.append(len(lines) / await _log_s(folder / "alone.db", lines, per, 1))
        bare.append(len(lines) / floors.apsw_append_s(folder / "apsw.db", lines, per))
        offered.append(len(lines) / await _log_s(folder / "offered.db", lines, per, 2))
        stdlib.append(len(lines) / floors.stdlib_append_s(folder / "stdlib.db", lines, per))
        handed.append(len(lines) / await floors.handed_append_s(folder / "handed.db", lines, per))
    over = Floor("bare loop, apsw, each transaction handed to a thread and awaited", middle(handed))
    there = f"append, {per} per transaction, in its own thread"
    awaited = f"append, {per} per transaction, awaited"
    return [
        _figure(there, owned, _stdlib(stdlib), _promise(middle(stdlib))),
        _figure(there, owned, Floor("bare loop, apsw", middle(bare))),
        _figure(awaited, alone, over),
        _figure(awaited, alone, _stdlib(stdlib), _promise(middle(stdlib))),
        _figure(f"the same, one more offered meanwhile, {per}", offered, _stdlib(stdlib), _promise(middle(stdlib))),
    ]


async def _by_peers(bench: Workbench, lines: list[bytes]) -> list[Figure]:
    """What others' stores take, one event at a time, then with as many callers at once as a busy station has.

    Nothing where the peers are not installed (`tools/peers`).
    """
    if not PEERS.exists():
        return []
    seconds = 0.2 if bench.quick else 2.0
    process = await asyncio.create_subprocess_exec(
        str(PEERS),
        "-m",
        "bench.peers.append_rates",
        str(bench.fresh("peers")),
        str(seconds),
        str(_CALLERS),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await process.communicate()
    alone: dict[str, float]
    awaited: dict[str, float]
    together: dict[str, float]
    alone, awaited, together = json.loads(told)
    ours = len(lines) / await _log_s(bench.fresh("callers") / "log.db", lines, 1, _CALLERS, max_commit_lines=10_000)
    few = lines[: bench.size(_SIZES[0][1])]
    owned = [len(few) / _owned_s(bench.fresh("owned") / "log.db", few, 1) for _ in range(bench.rounds)]
    lone = [len(few) / await _log_s(bench.fresh("lone") / "log.db", few, 1, 1) for _ in range(bench.rounds)]
    return [
        _figure("append, 1 at a time, in its own thread", owned, limit=_ahead(alone, together)),
        *(_figure(f"append, 1 at a time, by {name}", [rate]) for name, rate in alone.items()),
        _figure("append, 1 at a time, awaited", lone, limit=_ahead(awaited, together)),
        *(
            _figure(f"append, 1 at a time, handed over and awaited, by {name}", [rate])
            for name, rate in awaited.items()
        ),
        _figure(f"append, {_CALLERS} callers at once", [ours], limit=_ahead(together, together)),
        *(_figure(f"append, {_CALLERS} callers at once, by {name}", [rate]) for name, rate in together.items()),
    ]


def _ahead(rates: dict[str, float], durable: Iterable[str]) -> Limit:
    """Those that several callers are measured at are those that lose nothing to a power cut."""
    best = max(durable, key=lambda name: rates[name])
    return Limit(rates[best], f"ahead of {best}")


async def _on_a_slow_disk(bench: Workbench, lines: list[bytes], per: int) -> list[Figure]:
    ours: list[float] = []
    bare: list[float] = []
    for _ in range(bench.rounds):
        folder = bench.fresh("append")
        with mounted() as disk:
            disk.sync_s = _SLOW_SYNC_S
            ours.append(len(lines) / await _log_s(folder / "log.db", lines, per, 1, disk.name))
            bare.append(len(lines) / floors.apsw_append_s(folder / "apsw.db", lines, per, disk.name))
    floor = Floor("bare loop, apsw, the same disk", middle(bare))
    return [_figure(f"append, {per} per transaction, syncs of 5 ms", ours, floor, _promise(middle(bare)))]


def _owned_s(path: Path, lines: list[bytes], per: int) -> float:
    """Append `per` lines at a time as the log's thread does, in this one: what it took, in seconds."""
    tables = Tables(path, reserve_bytes=RESERVE_BYTES)
    file = LogFile(tables, utc_us, nonce, LogLimits())
    unheard: asyncio.Future[Position] = asyncio.get_running_loop().create_future()
    began = time.perf_counter()
    for start in range(0, len(lines), per):
        part = tuple(lines[start : start + per])
        file.write([Append(part, NO_NOTES, weigh(part, NO_NOTES), unheard)])
        tables.tidy(idle=True)
    taken = time.perf_counter() - began
    file.close()
    return taken


async def _log_s(
    path: Path,
    lines: list[bytes],
    per: int,
    at_once: int,
    vfs: str | None = None,
    max_commit_lines: int | None = None,
) -> float:
    """Append `per` lines with each of `at_once` callers: what it took, in seconds.

    One append a transaction, unless `max_commit_lines` lets a commit take what waits, as it does in a station.
    """
    async with station_log(path, max_commit_lines=max_commit_lines or per, vfs=vfs) as log:
        starts = iter(range(0, len(lines), per))

        async def call(starts: Iterator[int]) -> None:
            for start in starts:
                await log.append(lines[start : start + per])

        began = time.perf_counter()
        await asyncio.gather(*(call(starts) for _ in range(at_once)))
        return time.perf_counter() - began


def _stdlib(rates: list[float]) -> Floor:
    return Floor("bare loop, the standard library's sqlite3", middle(rates))


def _promise(floor: float) -> Limit:
    return Limit(_SHARE * floor, "80 % of the bare loop")


def _figure(what: str, rates: list[float], floor: Floor | None = None, limit: Limit | None = None) -> Figure:
    return Figure(
        part="station log",
        what=what,
        unit="events/s",
        value=middle(rates),
        better=Better.MORE,
        rounds=tuple(rates),
        floor=floor,
        limit=limit,
    )
