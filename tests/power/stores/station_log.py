"""The station log: scans from several tills at once, acknowledged, pruned, begun anew, and read by a hub meanwhile.

In half of the histories the hub reads; its own disk keeps what it was told, so that an entry sent before it was durable
would come out as a fork. In the others there is no hub, and epochs are opened wherever one may be.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from edge.agent import only_agent
from edge.buffer import tables
from edge.buffer.api import LogLimits
from edge.buffer.mending import opened
from edge.buffer.salvage import SetAside
from edge.buffer.sqlite_log import SqliteLog
from hub.store.store import HubStore
from protocol.chain import Chapter, Position
from protocol.identity import Epoch
from tests.power.stores.joined import NAME, catch_up, joined, nonce
from tests.power.stores.sales import numbers_in, sale
from tests.power.stores.sound import faults_of
from tests.power.subject import Found, Job, Say
from tests.unit.hub_store.shop import NOON_US, STORE

PAUSE_S = 0.03
"""Long enough for a cut that is to come as soon as something is told."""
DAY_US = 86_400_000_000


@asynccontextmanager
async def open_log(path: Path, limits: LogLimits | None = None, asides: Path | None = None) -> AsyncIterator[SqliteLog]:
    """Open a log as an agent does: one that it takes for damaged is set aside, which is noted in the file `asides`.

    No cut damages a log, so none of them may be.
    """

    def make() -> SqliteLog:
        return SqliteLog(path, clock=lambda: NOON_US, nonce=nonce, limits=limits)

    def tell(done: SetAside) -> None:
        if asides is None:
            raise ValueError(f"taken for damaged: {done}")
        asides.write_text(f"taken for damaged: {done}")

    async with opened(path, make, nonce, lambda: NOON_US, tell) as log:
        yield log


def asides_in(job: Job) -> Path:
    return job.scratch / "asides"


def open_hub(folder: Path) -> HubStore:
    return HubStore(folder / "hub.db", STORE, lambda: NOON_US)


def has_hub(job: Job) -> bool:
    """Say whether this history has a hub: the first turn decides."""
    mark = job.scratch / "no-hub"
    if not job.said and not (job.scratch / "hub.db").exists() and job.seed % 2:
        mark.touch()
    return not mark.exists()


def work(job: Job, say: Say) -> None:
    asyncio.run(sell(job, say))


async def sell(job: Job, say: Say) -> None:
    dice = random.Random(job.seed)
    tables._FOLD_WAL_PAGES = dice.choice([10, 100, 1000])
    limits = LogLimits(keep_bytes=dice.choice([0, 64 * 1024, 2**40]), reserve_bytes=dice.choice([0, 0, 0, 64 * 1024]))
    with only_agent(job.folder / "shelfwire" / "station"):
        async with open_log(job.folder / "shelfwire" / "station" / "stock.db", limits, asides_in(job)) as log:
            if log.view.depth:
                say("sales", log.view.depth)  # an agent that starts sends what it finds
                await asyncio.sleep(dice.choice([0, 0, PAUSE_S]))
            if has_hub(job):
                async with open_hub(job.scratch) as store, joined(log, store):
                    await at_tills(log, dice, say)
            else:
                opening = asyncio.create_task(open_epochs(log, dice, say))
                await at_tills(log, dice, say)
                opening.cancel()


async def at_tills(log: SqliteLog, dice: random.Random, say: Say) -> None:
    """Sell at several tills at once, one waiting for its green light while others are given theirs."""
    next_number = log.view.depth + 1
    epochs: set[int] = set()

    async def till() -> None:
        nonlocal next_number
        while True:
            numbers = range(next_number, next_number + dice.choice([1, 1, 1, 2, 5, 60]))
            next_number = numbers.stop
            at = await log.append([sale(n) for n in numbers], {"last": str(numbers[-1]).encode()})
            say("sales", numbers[-1])
            if at.epoch.generation not in epochs:
                epochs.add(at.epoch.generation)
                say("epochs", at.epoch.generation)

    async def prune() -> None:
        while True:
            await asyncio.sleep(0.002)
            await log.prune(NOON_US + dice.choice([0, 30 * DAY_US]))

    await asyncio.gather(prune(), *(till() for _ in range(dice.choice([1, 1, 3, 8]))))


async def open_epochs(log: SqliteLog, dice: random.Random, say: Say) -> None:
    """Be a hub that now and then has less than it acknowledged, or something else."""
    while True:
        await asyncio.sleep(dice.choice([0.001, 0.01]))
        head = log.view.head
        seq = dice.randint(0, head.seq)
        digest = (await log.digests(head.epoch, [seq]))[seq]
        if digest is None:
            continue  # pruned long ago
        base = Position(head.epoch, seq, digest)
        await log.acked(base)
        if dice.random() < 0.5:
            depth = log.view.lineage[-1].depth + seq
            await log.open_epoch(Chapter(Epoch(head.epoch.generation + 1, nonce()), base, depth))
            say("epochs", head.epoch.generation + 1)


def look(job: Job) -> Found:
    return asyncio.run(found_in(job))


async def found_in(job: Job) -> Found:
    path = job.folder / "shelfwire" / "station" / "stock.db"
    path.parent.mkdir(parents=True, exist_ok=True)
    asides = asides_in(job)
    async with open_log(path, asides=asides) as log:
        faults = [asides.read_text()] if asides.exists() else []
        view = log.view
        held = {"sales": await numbers_in(log), "epochs": list(range(1, view.head.epoch.generation + 1))}
        last = log.notes().get("last", b"0")
        if last != str(view.depth).encode():
            faults.append(f"the note of the last sale says {last!r}, but there are {view.depth}")
        if has_hub(job):
            faults += await faults_at_hub(job, log)
    return Found(held, faults + faults_of(path))


async def faults_at_hub(job: Job, log: SqliteLog) -> list[str]:
    """Let the hub read on from where it was, and see that it has each sale once."""
    async with open_hub(job.scratch) as store:
        known = (await store.reader_state(NAME)).at
        if not log.view.depth:
            # Nothing was left, or a log without entries, which may have been made just now.
            is_known = known is None or (known.seq == 0 and known.epoch == log.view.head.epoch)
            return [] if is_known else [f"the hub knows of {known} of an empty log: {log.view}"]
        await catch_up(log, store)
        totals, losses = await store.totals(), (await store.losses()).rows
        faults = [f"lost at the hub: {loss}" for loss in losses]
        if totals.committed != log.view.depth:
            faults.append(f"the hub has {totals.committed} entries of {log.view.depth}")
        if log.view.head.epoch.generation != 1:
            faults.append(f"a cut made a fork: {log.view.lineage}")
        return faults
