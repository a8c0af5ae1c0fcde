"""Long random sequences of everything that can happen to a shop's network, processes and cards, with real processes."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.integration.chaos.ending import expect_ending
from tests.integration.chaos.till import Till, selling
from tests.integration.chaos.trouble import DAMAGES, TROUBLES, TroubledShop

pytestmark = [pytest.mark.torture, pytest.mark.needs_mosquitto]

ROUNDS = 60
CARD_ROUNDS = 25


@pytest.mark.parametrize("seed", [11, 12])
async def test_trouble_of_network_and_processes(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    async with TroubledShop(tmp_path, {"till-1": "sale", "till-2": "return", "bay": "receive"}) as shop:
        await shop.open()
        tills = [Till(station, number) for number, station in enumerate(shop.stations.values(), 1)]
        came: list[str] = []
        async with selling(tills):
            while len(came) < ROUNDS:
                name = dice.choice(sorted(TROUBLES))
                came.append(name)
                await TROUBLES[name](shop, dice)
                await shop.until_up()
        shop.all_fine()
        for till in tills:
            await till.scans(1)
        await shop.until_caught_up()
        ending = await expect_ending(shop, tills)
        assert (ending.missing, ending.losses) == ([], [])
        answered = sum(len(till.answered) for till in tills)
        print(f"seed {seed}: {ROUNDS} troubles, {answered} scans answered, none lost, none doubled")


@pytest.mark.parametrize(("seed", "rewinds"), [(21, False), (22, True)])
async def test_damaged_cards_amid_other_trouble(tmp_path: Path, seed: int, rewinds: bool) -> None:
    troubles = [name for name in sorted(TROUBLES) if rewinds or name != "hub_rewinds"]
    dice = random.Random(seed)
    async with TroubledShop(tmp_path, {"till-1": "sale", "till-2": "return", "bay": "receive"}) as shop:
        await shop.open()
        tills = [Till(station, number) for number, station in enumerate(shop.stations.values(), 1)]
        # What the hub never heard of it cannot tell.
        for till in tills:
            await till.scans(1)
        await shop.until_caught_up()
        async with selling(tills):
            for _ in range(CARD_ROUNDS):
                victim = dice.choice(sorted(shop.stations))
                station = shop.stations[victim]
                await TROUBLES[dice.choice(troubles)](shop, dice)
                await shop.until_up()
                await station.process.kill()
                damage = dice.choice(sorted(DAMAGES))
                DAMAGES[damage](station, dice)
                await shop.start(station.process)
                await shop.until_up()
        shop.all_fine()
        for till in tills:
            await till.scans(1)
        await shop.until_caught_up()
        ending = await expect_ending(shop, tills, rewound=rewinds)
        answered = sum(len(till.answered) for till in tills)
        print(
            f"seed {seed}: {CARD_ROUNDS} cards damaged, {answered} scans answered, {len(ending.missing)} lost, "
            f"all told in {len(ending.losses)} records, none doubled"
        )
