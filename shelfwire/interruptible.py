"""Runs a command's coroutine so that Ctrl-C ends it at once.

asyncio's own handler cancels the coroutine at its next `await` (`asyncio.Runner`), and one that reads a socket or a
file by blocking calls comes to none for as long as that takes.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")


def run(job: Coroutine[Any, Any, T]) -> T:
    """Run `job` to its end. Raises what it raises, and `KeyboardInterrupt`, after what it has open is closed."""
    before = signal.signal(signal.SIGINT, _interrupt)
    try:
        return asyncio.run(job)
    finally:
        signal.signal(signal.SIGINT, before)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
