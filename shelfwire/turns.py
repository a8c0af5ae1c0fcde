"""How soon one of a process's threads lets another have the interpreter."""

from __future__ import annotations

import sys

TURN_S = 0.0005
"""A scan passes between the event loop and the disk's thread four times, and each time the other thread may be in the
middle of a backlog. Python's own 5 ms is as long as ten syncs of a good disk."""


def take_short_turns() -> None:
    """Have threads take turns of `TURN_S`, in the whole process and for good; for one that serves."""
    sys.setswitchinterval(TURN_S)
