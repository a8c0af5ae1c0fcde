"""A hub killed at any moment holds what it acknowledged, once, and folds on to the same books."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from pathlib import Path

import pytest

from hub.store.postgres import Postgres
from protocol.catalogue import CodeLink
from tests.stand_ins import postgres
from tests.unit.hub_store import shop as shop_module
from tests.unit.hub_store.feeder import feed, stations
from tests.unit.hub_store.shop import BOTH_ENGINES, JAM, NEW_CODE, assert_books_agree, key, on_hand, shop, told_stock

pytestmark = BOTH_ENGINES
DEADLINE_S = 60.0


async def run_and_kill(directory: Path, rng: random.Random) -> dict[str, int]:
    """Start a hub, kill it after a random number of acknowledgements; give the last one of each log."""
    engine = shop_module.at(directory / "hub.db")
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.unit.hub_store.feeder",
        str(directory),
        str(rng.random())[2:9],
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | ({postgres.HERE: engine.url} if isinstance(engine, Postgres) else {}),
    )
    assert child.stdout is not None
    acked: dict[str, int] = {}
    words_left = rng.randint(1, 25)
    async with asyncio.timeout(DEADLINE_S):
        async for line in child.stdout:
            word, *rest = line.decode().split()
            if word == "acked":
                acked[rest[0]] = int(rest[1])
            words_left -= 1
            if words_left == 0:
                # Not in step with the child: it has gone on meanwhile, and dies wherever it is.
                child.kill()
        await child.wait()
    return acked


@pytest.mark.parametrize("kills", [4, pytest.param(40, marks=pytest.mark.torture)])
async def test_what_was_acknowledged_is_there_and_counts_once(tmp_path: Path, kills: int) -> None:
    (tmp_path / "killed").mkdir()
    (tmp_path / "spared").mkdir()
    rng, told = random.Random(20), stations()
    acked: dict[str, int] = {}
    for _ in range(kills):
        acked |= await run_and_kill(tmp_path / "killed", rng)
        async with shop(tmp_path / "killed") as store:
            for station in told:
                log = f"s/{station.name}/stock"
                at = (await store.reader_state(log)).at
                held = 0 if at is None else at.seq
                assert held >= acked.get(log, 0)
                if at is not None:
                    assert at == station.position(held)
                    assert await store.digests(log, at.epoch, [held]) == {held: at.digest}
                    assert await store.digests(log, at.epoch, [held + 1]) == {held + 1: None}
            assert store.journal.view.head.seq >= acked.get("journal", 0)
    assert acked, "no hub lived long enough to acknowledge anything"

    async with shop(tmp_path / "spared") as store:
        while await feed(store, told, rng):
            pass
        expected = await on_hand(store)
    async with shop(tmp_path / "killed") as store:
        await store.apply_catalogue([CodeLink(key(NEW_CODE), JAM)])
        while await feed(store, told, rng):
            pass
        assert await on_hand(store) == expected
        assert await told_stock(store) == expected
        totals = await store.totals()
        assert totals.committed == totals.folded == 2 * 600 + 20
        await assert_books_agree(store)
