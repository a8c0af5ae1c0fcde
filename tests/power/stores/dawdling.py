"""A store whose first look takes too long, by which the harness is proved."""

from __future__ import annotations

from tests.power.stores import unreadable
from tests.power.subject import Found, Job, TooSlow

work = unreadable.work


def look(job: Job) -> Found:
    mark = job.scratch / "looked"
    if not mark.exists():
        mark.touch()
        raise TooSlow("it got no further than half")
    return Found({"events": [1]})
