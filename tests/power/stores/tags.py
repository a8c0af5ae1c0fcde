"""Where RFID tags are: changes in the station's log, and notes beside them that a restarted station goes on from."""

from __future__ import annotations

import asyncio
import random

from edge.agent import only_agent
from edge.buffer import tables
from edge.buffer.api import LogLimits
from edge.buffer.sqlite_log import SqliteLog
from edge.presence.notes import read_notes
from tests.power.stores.joined import nonce
from tests.power.stores.sound import faults_of
from tests.power.subject import Found, Job, Say
from tests.unit.hub_store.shop import NOON_US
from tests.unit.presence.test_killed import follow
from tests.unit.presence.world import QUIET_S, STEP_S, changes_in, steps


def open_log(job: Job) -> SqliteLog:
    folder = job.folder / "shelfwire" / "station"
    return SqliteLog(folder / "stock.db", clock=lambda: NOON_US, nonce=nonce, limits=LogLimits())


def work(job: Job, say: Say) -> None:
    asyncio.run(read_tags(job, say))


async def read_tags(job: Job, say: Say) -> None:
    tables._FOLD_WAL_PAGES = random.Random(job.seed).choice([10, 100, 1000])
    with only_agent(job.folder / "shelfwire" / "station"):
        async with open_log(job) as log:
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
    return Found({"changes": list(range(1, len(changes) + 1))}, faults + faults_of(path))
