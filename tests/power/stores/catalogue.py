"""The station's copy of the catalogue: each step brings prices and a few goods gone, or all goods anew.

What was acknowledged are positions in the catalogue log; rows and hash must be those of the position that is found.
"""

from __future__ import annotations

import asyncio
import random

from edge.agent import only_agent
from edge.catalogue import writer
from edge.catalogue.replica import CatalogueReplica
from protocol.catalogue import CodeLink, Gone, Item, Price, PriceKind, RowKind, encode_row
from protocol.catalogue_set import CatalogueSet
from protocol.chain import Position
from protocol.identity import Epoch
from protocol.replication.ports import ReaderState
from tests.power.stores.sound import faults_of
from tests.power.subject import Found, Job, Say

EPOCH = Epoch(1, 1)
ITEMS = 60
WHOLE_EVERY = 7


def is_whole(step: int) -> bool:
    return step % WHOLE_EVERY == 1


def told(step: int) -> list[bytes]:
    """What step `step` brings."""
    if is_whole(step):
        return [
            encode_row(row)
            for n in range(ITEMS)
            for row in (Item(f"item-{n}", f"As of {step}"), CodeLink(f"{n:014d}", f"item-{n}"), price(n, step))
        ]
    dice = random.Random(step)
    changed = [encode_row(price(dice.randrange(ITEMS), step)) for _ in range(dice.choice([1, 5, 40]))]
    return [*changed, encode_row(Gone(RowKind.ITEM, f"item-{dice.randrange(ITEMS)}"))]


def price(n: int, step: int) -> Price:
    return Price(f"item-{n}", "regular-0", PriceKind.REGULAR, 1000 * n + step, "EUR")


def work(job: Job, say: Say) -> None:
    asyncio.run(follow(job, say))


async def follow(job: Job, say: Say) -> None:
    dice = random.Random(job.seed)
    # So small that the write-ahead log is folded into the file many times a turn.
    setattr(writer, "CHECKPOINT_PAGES", dice.choice([10, 100, 1000]))  # noqa: B010 - final, but for this
    folder = job.folder / "shelfwire" / "station"
    with only_agent(folder):
        async with CatalogueReplica(folder / "catalogue.db") as replica:
            step = 0 if replica.position is None else replica.position.seq
            while True:
                step += 1
                state = ReaderState(at=Position(EPOCH, step, bytes(32)))
                lines = told(step)
                if is_whole(step):
                    await replica.replace((lines[start : start + 50] for start in range(0, len(lines), 50)), state)
                else:
                    await replica.apply(step, lines, state)
                say("steps", step)


def look(job: Job) -> Found:
    return asyncio.run(found_in(job))


async def found_in(job: Job) -> Found:
    path = job.folder / "shelfwire" / "station" / "catalogue.db"
    path.parent.mkdir(parents=True, exist_ok=True)
    faults = faults_of(path)
    async with CatalogueReplica(path) as replica:
        reached = 0 if replica.position is None else replica.position.seq
        if replica.begun_anew is not None:
            faults.append(f"begun anew: {replica.begun_anew}")
        expected = CatalogueSet()
        for step in range(max(1, reached - (reached - 1) % WHOLE_EVERY), reached + 1):
            for line in told(step):
                expected.apply(line)
        if (replica.set_hash, replica.count) != (expected.hash, len(expected)):
            faults.append(f"at {reached} it says {replica.count} rows, and should {len(expected)}")
        if await replica.audit() != expected.hash:
            faults.append(f"at {reached} the rows are not those that it says")
    return Found({"steps": list(range(1, reached + 1))}, faults)
