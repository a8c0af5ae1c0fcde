"""A hub whose PostgreSQL is killed again and again while tills sell waits for it: nothing is lost, nothing doubled."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
from functools import partial
from pathlib import Path

import pytest

from tests.integration.chaos.ending import expect_ending, held
from tests.integration.chaos.till import Till, selling
from tests.integration.store.shop import Shop
from tests.stand_ins import postgres

pytestmark = [pytest.mark.needs_mosquitto, pytest.mark.needs_postgres]

KILLS = 4
LONGEST_S = 1.5
"""How long it works between two kills, and how long it is away: part of the trouble, nothing is waited for."""
DURABLE = {"fsync": "on", "full_page_writes": "on"}
"""As Debian's is: what it acknowledges it has synced."""


async def test_what_was_answered_is_in_the_books_once(tmp_path: Path) -> None:
    seed = int(os.environ.get("SHELFWIRE_SEED") or secrets.randbits(32))
    print(f"SHELFWIRE_SEED={seed}")
    dice = random.Random(seed)
    with postgres.cluster(**DURABLE) as cluster:
        cluster.start()
        url = cluster.server.url_of(tmp_path)
        async with Shop(tmp_path, {"till-1": "sale", "till-2": "return"}) as shop:
            _keep_books_in(url, tmp_path / "hub.toml")
            await shop.open()
            tills = [Till(station, number) for number, station in enumerate(shop.stations.values(), 1)]
            async with selling(tills):
                for _ in range(KILLS):
                    before = _committed(shop, url)
                    await asyncio.sleep(dice.uniform(0, LONGEST_S))
                    cluster.kill()
                    await asyncio.sleep(dice.uniform(0, LONGEST_S))
                    await asyncio.to_thread(cluster.start)
                    await shop.until("the hub to commit again", partial(_goes_on, shop, url, before))
            await shop.until_caught_up()
            ending = await expect_ending(shop, tills, database=url)
            assert (ending.missing, ending.losses) == ([], [])
            assert cluster.recovered() == KILLS
            assert shop.hub.process.lives == 1, "the hub did not live through it"
            print(f"{sum(len(till.answered) for till in tills)} scans answered, all in the books")


def _keep_books_in(url: str, config: Path) -> None:
    with config.open("a", encoding="utf-8") as file:
        file.write(f'[database]\nurl = "{url}"\n')


def _committed(shop: Shop, url: str) -> int:
    return sum(map(len, held(shop, url).values()))


async def _goes_on(shop: Shop, url: str, before: int) -> str | None:
    return None if _committed(shop, url) > before else f"still {before} movements"
