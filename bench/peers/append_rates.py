"""How many events a second peers take whose `put` stores before it returns: run by their own Python, prints JSON.

python -m bench.peers.append_rates FOLDER SECONDS CALLERS

First one caller; then one that hands each event to a thread and awaits it, as a program must whose event loop goes on
meanwhile; then CALLERS threads at once, for the one that several may call and that loses nothing. None has a
call that stores several events at once, durably; litequeue leaves its own connection's transactions to its user. Which
of them is durable at all is told by the power cuts (`bench.power`).
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import litequeue  # pyright: ignore[reportMissingImports]
import persistqueue  # pyright: ignore[reportMissingImports]

from bench.peers.events import made

EVENT = "x" * 140
"""About as long as a sale's line."""


def rate(put: Callable[[str], object], seconds: float) -> float:
    """Put events for so long; give how many a second."""
    began = time.perf_counter()
    done = 0
    while (taken := time.perf_counter() - began) < seconds:
        put(EVENT)
        done += 1
    return done / taken


async def rate_awaited(make: Callable[[], Callable[[str], object]], seconds: float) -> float:
    """Put events for so long in a thread of their own, each handed over by an event loop and awaited."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as thread:
        put = await loop.run_in_executor(thread, make)
        began = time.perf_counter()
        done = 0
        while (taken := time.perf_counter() - began) < seconds:
            await loop.run_in_executor(thread, put, EVENT)
            done += 1
    return done / taken


def rate_together(put: Callable[[str], object], seconds: float, callers: int) -> float:
    """Put events in so many threads for so long; give how many a second all of them stored."""
    with ThreadPoolExecutor(callers) as pool:
        return sum(pool.map(lambda _: rate(put, seconds), range(callers)))


def main(folder: Path, seconds: float, callers: int) -> None:
    """Measure all and say it."""
    logging.disable()
    makes: dict[str, Callable[[Path], Callable[[str], object]]] = {
        "persist-queue, SQLiteAckQueue": lambda at: persistqueue.SQLiteAckQueue(str(at)).put,
        "persist-queue, Queue in files": lambda at: persistqueue.Queue(str(at)).put,
        "litequeue": lambda at: litequeue.LiteQueue(at / "queue.db").put,
    }
    alone, awaited = dict[str, float](), dict[str, float]()
    for number, (name, make) in enumerate(makes.items()):
        alone[name] = rate(make(made(folder / f"alone-{number}")), seconds)
        awaited[name] = asyncio.run(rate_awaited(partial(make, made(folder / f"awaited-{number}")), seconds))
    shared = persistqueue.SQLiteAckQueue(str(made(folder / "shared")), multithreading=True)
    together = {"persist-queue, SQLiteAckQueue": rate_together(shared.put, seconds, callers)}
    sys.stdout.write(json.dumps([alone, awaited, together]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
