"""Opens a station log whatever became of its file: one that is damaged is first set aside (`salvage`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from edge.buffer.errors import LogDamaged, LogUnusable
from edge.buffer.salvage import SetAside, mend, set_aside
from edge.buffer.sqlite_log import SqliteLog

Tell = Callable[[SetAside], None]


@asynccontextmanager
async def opened(
    path: Path, make: Callable[[], SqliteLog], nonce: Callable[[], int], clock: Callable[[], int], tell: Tell
) -> AsyncIterator[SqliteLog]:
    """Open what `make` makes on `path`; `tell` hears of a file that had to be set aside. Raises `LogUnusable`.

    `nonce` gives 64 random bits, `clock` UTC in microseconds.
    """
    stamp = datetime.fromtimestamp(clock() / 1e6, UTC).strftime("%Y%m%dT%H%M%SZ")
    try:
        done = await asyncio.to_thread(mend, path, stamp, nonce, clock)
    except OSError as error:
        raise LogUnusable(f"{path}: {error}") from error
    if done is not None:
        tell(done)
    log = make()
    try:
        await log.__aenter__()
    except LogDamaged as error:
        # Its pages are as they were written, or nobody knows; what they say cannot be.
        try:
            done = await asyncio.to_thread(set_aside, path, str(error), stamp, nonce, clock)
        except OSError as refused:
            raise LogUnusable(f"{path}: {refused}") from refused
        tell(done)
        log = make()
        await log.__aenter__()
    try:
        yield log
    finally:
        await log.__aexit__(None, None, None)
