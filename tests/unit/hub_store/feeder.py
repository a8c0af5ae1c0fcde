"""A hub for killing: commits what two stations say and folds it, telling what is durable on standard output.

python -m tests.unit.hub_store.feeder DIRECTORY SEED
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from pathlib import Path

from hub.store.postgres import Postgres
from hub.store.reader_logs import station_log
from hub.store.store import HubStore
from protocol.catalogue import CodeLink
from protocol.decisions import Adjustment
from protocol.events import Reason, encode_entry
from protocol.identity import Epoch
from protocol.topics import Stream
from tests.stand_ins import postgres
from tests.unit.hub_store import shop as shop_module
from tests.unit.hub_store.shop import AREA, JAM, JAM_CODE, NEW_CODE, NOON_US, TEA, TEA_CODE, Station, key, shop

DECISIONS = 20


def stations() -> list[Station]:
    """Two stations with the same story in every process."""
    rng = random.Random(7)
    told: list[Station] = []
    for n in (1, 2):
        station = Station(f"till-{n}", Epoch(1, n), synced=n == 1, wall_off_us=0 if n == 1 else -7_000_000_000)
        for _ in range(600):
            match rng.randint(0, 20):
                case 0:
                    station.anchor()
                case 1:
                    station.count(rng.choice([TEA_CODE, JAM_CODE]), rng.randint(0, 90) * 1000)
                case 2:
                    station.undo(rng.randint(1, len(station.lines) + 1))
                case 3:
                    station.scan(NEW_CODE, -1000)
                case 4:
                    station.say(b"rubbish")
                case _:
                    station.scan(rng.choice([TEA_CODE, JAM_CODE]), -1000, after_s=rng.choice([1, 60, 900]))
        told.append(station)
    return told


async def feed(store: HubStore, told: list[Station], rng: random.Random) -> bool:
    """Do some of what is left, telling what is durable; say whether anything was left."""
    left = False
    for station in told:
        log = station_log(station.station, Stream.STOCK)
        at = (await store.reader_state(log)).at
        station.told = 0 if at is None else at.seq
        if station.told < len(station.lines):
            left = True
            await station.tell(store, rng.choice([1, 10, 60]))
            print("acked", log, station.told, flush=True)
    decided = store.journal.view.head.seq
    if decided < DECISIONS:
        left = True
        at_us = NOON_US + decided * 10**9
        entry = Adjustment(at_us, TEA, AREA, 1000 * decided, Reason.ADJUSTMENT, None, "ann", "")
        head = await store.journal.append([encode_entry(entry)])
        print("acked", "journal", head.seq, flush=True)
    elif decided == DECISIONS and not left:
        left = bool(await store.apply_catalogue([CodeLink(key(NEW_CODE), JAM)]))
    progress = await store.fold_some(rng.choice([1, 30, 500]))
    return left or progress.lag > 0


async def main(directory: Path, seed: int) -> None:
    rng, told = random.Random(seed), stations()
    if url := os.environ.get(postgres.HERE):
        here = Postgres(url)
        shop_module.at = lambda path: here
    async with shop(directory) as store:
        print("open", flush=True)
        while await feed(store, told, rng):
            pass
    print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
