"""Files that are no whole export of a station's log, and how much memory it takes to find out."""

from __future__ import annotations

import asyncio
import os
import tracemalloc
from contextlib import suppress
from pathlib import Path

import pytest
import zstandard

from edge.buffer.memory_log import MemoryLog
from hub.errors import BadInput
from hub.store.station_files import StationFile
from tests.unit.hub_wire.carried import (
    Hub,
    concatenated,
    file_of,
    refusal,
    sales,
    taken,
)


@pytest.mark.parametrize("packed", [False, True])
async def test_a_damaged_file_is_refused_and_nothing_of_it_counts(
    hub: Hub, till: MemoryLog, tmp_path: Path, packed: bool
) -> None:
    await till.append(sales(1, 5))
    good = (await file_of(till, tmp_path / "good.jsonl")).read_bytes()
    lines = good.splitlines()
    broken = {
        "cut-off": good[:-50],
        "cut-off ": concatenated(lines[:-1]),
        "cut-off  ": good[:-1],
        "out-of-order": concatenated([lines[0], lines[2], lines[1], *lines[3:]]),
        "miscounted": concatenated([*lines[:-2], lines[-1]]),
        "chain-broken": good.replace(b"-1000", b"-2000", 1),
        "altered": good.replace(b"till-1", b"till-2", 1),
        "trailing-data": good + b"{}\n",
        "not-a-station-log": b"item,name,unit\n",
        "wrong-store": good.replace(b"oak-street", b"elm-street", 1),
        "future-version": good.replace(b'"v":1', b'"v":9', 1),
        "bad-log": good.replace(b'"station":"till-1"', b'"station":"hub"', 1),
        "bad-record": good[:-1] + b"x" * 1_100_000,
    }
    bad = tmp_path / "bad"
    for name, data in broken.items():
        bad.write_bytes(zstandard.ZstdCompressor().compress(data) if packed else data)
        found = (await refusal(hub, bad)).name
        assert found == name.strip() or (name == "bad-record" and found in ("trailing-data", "cut-off"))
    assert await hub.store.stations() == ()
    bad.write_bytes(zstandard.ZstdCompressor().compress(good) if packed else good)
    assert (await taken(hub, bad)).new == 5


async def test_a_compressed_file_that_is_damaged_is_refused(hub: Hub, till: MemoryLog, tmp_path: Path) -> None:
    await till.append(sales(1, 500))
    good = (await file_of(till, tmp_path / "good.jsonl")).read_bytes()
    packed = zstandard.ZstdCompressor(write_checksum=True).compress(good)
    bad = tmp_path / "bad.zst"
    for at in range(0, len(packed), max(1, len(packed) // 60)):
        bad.write_bytes(packed[:at] + bytes([packed[at] ^ 0x10]) + packed[at + 1 :])
        with suppress(BadInput):
            await hub.carrier.carry_in(bad, dry_run=True)
            pytest.fail(f"a flipped bit at {at} was not noticed")
        bad.write_bytes(packed[:at])
        await refusal(hub, bad)
    # A few kilobytes that unfold to gigabytes of one line.
    bad.write_bytes(zstandard.ZstdCompressor().compress(b"x" * 50_000_000))
    assert (await refusal(hub, bad)).name in ("bad-record", "not-a-station-log")


async def test_what_is_no_plain_file_is_refused_at_once(hub: Hub, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "pipe", tmp_path / "loop", tmp_path / "folder", Path("/dev/zero"), tmp_path / "absent"):
        async with asyncio.timeout(60):
            assert (await refusal(hub, path)).name == "no-file"


async def proved_in_bytes(till: MemoryLog, path: Path, up_to: int) -> int:
    """Let the till sell up to `up_to` pieces in all, and tell the most memory that proving its file takes."""
    sold = till.view.head.seq
    for first in range(sold + 1, up_to + 1, 5_000):
        await till.append(sales(first, min(first + 4_999, up_to)))
    with StationFile(await file_of(till, path)) as file:
        tracemalloc.start()
        try:
            assert file.check(()).marks
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


async def test_a_file_is_proved_in_the_same_memory_however_long_it_is(till: MemoryLog, tmp_path: Path) -> None:
    short = await proved_in_bytes(till, tmp_path / "short.jsonl", 2_000)
    long = await proved_in_bytes(till, tmp_path / "long.jsonl", 10_000)
    assert long < short + 100_000 < 1_500_000


@pytest.mark.torture
async def test_a_hundred_thousand_entries_are_taken_whole(hub: Hub, till: MemoryLog, tmp_path: Path) -> None:
    assert await proved_in_bytes(till, tmp_path / "log.jsonl", 100_000) < 1_500_000
    took = await taken(hub, tmp_path / "log.jsonl")
    assert (took.new, took.held_back) == (100_000, 100_000)
    assert [line for _, _, line in await hub.lines()] == sales(1, 100_000)
