"""Waiting for what several processes bring about, with a deadline that says what was waited for and what was seen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

SOONEST_S, LATEST_S = 0.02, 0.25
"""How soon it is looked again, at first and after a while: who is asked all the time starts no sooner for it."""


class NotInTime(AssertionError):
    """What was waited for did not come."""


async def until(
    what: str, condition: Callable[[], Awaitable[str | None]], timeout_s: float, tell: Callable[[], str] = lambda: ""
) -> None:
    """Ask `condition` until it gives None, which is when it holds; before that it says what it sees instead.

    Raises `NotInTime` with what was seen last and whatever `tell` adds, such as the logs of the processes.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    pause_s = SOONEST_S
    while True:
        seen = await condition()
        if seen is None:
            return
        if loop.time() >= deadline:
            raise NotInTime(f"waited {timeout_s:.0f} s for {what}; instead: {seen}\n{tell()}")
        await asyncio.sleep(pause_s)
        pause_s = min(1.3 * pause_s, LATEST_S)
