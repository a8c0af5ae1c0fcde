"""One scan at a time through a real store: when the scanner hears that it is durable, and when the hub has it.

    scanner (a pty) ─> agent ─> its disk ─> ACK to the scanner                      "durable"
                            └─> mosquitto ─> hub ─> its disk ─> cursor ─> mosquitto  "acknowledged"

A bystander subscribed to the station's cursor hears it when the station does: it is one message to both. It does
nothing else while a scan is under way, since every process that wakes then takes one of few processors; which cursor
was for which scan is found out from the hub's books afterwards.
"""

from __future__ import annotations

import asyncio
import random
import time

from bench import floors, shop
from bench.figures import Better, Figure, Floor, Limit, percentile
from bench.store import Bystander, Station, Store, seq_of
from bench.workbench import Workbench
from protocol.topics import Channel
from shelfwire.simulators.port import SimulatedPort
from shelfwire.simulators.scanner import ACK

SCANS = 1_000
_WARM_UP = 50
_SCAN_S = 10.0
_PART = "one scan"


async def measure(bench: Workbench, store: Store, station: Station, scanner: SimulatedPort) -> list[Figure]:
    """Scan, wait until the hub has it, wait a moment, and scan again; the floors alternate with the scans."""
    durable: list[float] = []
    began: list[float] = []
    cursors: list[tuple[int, float]] = []
    commits: list[float] = []
    round_trips: list[float] = []
    draw = random.Random(5)
    folder = bench.fresh("scan-floor")
    line = next(iter(shop.backlog(2)))
    with floors.Echo(store.port, in_flight=20) as echo, floors.Commits(folder / "apsw.db") as bare:
        async with store.listening(store.topic(station.name, Channel.CURSOR)) as bystander:
            for number in range(_WARM_UP + bench.size(SCANS)):
                code = shop.gtin(draw.randrange(bench.size(shop.ITEMS)))
                async with asyncio.timeout(_SCAN_S):
                    began_s, said_s = await scan(scanner, code)
                    cursors += await until_acked(bystander, cursors[-1][0] if cursors else 0)
                commit_s = bare.commit_s(line)
                there_and_back_s = echo.round_trip_s(line) + echo.round_trip_s(line)
                began.append(began_s)
                if number >= _WARM_UP:
                    durable.append((said_s - began_s) * 1000)
                    commits.append(commit_s * 1000)
                    round_trips.append(there_and_back_s * 1000)
                await asyncio.sleep(draw.uniform(0.0, 0.01))
            seqs = await store.sold(station.name, len(began))
            # An anchor or a mark may have been what a cursor told of.
            async with asyncio.timeout(_SCAN_S):
                while cursors[-1][0] < seqs[-1]:
                    cursors += await until_acked(bystander, cursors[-1][0])
    if await station.unacked():
        raise RuntimeError("the station does not know that the hub has it all")
    acked = [(told_s(cursors, seq) - at) * 1000 for seq, at in zip(seqs, began, strict=True)][_WARM_UP:]
    sync_ms = percentile(commits, 0.5)
    bare_ack = [2 * commit + trip for commit, trip in zip(commits, round_trips, strict=True)]
    slow_ms = percentile(commits, 0.99)
    durable_limit = Limit(2 * sync_ms + 2, f"2 syncs ({sync_ms:.2f} ms each) + 2 ms")
    slow_limit = Limit(2 * slow_ms + 2, f"2 syncs ({slow_ms:.2f} ms each, their p99) + 2 ms")
    commit_floor, ack_floor = "bare apsw commit, one sync", "raw MQTT there and back, a bare commit at each end"
    return [
        _figure("scan to durable (ACK at the scanner), p50", durable, 0.5, commits, commit_floor),
        _figure("scan to durable (ACK at the scanner), p99", durable, 0.99, commits, commit_floor, durable_limit),
        _figure("the same, held against syncs as slow", durable, 0.99, commits, commit_floor, slow_limit),
        _figure(
            "scan to acknowledged by the hub, p50", acked, 0.5, bare_ack, ack_floor, Limit(3.0, "3 ms on loopback")
        ),
        _figure("scan to acknowledged by the hub, p99", acked, 0.99, bare_ack, ack_floor),
    ]


async def scan(scanner: SimulatedPort, code: str) -> tuple[float, float]:
    """Scan a code; give the moments before its first byte was written and of the ACK."""
    began = time.perf_counter()
    await scanner.send(f"]E0{code}\r".encode())
    answer = await scanner.receive()
    durable = time.perf_counter()
    if answer != bytes([ACK]):
        raise RuntimeError(f"the station answered {answer!r}")
    return began, durable


async def until_acked(bystander: Bystander, seq: int) -> list[tuple[int, float]]:
    """Read cursors until one is beyond `seq`; give the seq of each, and the moment it came."""
    found: list[tuple[int, float]] = []
    while not found or found[-1][0] <= seq:
        heard = await bystander.hear()
        found.append((seq_of(heard.payload) or 0, heard.at))
    return found


def told_s(cursors: list[tuple[int, float]], seq: int) -> float:
    return next(at for reached, at in cursors if reached >= seq)


def _figure(
    what: str, taken_ms: list[float], share: float, bare_ms: list[float], bare: str, limit: Limit | None = None
) -> Figure:
    return Figure(
        part=_PART,
        what=what,
        unit="ms",
        value=percentile(taken_ms, share),
        better=Better.LESS,
        floor=Floor(f"{bare}, {'p50' if share == 0.5 else 'p99'}", percentile(bare_ms, share)),
        limit=limit,
    )
