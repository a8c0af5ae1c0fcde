"""A process to be killed: appends to a log from several tasks and says what was answered, until it is dead.

python appender.py FILE ROUND        prints "<seq> <line>" for every line once its append returned
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from edge.buffer.api import LogLimits
from edge.buffer.sqlite_log import SqliteLog
from protocol.chain import Chapter
from protocol.identity import Epoch


async def main(path: Path, name: str) -> None:
    prunes = int(name) % 3 == 2
    limits = LogLimits(keep_bytes=0 if prunes else 2**40)
    async with SqliteLog(path, clock=lambda: 1, nonce=lambda: 2, limits=limits) as log:

        async def produce(producer: int) -> None:
            n = 0
            while True:
                n += 1
                lines = [b"%s/%d/%d/%d" % (name.encode(), producer, n, i) for i in range(1 + producer * n % 5)]
                position = await log.append(lines, {"last": lines[-1]})
                depth = log.view.lineage[-1].depth + position.seq
                for back, line in enumerate(reversed(lines)):
                    sys.stdout.write(f"{depth - back} {line.decode()}\n")
                sys.stdout.flush()

        async def prune() -> None:
            while True:
                await log.acked(log.view.head)
                await log.prune(None)

        head = log.view.head
        await log.open_epoch(Chapter(Epoch(head.epoch.generation + 1, 3), head, log.view.depth))
        await asyncio.gather(prune(), *(produce(producer) for producer in range(4)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
