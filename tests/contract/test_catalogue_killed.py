"""A station killed while it takes in a catalogue opens at a state it had committed, whole and with the right hash.

Run as a program, this file is the station: it goes on from where the copy stands, and says each position once durable.
"""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import time
from pathlib import Path

from edge.catalogue.replica import CatalogueReplica
from protocol.catalogue import CodeLink, Gone, Item, Price, PriceKind, RowKind, encode_row
from protocol.catalogue_set import CatalogueSet
from protocol.chain import Position
from protocol.identity import Epoch
from protocol.replication.ports import ReaderState

ROUNDS = 8
ITEMS = 900
EPOCH = Epoch(1, 1)


def is_snapshot(step: int) -> bool:
    return step % 3 == 0


def told(step: int) -> list[bytes]:
    """Say what step `step` of the story brings: prices and a few goods gone, or all goods anew."""
    if is_snapshot(step):
        return [
            encode_row(row)
            for n in range(ITEMS)
            for row in (Item(f"item-{n}", f"As of {step}"), CodeLink(f"{n:014d}", f"item-{n}"), price(n, step))
        ]
    random_ = random.Random(step)
    changed = [encode_row(price(random_.randrange(ITEMS), step)) for _ in range(400)]
    gone = [encode_row(Gone(RowKind.ITEM, f"item-{random_.randrange(ITEMS)}")) for _ in range(20)]
    return changed + gone


def price(n: int, step: int) -> Price:
    return Price(f"item-{n}", "regular-0", PriceKind.REGULAR, 1000 * n + step, "EUR")


async def station(path: Path) -> None:
    async with CatalogueReplica(path) as replica:
        step = 0 if replica.position is None else replica.position.seq
        while True:
            step += 1
            state = ReaderState(at=Position(EPOCH, step, bytes(32)))
            lines = told(step)
            if is_snapshot(step):
                await replica.replace((lines[start : start + 500] for start in range(0, len(lines), 500)), state)
            else:
                await replica.apply(step, lines, state)
            print(step, flush=True)


def run_and_kill(path: Path, steps: int, later_s: float) -> int:
    """Let a station take some steps, and kill it in the midst of a further one; give the last it called durable."""
    command = [sys.executable, __file__, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": "."}) as child:
        assert child.stdout is not None
        said = [child.stdout.readline() for _ in range(steps)]
        time.sleep(later_s)  # the moment of the kill, which is meant to fall anywhere within a step
        child.kill()
        said += child.stdout.readlines()
    whole = [line for line in said if line.endswith("\n")]
    assert len(whole) >= steps, "the station ended by itself"
    return int(whole[-1])


async def test_after_a_kill_the_copy_is_a_state_it_had_committed(tmp_path: Path) -> None:
    moments = random.Random(7)
    path = tmp_path / "catalogue.db"
    expected = CatalogueSet()
    reached = 0
    for _ in range(ROUNDS):
        durable = await asyncio.to_thread(run_and_kill, path, moments.randint(1, 4), moments.uniform(0, 0.04))
        async with CatalogueReplica(path) as replica:
            assert replica.begun_anew is None
            assert replica.position is not None
            # What was committed may not have been said yet; what was said is there.
            assert durable <= replica.position.seq <= durable + 1
            for step in range(reached + 1, replica.position.seq + 1):
                if is_snapshot(step):
                    expected = CatalogueSet()
                for line in told(step):
                    expected.apply(line)
            reached = replica.position.seq
            assert (replica.set_hash, replica.count) == (expected.hash, len(expected))
            assert await replica.audit() == expected.hash


if __name__ == "__main__":
    asyncio.run(station(Path(sys.argv[1])))
