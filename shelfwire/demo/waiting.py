"""Waiting for a condition with a deadline, and saying what was waited for when it did not come."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

LOOK_EVERY_S = 0.05


class DeadlineMissed(Exception):
    """What was waited for did not come in time."""

    def __init__(self, what: str, timeout_s: float, seen: str = "") -> None:
        super().__init__(f"waited {timeout_s:.0f} s for {what}" + (f"; last seen: {seen}" if seen else ""))


async def wait_for(
    what: str, condition: Callable[[], Awaitable[bool]], timeout_s: float, seen: Callable[[], str] = lambda: ""
) -> None:
    """Ask `condition` again and again until it holds. Raises `DeadlineMissed` with `seen`, what is known by then."""
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                if await condition():
                    return
                await asyncio.sleep(LOOK_EVERY_S)
    except TimeoutError:
        raise DeadlineMissed(what, timeout_s, seen()) from None
