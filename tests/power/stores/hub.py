"""The hub's database: takes a station's log, writes its journal and folds, and says what it has to station and person.

The station's own log is on a disk that keeps everything: what the hub forgot it has to ask for again.
"""

from __future__ import annotations

import asyncio
import random

from edge.buffer.sqlite_log import SqliteLog
from hub.store import sqlite_file
from hub.store.folder import make_folder
from hub.store.store import HubStore
from protocol.decisions import Adjustment
from protocol.events import Reason, encode_entry
from protocol.replication.messages import Cursor
from tests.power.stores.joined import NAME, catch_up, joined
from tests.power.stores.sales import sale
from tests.power.stores.sound import faults_of
from tests.power.stores.station_log import PAUSE_S, open_hub, open_log
from tests.power.subject import Found, Job, Say
from tests.unit.hub_store.shop import AREA, NOON_US, TEA, catalogue

BACKLOG = 150
"""What the station always has for the hub to read."""


def work(job: Job, say: Say) -> None:
    asyncio.run(take_in(job, say))


async def take_in(job: Job, say: Say) -> None:
    dice = random.Random(job.seed)
    sqlite_file._CHECKPOINT_PAGES = dice.choice([20, 200, 8000])
    folder = job.folder / "shelfwire" / "hub"
    make_folder(folder)

    def heard(cursor: Cursor) -> None:
        if cursor.at is not None:
            say("entries", cursor.at.seq)

    async with open_log(job.scratch / "stock.db") as log, open_hub(folder) as store:
        at = (await store.reader_state(NAME)).at
        if at is not None and store.journal.view.head.seq:
            # A station that asks is told where to go on, and a page that is opened shows what there is.
            say("entries", at.seq)
            say("journal", store.journal.view.head.seq)
            await asyncio.sleep(dice.choice([0, 0, PAUSE_S]))
        await store.apply_catalogue(catalogue())
        async with joined(log, store, heard):
            await asyncio.gather(sell(log, dice), decide(store, dice, say), fold(store, dice))


async def sell(log: SqliteLog, dice: random.Random) -> None:
    """Keep the station's log ahead of the hub, now in bursts and now scan by scan."""
    while True:
        ahead = log.stats.unacked
        if ahead < BACKLOG:
            numbers = range(log.view.depth + 1, log.view.depth + 1 + dice.choice([1, 3, BACKLOG]))
            await log.append([sale(n) for n in numbers])
        else:
            await asyncio.sleep(0.001)


async def decide(store: HubStore, dice: random.Random, say: Say) -> None:
    """Be the person who adjusts stock."""
    while True:
        number = store.journal.view.head.seq + 1
        entry = Adjustment(NOON_US + number, TEA, AREA, 1000 * number, Reason.ADJUSTMENT, None, "ann", "")
        say("journal", (await store.journal.append([encode_entry(entry)])).seq)
        await asyncio.sleep(dice.choice([0, 0.005]))


async def fold(store: HubStore, dice: random.Random) -> None:
    while True:
        await store.fold_some(dice.choice([1, 30, 500]))
        await asyncio.sleep(dice.choice([0, 0.01]))


def look(job: Job) -> Found:
    return asyncio.run(found_in(job))


async def found_in(job: Job) -> Found:
    folder = job.folder / "shelfwire" / "hub"
    folder.mkdir(parents=True, exist_ok=True)
    async with open_log(job.scratch / "stock.db") as log, open_hub(folder) as store:
        at = (await store.reader_state(NAME)).at
        held = {
            "entries": list(range(1, 1 + (0 if at is None else at.seq))),
            "journal": list(range(1, 1 + store.journal.view.head.seq)),
        }
        faults: list[str] = []
        if at is not None and (await log.digests(at.epoch, [at.seq]))[at.seq] != at.digest:
            faults.append(f"at {at} the station has something else")
        if log.view.depth:
            await catch_up(log, store)
        faults += await faults_in_books(store, log)
    return Found(held, faults + faults_of(folder / "hub.db"))


async def faults_in_books(store: HubStore, log: SqliteLog) -> list[str]:
    """Fold what is left; each entry must then be in the books once."""
    await store.apply_catalogue(catalogue())
    while (await store.fold_some(1000)).lag:
        pass
    totals = await store.totals()
    faults = [f"lost: {loss}" for loss in (await store.losses()).rows]
    faults += [f"the books are wrong: {difference}" for difference in await store.rebuild()]
    expected = log.view.depth + store.journal.view.head.seq
    if not totals.committed == totals.folded == expected:
        faults.append(f"{totals.committed} entries committed, {totals.folded} folded of {expected}")
    if log.view.head.epoch.generation != 1:
        faults.append(f"a cut made a fork: {log.view.lineage}")
    return faults
