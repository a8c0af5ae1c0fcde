"""An invitation without an address: hubs answer on the network, on real sockets, and only the true one is believed.

On the loopback interface alone, which takes part in multicast here as in any network.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from edge.enrol.enrolment import Enrolment
from edge.enrol.errors import Refused, Unreachable
from edge.enrol.folder import Found
from edge.enrol.record import State
from edge.enrol.seeking import by_mdns
from hub.announcing import Announcing
from protocol.identity import StationId, StoreId
from protocol.identity_words import End
from protocol.invitation import read_invitation
from tests.integration.est_server import Est, served
from tests.unit.edge_enrol.rig import Station, certified, hub, now_us
from tests.unit.provisioning.shop import Shop

LOOPBACK = ("127.0.0.1",)
ALERT = bytes([21, 3, 3, 0, 2, 2, 44])
"""A record of TLS (RFC 8446 section 6), in the clear: fatal, certificate_revoked."""
seek = partial(by_mdns, 30.0, LOOPBACK)
soon = partial(by_mdns, 1.5, LOOPBACK)


class Seeking(Station):
    """A station that looks on the loopback interface."""

    def start(self) -> Enrolment:
        enrolment = super().start()
        enrolment._seek = seek
        return enrolment


@pytest.fixture
async def est(tmp_path: Path) -> AsyncIterator[Est]:
    async with hub(tmp_path / "hub") as served:
        yield served


@asynccontextmanager
async def announcing(port: int, store: str = "oak-street") -> AsyncIterator[Announcing]:
    """Begin to answer for a port."""
    one = Announcing(StoreId(store), "127.0.0.1", port)
    running = asyncio.create_task(one.run())
    try:
        yield one
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def until_announced(one: Announcing) -> None:
    give_up_s = time.monotonic() + 30
    while one.failure and time.monotonic() < give_up_s:  # noqa: ASYNC110 - it tells nobody else
        await asyncio.sleep(0.02)
    assert not one.failure


@asynccontextmanager
async def announced(port: int) -> AsyncIterator[None]:
    """Answer for a port."""
    async with announcing(port) as one:
        await until_announced(one)
        yield


@asynccontextmanager
async def speaking(words: bytes) -> AsyncIterator[int]:
    """Somebody who is no hub, and says something in the clear; give his port."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(words)
        writer.close()

    async with await asyncio.start_server(speak, "127.0.0.1", 0) as server:
        port: int = server.sockets[0].getsockname()[1]
        yield port


async def invited(est: Est) -> str:
    return (await est.shop.invite("till-3", hub=None, port=est.port)).digits


async def test_a_hub_without_an_address_is_found(est: Est, tmp_path: Path) -> None:
    digits = await invited(est)
    assert read_invitation(digits).hub is None
    async with announced(est.port):
        enrolment = await Seeking(tmp_path / "data").enrol(digits)
    record = enrolment.folder.record
    assert (record.state(now_us()), record.host, record.port, record.sought) == (
        State.ENROLLED,
        "127.0.0.1",
        est.port,
        True,
    )


async def test_whoever_answers_falsely_is_told_nothing_and_the_next_is_asked(est: Est, tmp_path: Path) -> None:
    other = Shop()
    other.clock.now_us = now_us()
    async with AsyncExitStack() as stack:
        (tmp_path / "other").mkdir()
        thief = await stack.enter_async_context(served(other, tmp_path / "other"))
        alert = await stack.enter_async_context(speaking(ALERT))
        words = await stack.enter_async_context(speaking(b"HTTP/1.1 403 No\r\n\r\nidentity-ended: no"))
        false = (("a-thief", thief.port), ("an-alert", alert), ("words", words), ("nobody", 1))
        others = [await stack.enter_async_context(announcing(port, name)) for name, port in false]
        await asyncio.gather(*(until_announced(each) for each in others))
        station = Seeking(tmp_path / "data")
        digits = await invited(est)
        enrolment = await asyncio.to_thread(station.start)
        await asyncio.to_thread(enrolment.folder.begin, digits)
        enrolment._seek = partial(by_mdns, 2.0, LOOPBACK)
        with pytest.raises(Unreachable, match="answered and none was"):
            await asyncio.to_thread(enrolment.ask, station.steps.append)
        # It is not forgotten, and its token was told to nobody.
        assert enrolment.folder.record.state(now_us()) is State.ASKED
        assert "asking" not in station.steps
        assert not other.desk.refused
        async with announced(est.port):
            again = await asyncio.to_thread(station.start)
            await asyncio.to_thread(again.ask, station.steps.append)
    assert again.folder.record.state(now_us()) is State.ENROLLED


async def test_a_hub_that_has_moved_is_found_again_and_whoever_took_its_place_ends_nobody(
    est: Est, tmp_path: Path
) -> None:
    async with announced(est.port):
        enrolment = await Seeking(tmp_path / "data").enrol(await invited(est))
    async with AsyncExitStack() as stack:
        alert = await stack.enter_async_context(speaking(ALERT))
        enrolment.folder.moved(Found("127.0.0.1", alert))
        await until_announced(await stack.enter_async_context(announcing(alert, "a-thief")))
        enrolment._seek = soon
        with pytest.raises(Unreachable):
            await asyncio.to_thread(enrolment.look)
        assert enrolment.folder.record.ended == ""
        await stack.enter_async_context(announced(est.port))
        enrolment._seek = seek
        await asyncio.to_thread(enrolment.look)
        assert enrolment.folder.record.port == est.port
        # From there it hears what is so.
        identity = certified(est)[0].identity
        await est.shop.desk.end(StationId(identity), End.REVOKED, "ann", "stolen")
        with pytest.raises(Refused):
            await asyncio.to_thread(enrolment.look)
    assert enrolment.folder.record.state(now_us()) is State.ENDED
