"""A store that does not open again, by which the harness is proved."""

from __future__ import annotations

import time

from tests.power.subject import Found, Job, Say


def work(job: Job, say: Say) -> None:
    say("events", 1)
    while True:
        (job.folder / "file").write_bytes(b"x")
        time.sleep(0.001)


def look(job: Job) -> Found:
    raise ValueError("cannot be read")
