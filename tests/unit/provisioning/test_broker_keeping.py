"""How often a broker is asked for what, while the book is spoken into."""

from __future__ import annotations

import asyncio
import itertools
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from protocol.identity import StationId
from protocol.identity_words import End, Standing
from provisioning import broker_keeping
from provisioning.authority import LIST_DAYS
from provisioning.broker_keeping import BrokerKeeper, Commands
from provisioning.broker_place import BrokerPlace
from provisioning.memory_book import MemoryBook
from tests.unit.provisioning.shop import DAY_US, STORE, Shop

AGAIN_S = 1.0


class BrokerThatObeys:
    """Takes its lists when the keeper's commands, which run a program that notes what is asked, say so."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.connections = 1
        self._done = 0
        self._taken = ""

    @property
    def asked(self) -> list[tuple[str, float]]:
        log = self.folder / "asked"
        return [(what, float(at)) for what, at in map(str.split, log.read_text().splitlines())] if log.exists() else []

    async def may_say(self, topic: str) -> bool | None:
        for what, _ in self.asked[self._done :]:
            self._done += 1
            self._taken = (self.folder / "acl").read_text()
            self.connections += what == "restart"
        return f"topic write {topic}\n" in self._taken

    def command(self, what: str) -> tuple[str, ...]:
        program = "import sys, time; open(sys.argv[1], 'a').write(f'{sys.argv[2]} {time.monotonic()}\\n')"
        return (sys.executable, "-c", program, str(self.folder / "asked"), what)


class BookThatIsAwayAtFirst(MemoryBook):
    away = 3

    async def standings(self) -> tuple[Standing, ...]:
        self.away -= 1
        if self.away >= 0:
            raise InterruptedError("the disk is full")
        return await super().standings()


async def until(asked: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not asked():  # noqa: ASYNC110  (the keeper tells nobody)
            await asyncio.sleep(0.02)


async def test_many_revocations_share_restarts_and_silence_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker_keeping, "LOOK_S", 0.02)
    monkeypatch.setattr(broker_keeping, "AGAIN_S", AGAIN_S)
    shop = Shop()
    book = BookThatIsAwayAtFirst()
    folder = tmp_path / "broker"
    folder.mkdir()
    broker = BrokerThatObeys(folder)
    place = BrokerPlace(folder, tmp_path, ("127.0.0.1",), 8883, lambda count: bytes(range(count)))
    commands = Commands(folder, broker.command("reload"), broker.command("restart"))
    keeper = BrokerKeeper(STORE, book, lambda: shop.authority, broker, place, commands, shop.clock, (InterruptedError,))
    running = asyncio.create_task(keeper.run())
    try:
        await until(keeper.is_current)
        assert keeper.list_until_us == shop.clock.now_us + LIST_DAYS * DAY_US
        names: list[StationId] = []
        for number in range(4):
            _, issued = await shop.enrolled(f"till-{number}")
            names.append(issued.standing.identity)
        for word in shop.book.words:
            await book.say(word)
        await until(lambda: keeper.is_current() and names[-1] in (folder / "acl").read_text())
        for name in names:
            ended = await shop.desk.end(name, End.REVOKED, "ann", "stolen")
            await book.say(shop.book.words[-1])
            said_s = time.monotonic()
            await until(lambda gone=ended.identity: gone not in broker._taken)  # type: ignore[misc]
            assert time.monotonic() - said_s < AGAIN_S
        await until(keeper.is_current)
    finally:
        running.cancel()
    restarts = [at for what, at in broker.asked if what == "restart"]
    assert all(later - at >= AGAIN_S * 0.9 for at, later in itertools.pairwise(restarts))
    assert broker.asked[-1][0] == "restart"
