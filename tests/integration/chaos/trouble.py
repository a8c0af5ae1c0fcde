"""A shop whose network, processes and disks are not to be relied on, and the troubles that can befall it."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from edge.agent import STOCK_FILE
from shelfwire.demo.ports import free_ports
from shelfwire.demo.processes import Process
from tests.integration.chaos.proxy import BadNetwork
from tests.integration.store.shop import Shop
from tests.integration.store.station_process import StationProcess

LONGEST_S = 0.6


class TroubledShop(Shop):
    """A shop whose stations and hub each reach the broker through a network of their own (`networks`, by name)."""

    def __init__(self, folder: Path, stations: Mapping[str, str]) -> None:
        names = [*stations, "hub"]
        ports = dict(zip(names, free_ports(len(names)), strict=True))
        super().__init__(folder, stations, ports)
        self.networks = {name: BadNetwork(port, self.broker_port) for name, port in ports.items()}
        self._persistence = folder / "broker"
        self._persistence.mkdir()
        config = folder / "broker.conf"
        persistent = f"persistence true\npersistence_location {self._persistence}/\nautosave_interval 1"
        config.write_text(config.read_text().replace("persistence false", persistent))
        self._networks_open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for network in self.networks.values():
            await self._networks_open.enter_async_context(network)
        return await super().__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, trace)
        await self._networks_open.aclose()

    def all_fine(self) -> None:
        """Mend every network."""
        for network in self.networks.values():
            network.fine()

    async def lose_broker(self) -> None:
        """Kill the broker, forget all that it kept, start it."""
        await self.broker.kill()
        shutil.rmtree(self._persistence)
        self._persistence.mkdir()
        await self.start(self.broker)

    async def restore_hub(self, copy: Path) -> None:
        """Kill the hub, put an old copy in the place of its data, start it."""
        await self.hub.process.kill()
        self.hub.bring_back(copy)
        await self.start(self.hub.process)

    async def back_up_hub(self, to: Path) -> None:
        """Copy the hub's data, as of a hub that is down for it."""
        await self.hub.process.stop()
        self.hub.keep_copy(to)
        await self.start(self.hub.process)


Trouble = Callable[[TroubledShop, random.Random], Awaitable[None]]


def _network(shop: TroubledShop, dice: random.Random) -> BadNetwork:
    return shop.networks[dice.choice(sorted(shop.networks))]


async def _for_a_while(network: BadNetwork, dice: random.Random) -> None:
    # How long trouble lasts is part of the trouble: nothing is waited for here.
    await asyncio.sleep(dice.uniform(0, LONGEST_S))
    network.fine()


async def delayed(shop: TroubledShop, dice: random.Random) -> None:
    network = _network(shop, dice)
    network.delay(dice.choice([0.05, 0.3]))
    await _for_a_while(network, dice)


async def cut_off(shop: TroubledShop, dice: random.Random) -> None:
    network = _network(shop, dice)
    network.refuse()
    await _for_a_while(network, dice)


async def cut(shop: TroubledShop, dice: random.Random) -> None:
    _network(shop, dice).cut()


async def halved(shop: TroubledShop, dice: random.Random) -> None:
    network = _network(shop, dice)
    network.throttle(dice.choice([200_000, 40_000, 5_000]))
    network.halve()
    await _for_a_while(network, dice)


async def reset_mid_batch(shop: TroubledShop, dice: random.Random) -> None:
    network = _network(shop, dice)
    network.reset_after(dice.choice([1, 50, 300, 1000, 5000]))
    await _for_a_while(network, dice)


async def swallowed(shop: TroubledShop, dice: random.Random) -> None:
    network = _network(shop, dice)
    network.blackhole()
    if dice.random() < 0.5:
        network.cut()
    await _for_a_while(network, dice)


async def killed(shop: TroubledShop, dice: random.Random) -> None:
    mortals: Sequence[Process] = [shop.hub.process, shop.broker, *(s.process for s in shop.stations.values())]
    for victim in dice.sample(list(mortals), k=dice.choice([1, 1, 2, 3])):
        await victim.kill()
    await asyncio.sleep(dice.uniform(0, LONGEST_S / 2))
    for victim in mortals:
        if not victim.alive:
            await shop.start(victim)


async def broker_forgets(shop: TroubledShop, _dice: random.Random) -> None:
    await shop.lose_broker()


async def hub_rewinds(shop: TroubledShop, dice: random.Random) -> None:
    """The hub's file is replaced by an older one; the first time it is copied."""
    copy = shop.folder / "hub-copy"
    if copy.exists() and dice.random() < 0.7:
        await shop.restore_hub(copy)
    else:
        shutil.rmtree(copy, ignore_errors=True)
        await shop.back_up_hub(copy)


TROUBLES: Mapping[str, Trouble] = {
    one.__name__: one
    for one in (
        delayed,
        cut_off,
        cut,
        halved,
        reset_mid_batch,
        swallowed,
        killed,
        broker_forgets,
        hub_rewinds,
    )
}


# What befalls a card whose agent does not run


def deleted(station: StationProcess, _dice: random.Random) -> None:
    (station.data / STOCK_FILE).unlink()


def truncated(station: StationProcess, dice: random.Random) -> None:
    file = station.data / STOCK_FILE
    with file.open("r+b") as opened:
        opened.truncate(dice.randrange(file.stat().st_size))


def bits_flipped(station: StationProcess, dice: random.Random) -> None:
    """In the file, or in its write-ahead log; where a newer image of the page exists, that does no harm."""
    file = station.data / dice.choice([STOCK_FILE, f"{STOCK_FILE}-wal"])
    data = bytearray(file.read_bytes())
    for _ in range(dice.choice([1, 8])):
        page = dice.randrange(len(data) // 4096)
        data[page * 4096 + dice.randrange(4096)] ^= 1 << dice.randrange(8)
    file.write_bytes(data)


def wal_gone(station: StationProcess, _dice: random.Random) -> None:
    (station.data / f"{STOCK_FILE}-wal").unlink(missing_ok=True)


def emptied(station: StationProcess, _dice: random.Random) -> None:
    """A new card for the station of this name: what a re-enrolled one begins with."""
    shutil.rmtree(station.data)


DAMAGES: Mapping[str, Callable[[StationProcess, random.Random], None]] = {
    one.__name__: one for one in (deleted, truncated, bits_flipped, wal_gone, emptied)
}
