"""A store that syncs its file and never the folder that names it, by which the harness is proved."""

from __future__ import annotations

import os

from tests.power.subject import Found, Job, Say


def work(job: Job, say: Say) -> None:
    folder = job.folder / "events"
    folder.mkdir(exist_ok=True)
    with (folder / "events.txt").open("ab") as file:
        number = file.tell() // 8
        while True:
            number += 1
            file.write(b"%07d\n" % number)
            file.flush()
            os.fsync(file.fileno())
            say("events", number)


def look(job: Job) -> Found:
    path = job.folder / "events" / "events.txt"
    return Found({"events": [int(line) for line in path.read_text().splitlines()] if path.exists() else []})
