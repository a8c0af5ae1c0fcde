"""An import that is killed again and again takes every entry once."""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path

import pytest

from tests.unit.hub_wire.carried import file_of, hub_at, new_log, sales

ENTRIES = 60_000
KILLS = 8


@pytest.mark.torture
async def test_an_import_that_is_killed_takes_every_entry_once(tmp_path: Path) -> None:
    async with new_log() as till:
        for first in range(1, ENTRIES + 1, 5_000):
            await till.append(sales(first, first + 4_999))
        file = await file_of(till, tmp_path / "log.jsonl")
    config = tmp_path / "hub.toml"
    config.write_text('store = "oak-street"\ndata_dir = "."\n')
    command = ("-m", "shelfwire.cli", "hub", "import", "--config", str(config), "--station-log", str(file))
    dice = random.Random(20)
    cut = 0
    for _ in range(KILLS):
        process = await asyncio.create_subprocess_exec(sys.executable, *command)
        before = await _stored(tmp_path)
        # Once it writes, so that it dies in the middle of its work and not of its start.
        while process.returncode is None and await _stored(tmp_path) == before:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.01)
        await asyncio.sleep(dice.uniform(0, 0.3))
        if process.returncode is None:
            process.kill()
            cut += 1
        await process.wait()
    assert cut > 0
    async with hub_at(tmp_path) as hub:
        took = (await hub.carrier.carry_in(file)).carried
        assert took.entries == ENTRIES
        assert [line for _, _, line in await hub.lines()] == sales(1, ENTRIES)
        assert not (await hub.store.losses()).rows
    print(f"{cut} of {KILLS} imports killed; {took.known} entries known to the last one, {took.new} new")


async def _stored(folder: Path) -> int:
    """How much the hub's file has grown to."""
    return await asyncio.to_thread(
        lambda: sum(path.stat().st_size for path in (folder / "hub.db", folder / "hub.db-wal") if path.exists())
    )
