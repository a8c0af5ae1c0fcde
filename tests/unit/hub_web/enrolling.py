"""A store's enrolment for tests, as the composition root makes it: real desk, real listener."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from hub.enrolment import Enrolment
from hub.settings import parse_settings
from hub.store.store import HubStore

SETTINGS = 'store = "oak-street"\ndata_dir = "."\n[enrolment]\naddress = "127.0.0.1"\nhost = "127.0.0.1"\nport = 0\n'


@asynccontextmanager
async def enrolling(folder: Path, store: HubStore, now_us: Callable[[], int]) -> AsyncIterator[Enrolment]:
    """Run what enrols a store's stations, by the authority in a folder, at a free port."""
    settings = parse_settings(SETTINGS, folder)
    assert settings.enrolment is not None
    enrolment = Enrolment(store, settings, settings.enrolment, now_us)
    running = asyncio.create_task(enrolment.run())
    try:
        yield enrolment
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
