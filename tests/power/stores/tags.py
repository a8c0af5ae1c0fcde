"""Where RFID tags are: changes in the station's log, and notes beside them that a restarted station goes on from.

A hub reads along, on a disk that keeps what it was told: after each cut it has to know of every tag what the log says.
"""

from __future__ import annotations

import asyncio
import random

from edge.agent import only_agent
from edge.buffer import tables
from edge.buffer.api import LogLimits
from edge.buffer.sqlite_log import SqliteLog
from edge.presence.notes import read_notes
from tests.power.stores.joined import joined, nonce
from tests.power.stores.sound import faults_of
from tests.power.stores.station_log import faults_at_hub, open_hub
from tests.power.subject import Found, Job, Say
from tests.unit.hub_store.shop import NOON_US, fold_all
from tests.unit.hub_store.test_tags import known
from tests.unit.presence.test_killed import Where, follow
from tests.unit.presence.world import QUIET_S, STEP_S, changes_in, steps


def open_log(job: Job) -> SqliteLog:
    folder = job.folder / "shelfwire" / "station"
    return SqliteLog(folder / "stock.db", clock=lambda: NOON_US, nonce=nonce, limits=LogLimits())


def work(job: Job, say: Say) -> None:
    asyncio.run(read_tags(job, say))


async def read_tags(job: Job, say: Say) -> None:
    tables._FOLD_WAL_PAGES = random.Random(job.seed).choice([10, 100, 1000])
    with only_agent(job.folder / "shelfwire" / "station"):
        async with open_log(job) as log, open_hub(job.scratch) as store, joined(log, store):
            # Time goes on from where it was told last, from anywhere in the shop's day to begin with.
            clock = job.scratch / "clock"
            told_s = int(clock.read_text()) if clock.exists() else 0
            async for at_s in steps(log, told_s or random.Random(job.seed).randrange(0, QUIET_S // 2, STEP_S), QUIET_S):
                # It is killed at any moment, and the time must not be lost with it.
                (job.scratch / "clock.new").write_text(str(at_s))
                (job.scratch / "clock.new").replace(clock)
                say("changes", log.view.head.seq)


def look(job: Job) -> Found:
    return asyncio.run(found_in(job))


async def found_in(job: Job) -> Found:
    path = job.folder / "shelfwire" / "station" / "stock.db"
    path.parent.mkdir(parents=True, exist_ok=True)
    faults: list[str] = []
    async with open_log(job) as log:
        changes = await changes_in(log)
        noted, bad = read_notes(log.notes())
        faults += [f"a note cannot be read: {one}" for one in bad]
        try:
            where = follow(changes)
        except AssertionError as error:
            faults.append(f"the changes do not follow from one another: {error}")
        else:
            if {one.epc.hex().upper(): (one.zone, one.present) for one in noted} != where:
                faults.append("the notes say something else than the changes")
            faults += await faults_at_hub(job, log)
            if changes:
                faults += await folded_wrong(job, where, {change.epc for change in changes})
    return Found({"changes": list(range(1, len(changes) + 1))}, faults + faults_of(path))


async def folded_wrong(job: Job, where: Where, seen: set[str]) -> list[str]:
    """Let the hub fold all it has; say of which tags of `seen` it does not know where the log says they are."""
    async with open_hub(job.scratch) as store:
        await fold_all(store)
        faults = [f"the hub's books are not those of its entries: {one}" for one in await store.rebuild()]
    tags = known(job.scratch / "hub.db")
    if tags.keys() != seen:
        faults.append(f"the log tells of {len(seen)} tags and the hub knows {len(tags)}")
    for epc, tag in tags.items():
        zone, is_present = where.get(epc, (tag.place, False))
        if (tag.place, tag.state) != (zone, "present" if is_present else "unseen"):
            faults.append(f"{epc} is at {zone} ({is_present}) by the log, and at the hub {tag.state} at {tag.place}")
    return faults
