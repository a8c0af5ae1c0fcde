"""The station log as peers are put to the test: one event after the other, and nothing else."""

from __future__ import annotations

import asyncio
import time

from edge.agent import only_agent
from tests.power.stores.sales import numbers_in, sale
from tests.power.stores.station_log import open_log
from tests.power.subject import Found, Job, Say

PAUSE_S = 0.001


def work(job: Job, say: Say) -> None:
    asyncio.run(put_all(job, say))


async def put_all(job: Job, say: Say) -> None:
    with only_agent(job.folder / "station"):
        async with open_log(job.folder / "station" / "stock.db") as log:
            number = log.view.depth
            while True:
                number += 1
                await log.append([sale(number)])
                say("events", number)
                time.sleep(PAUSE_S)  # noqa: ASYNC251 - as long as peers are given, and nothing else goes on


def look(job: Job) -> Found:
    return asyncio.run(found_in(job))


async def found_in(job: Job) -> Found:
    path = job.folder / "station" / "stock.db"
    path.parent.mkdir(exist_ok=True)
    async with open_log(path) as log:
        return Found({"events": await numbers_in(log)})
