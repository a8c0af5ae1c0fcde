"""Renewal in time, by a wire that takes the new key or does not, and a hub that says it is over; at a real desk."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from edge.enrol.desk import EnrolDesk
from edge.enrol.errors import NotNow
from edge.enrol.folder import IdentityFolder
from edge.enrol.moment import Moment
from edge.enrol.record import State
from edge.enrol.tending import Waits
from protocol.errors import BadInput
from protocol.identity import StationId
from protocol.identity_words import End
from tests.integration.est_server import Est
from tests.unit.edge_enrol.rig import Client, Station, certified, hub, invited, now_us

QUICK = Waits(tick=0.01, renew=0.1, look=3600.0, doubt=0.3, doubt_again=0.3, fresh=0.2, old=0.2)


@pytest.fixture
async def est(tmp_path: Path) -> AsyncIterator[Est]:
    async with hub(tmp_path / "hub") as served:
        yield served


class Wire:
    """A broker that knows the keys of `known`, or everybody's."""

    def __init__(self, folder: IdentityFolder) -> None:
        self._folder = folder
        self.known: set[bytes] | None = None
        self.doubted = False
        self.dialled: list[bytes] = []
        self.redial()

    @property
    def connected(self) -> bool:
        return self.known is None or self.dialled[-1] in self.known

    def redial(self) -> None:
        key = self._folder.in_use.key
        self.dialled.append(key.read_bytes() if key.exists() else b"")


class Clock:
    def __init__(self) -> None:
        self.ahead_us = 0

    def __call__(self) -> int:
        return now_us() + self.ahead_us


class At:
    """A desk at work."""

    def __init__(self, data_dir: Path) -> None:
        station = Station(data_dir)
        self.clock = Clock()
        self.folder = IdentityFolder(data_dir)
        moment = Moment(self.folder.path / "floor", 0, self.clock)
        self.desk = EnrolDesk(self.folder, moment, lambda host, port: Client(host, port, moment, station), QUICK)

    async def until(self, state: State) -> None:
        async with asyncio.timeout(45):
            while self.desk.standing.state is not state:  # noqa: ASYNC110 - it has no event for each
                await asyncio.sleep(0.01)


@asynccontextmanager
async def at_work(data_dir: Path) -> AsyncIterator[tuple[At, Wire]]:
    at = At(data_dir)
    async with at.desk:
        wire = Wire(at.folder)
        running = asyncio.create_task(at.desk.run(wire))
        try:
            yield at, wire
        finally:
            running.cancel()
            await asyncio.wait([running])
            assert running.cancelled()


async def enrolled(at: At, est: Est) -> None:
    await at.desk.offer(await invited(est))
    async with asyncio.timeout(45):
        await at.desk.turned.wait()
    assert at.desk.take_up().state(now_us()) is State.ENROLLED


async def test_one_that_is_enrolled_takes_no_other_invitation(est: Est, tmp_path: Path) -> None:
    async with at_work(tmp_path / "data") as (at, _):
        await enrolled(at, est)
        with pytest.raises(NotNow, match="at till-3, and enrolled"):
            await at.desk.offer(await invited(est, "till-4"))


async def test_an_invitation_scanned_again_while_it_is_followed_is_no_other_one(est: Est, tmp_path: Path) -> None:
    """The desk of a process that was started in the middle does not know that it is the one it follows."""
    digits = await invited(est)
    begun = await asyncio.to_thread(Station(tmp_path / "data").start)
    await asyncio.to_thread(begun.folder.begin, digits)
    async with at_work(tmp_path / "data") as (at, _):
        async with asyncio.timeout(45):
            while at.desk.standing.step == "":  # noqa: ASYNC110 - it has no event for each
                await asyncio.sleep(0)
        with contextlib.suppress(NotNow):
            await at.desk.offer(digits)
        await at.until(State.ENROLLED)
        held = at.folder.record.held
        assert held is not None
        assert ([one.serial for one in certified(est)], at.folder.record.refused) == ([held.serial], "")


async def test_what_is_mistyped_is_said_and_changes_nothing(est: Est, tmp_path: Path) -> None:
    digits = await invited(est)
    async with at_work(tmp_path / "data") as (at, _):
        with pytest.raises(BadInput, match="row 1"):
            await at.desk.offer(digits[:19] + str((int(digits[19]) + 1) % 10) + digits[20:])
        assert at.desk.standing.state is State.NONE


async def test_at_two_thirds_a_new_key_is_made_and_settled_once_it_has_connected(est: Est, tmp_path: Path) -> None:
    async with at_work(tmp_path / "data") as (at, wire):
        await enrolled(at, est)
        wire.redial()
        old = wire.dialled[-1]
        wire.known = {old}
        at.clock.ahead_us = 40 * 86_400_000_000
        await at.until(State.RENEWING)
        async with asyncio.timeout(45):
            while len(certified(est)) < 2 or wire.dialled[-1] == old:  # noqa: ASYNC110 - see above
                await asyncio.sleep(0.01)
        new = wire.dialled[-1]
        # The broker does not know the new one yet: the old is used again, and the new one tried later.
        async with asyncio.timeout(45):
            while wire.dialled[-1] != old:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert at.desk.standing.state is State.RENEWING
        at.clock.ahead_us = 0
        wire.known = {new}
        await at.until(State.ENROLLED)
        await at.desk.in_thread(lambda: None)  # what it still does about it
        assert wire.dialled[-1] == new == at.folder.in_use.key.read_bytes()
        assert len([each for each in at.folder.path.iterdir() if each.name.isdigit()]) == 1


async def test_a_broker_that_will_not_have_us_makes_us_ask_and_hear_that_it_is_over(est: Est, tmp_path: Path) -> None:
    async with at_work(tmp_path / "data") as (at, wire):
        await enrolled(at, est)
        await est.shop.desk.end(StationId(certified(est)[0].identity), End.RETIRED, "ann", "broken")
        await asyncio.sleep(0.1)
        assert at.desk.standing.state is State.ENROLLED, "nobody doubts"
        wire.doubted = True
        await at.until(State.ENDED)
        async with asyncio.timeout(45):
            await at.desk.turned.wait()
        assert "retired" in at.desk.standing.words
        await at.desk.offer(await invited(est, "till-4"))
        await at.until(State.ENROLLED)
        assert at.desk.standing.position == "till-4"


async def test_expired_it_takes_a_new_invitation_and_is_the_same_again(est: Est, tmp_path: Path) -> None:
    async with at_work(tmp_path / "data") as (at, wire):
        await enrolled(at, est)
        wire.known = set()
        at.clock.ahead_us = 61 * 86_400_000_000
        await at.until(State.EXPIRED)
        identity = at.desk.standing.identity
        assert at.desk.record.named is not None, "it goes on taking scans into its log"
        at.clock.ahead_us = 0
        at.folder.end("its certificate ran out")  # as nobody's clock can be moved for OpenSSL
        await at.desk.offer(await invited(est, again=StationId(identity)))
        await at.until(State.ENROLLED)
        assert at.desk.standing.identity == identity
