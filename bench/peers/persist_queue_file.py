"""persist-queue's Queue, in files, with its defaults."""

from __future__ import annotations

import persistqueue  # pyright: ignore[reportMissingImports]

from bench.peers.events import made, put_all
from tests.power.subject import Found, Job, Say


def work(job: Job, say: Say) -> None:
    queue = persistqueue.Queue(str(made(job.folder / "queue")))
    put_all(queue.put, say)


def look(job: Job) -> Found:
    queue = persistqueue.Queue(str(made(job.folder / "queue")))
    held: list[int] = []
    while True:
        try:
            held.append(queue.get(block=False))
        except persistqueue.Empty:
            return Found({"events": held})
        except Exception as error:  # noqa: BLE001 - a pickle cut short raises whatever it likes: the rest is lost
            return Found({"events": held}, [f"after {len(held)} events: {error!r}"])
