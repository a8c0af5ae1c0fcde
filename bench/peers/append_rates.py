"""How many events a second peers take whose `put` stores before it returns: run by their own Python, prints JSON.

python -m bench.peers.append_rates FOLDER SECONDS CALLERS

First one caller; then CALLERS threads at once, for the one that several may call and that loses nothing. None has a
call that stores several events at once, durably; litequeue leaves its own connection's transactions to its user. Which
of them is durable at all is told by the power cuts (`bench.power`).
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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


def rate_together(put: Callable[[str], object], seconds: float, callers: int) -> float:
    """Put events in so many threads for so long; give how many a second all of them stored."""
    with ThreadPoolExecutor(callers) as pool:
        return sum(pool.map(lambda _: rate(put, seconds), range(callers)))


def main(folder: Path, seconds: float, callers: int) -> None:
    """Measure all and say it."""
    logging.disable()
    puts: dict[str, Callable[[str], object]] = {
        "persist-queue, SQLiteAckQueue": persistqueue.SQLiteAckQueue(str(made(folder / "ack"))).put,
        "persist-queue, Queue in files": persistqueue.Queue(str(made(folder / "files"))).put,
        "litequeue": litequeue.LiteQueue(made(folder / "lite") / "queue.db").put,
    }
    alone = {name: rate(put, seconds) for name, put in puts.items()}
    shared = persistqueue.SQLiteAckQueue(str(made(folder / "shared")), multithreading=True)
    together = {"persist-queue, SQLiteAckQueue": rate_together(shared.put, seconds, callers)}
    sys.stdout.write(json.dumps([alone, together]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
