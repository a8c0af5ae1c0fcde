"""What a station costs at rest: memory with the whole catalogue held, and the time from start to ready."""

from __future__ import annotations

import asyncio
import sys
import time

from bench import machine
from bench.figures import Better, Figure, Floor, Limit, middle
from bench.store import Station
from bench.workbench import Workbench

SETTLE_S = 3.0
"""How long nothing happens before memory is looked at: the first word to the hub and its answer are over by then."""
_BARE = "import asyncio, apsw, msgspec, zstandard, aiomqtt, starlette, uvicorn; print(1, flush=True); input()"
_PART = "station at rest"
_FLOOR = "Python with the same libraries, nothing else"
_MEMORY = Limit(60.0, "60 MB with 100,000 items")


async def measure(bench: Workbench, station: Station) -> list[Figure]:
    """Look at a running station that has just got its catalogue, then start it anew a few times."""
    await asyncio.sleep(SETTLE_S)
    after_snapshot, peak = machine.rss_mb(station.pid), machine.peak_rss_mb(station.pid)
    ready: list[float] = []
    rested: list[float] = []
    bare_ready: list[float] = []
    bare_rss: list[float] = []
    for _ in range(bench.rounds):
        await station.process.stop()
        ready.append(await station.start())
        await asyncio.sleep(SETTLE_S)
        rested.append(machine.rss_mb(station.pid))
        took_s, rss = await _bare()
        bare_ready.append(took_s)
        bare_rss.append(rss)
    memory = Floor(_FLOOR, middle(bare_rss))
    return [
        _figure("start to ready", "s", ready, Floor(_FLOOR, middle(bare_ready)), Limit(2.0, "2 s")),
        _figure("memory (RSS) after a start", "MB", rested, memory, _MEMORY),
        _figure("memory (RSS) after taking in the snapshot", "MB", [after_snapshot], memory, _MEMORY),
        _figure("memory (RSS), most while taking in the snapshot", "MB", [peak], memory),
    ]


async def _bare() -> tuple[float, float]:
    """Start a bare Python; give the seconds until it has imported everything, and its memory."""
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _BARE, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdin is not None
    await process.stdout.readline()
    taken = time.perf_counter() - began
    rss = machine.rss_mb(process.pid)
    process.stdin.write(b"\n")
    process.stdin.close()
    await process.wait()
    return taken, rss


def _figure(what: str, unit: str, rounds: list[float], floor: Floor, limit: Limit | None = None) -> Figure:
    return Figure(
        part=_PART,
        what=what,
        unit=unit,
        value=middle(rounds),
        better=Better.LESS,
        rounds=tuple(rounds),
        floor=floor,
        limit=limit,
    )
