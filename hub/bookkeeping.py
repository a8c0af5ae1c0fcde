"""Keeps the books up with what is committed: folds in the background, and steps back while much comes in.

Beside it, head office's statements are held against the feed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from hub.errors import TryAgain
from hub.store.store import HubStore

BATCH = 100_000
"""Entries folded in one transaction, unless another waits: the more, the less each costs, since an item's figures are
written once. A hundred thousand take two seconds, for which the pages show nothing new."""
SMALL_BATCH = 250
STEP_BACK_S = 0.25
"""While a backlog comes in, the books still move, a little and seldom: what is committed first cannot be lost."""
FAILED_WAIT_S = 1.0
LOOK_AGAIN_S = 5.0

_log = logging.getLogger(__name__)


async def keep_books(store: HubStore, busy: Callable[[], bool]) -> None:
    """Fold whatever is committed, until cancelled. `busy` says that commits are waiting."""
    changed = asyncio.Event()
    changed.set()
    async with asyncio.TaskGroup() as group:
        told = asyncio.Event()
        told.set()
        group.create_task(_watch(store, changed, told))
        group.create_task(_compare_statements(store, told))
        while True:
            try:
                async with asyncio.timeout(LOOK_AGAIN_S):
                    await changed.wait()
            except TimeoutError:
                pass  # Nothing was told; look all the same.
            changed.clear()
            await _fold_all(store, busy)


async def _watch(store: HubStore, changed: asyncio.Event, told: asyncio.Event) -> None:
    async for change in store.changes():
        if change.committed:
            changed.set()
        if change.folded:
            told.set()


async def _compare_statements(store: HubStore, told: asyncio.Event) -> None:
    """Compare head office's statements as soon as the feed has come to where they were made, beside the folding."""
    while True:
        await told.wait()
        told.clear()
        try:
            while await store.head_office.compare():
                pass
        except TryAgain as error:
            _log.error("statements not compared", extra={"error": str(error)})
            await asyncio.sleep(FAILED_WAIT_S)
            told.set()


async def _fold_all(store: HubStore, busy: Callable[[], bool]) -> None:
    lag = 1
    while lag > 0:
        try:
            if busy():
                await asyncio.sleep(STEP_BACK_S)
                progress = await store.fold_some(SMALL_BATCH)
            else:
                progress = await store.fold_some(BATCH)
        except TryAgain as error:
            _log.error("not folded", extra={"error": str(error)})
            await asyncio.sleep(FAILED_WAIT_S)
            continue
        lag = progress.lag
