"""What the station log adds to a bare SQLite loop when entries are appended one or many at a time."""

from __future__ import annotations

import time
from pathlib import Path

from bench import floors, shop
from bench.figures import Better, Figure, Floor, middle
from bench.workbench import Workbench, station_log

_SIZES = ((1, 3_000), (10, 20_000), (100, 100_000), (1000, 200_000))


async def measure(bench: Workbench) -> list[Figure]:
    """Append one after the other, each awaited; the log also chains digests, keeps checkpoints and watches its room."""
    every = list(shop.backlog(bench.size(_SIZES[-1][1])))
    figures: list[Figure] = []
    for per, full in _SIZES:
        lines = every[: max(per, bench.size(full))]
        ours: list[float] = []
        bare: list[float] = []
        stdlib: list[float] = []
        for _ in range(bench.rounds):
            folder = bench.fresh("append")
            ours.append(len(lines) / await _log_s(folder / "log.db", lines, per))
            bare.append(len(lines) / floors.apsw_append_s(folder / "apsw.db", lines, per))
            stdlib.append(len(lines) / floors.stdlib_append_s(folder / "stdlib.db", lines, per))
        for name, rates in (("apsw", bare), ("the standard library's sqlite3", stdlib)):
            figures.append(
                Figure(
                    part="station log",
                    what=f"append, {per} per transaction",
                    unit="events/s",
                    value=middle(ours),
                    better=Better.MORE,
                    rounds=tuple(ours),
                    floor=Floor(f"bare loop, {name}", middle(rates)),
                )
            )
    return figures


async def _log_s(path: Path, lines: list[bytes], per: int) -> float:
    async with station_log(path) as log:
        began = time.perf_counter()
        for start in range(0, len(lines), per):
            await log.append(lines[start : start + per])
        return time.perf_counter() - began
