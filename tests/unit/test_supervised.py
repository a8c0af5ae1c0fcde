"""What systemd is told, heard at a socket as it would be."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from shelfwire.supervised import Supervisor, supervisor_in, watched

DEADLINE_S = 30.0


class Manager:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self._socket.setblocking(False)

    def close(self) -> None:
        self._socket.close()

    def heard(self) -> list[str]:
        """Everything said until now."""
        words = []
        while True:
            try:
                words.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return words

    async def next(self) -> str:
        async with asyncio.timeout(DEADLINE_S):
            return (await asyncio.get_running_loop().sock_recv(self._socket, 4096)).decode()


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    manager = Manager(str(tmp_path / "notify") if request.param == "path" else f"@shelfwire-{tmp_path}")
    yield manager
    manager.close()


async def _at_once() -> None:
    return


async def test_it_is_told_ready_then_alive_then_stopping(manager: Manager) -> None:
    supervisor, stopping = Supervisor(manager.address, watchdog_s=0.03), asyncio.Event()

    async def work() -> None:
        supervisor.ready("ready to scan\nas till-3")
        assert await manager.next() == "READY=1\nSTATUS=ready to scan as till-3"
        assert [await manager.next(), await manager.next()] == ["WATCHDOG=1"] * 2
        stopping.set()
        while (word := await manager.next()) == "WATCHDOG=1":
            pass
        assert word == "STOPPING=1\nSTATUS=stopping"

    await watched(work(), supervisor, stopping, _at_once)


async def test_no_life_is_shown_while_a_thread_does_not_answer(manager: Manager) -> None:
    supervisor, answered = Supervisor(manager.address, watchdog_s=0.03), 0
    hanging, hangs = asyncio.Event(), asyncio.Event()

    async def answers() -> None:
        nonlocal answered
        answered += 1
        if answered > 2:
            hanging.set()
            await hangs.wait()

    async def work() -> None:
        assert [await manager.next(), await manager.next()] == ["WATCHDOG=1"] * 2
        async with asyncio.timeout(DEADLINE_S):
            await hanging.wait()
        await asyncio.sleep(0.2)  # several times the watchdog's share
        assert manager.heard() == []
        hangs.set()
        assert await manager.next() == "WATCHDOG=1"

    await watched(work(), supervisor, asyncio.Event(), answers)


async def test_no_life_is_shown_for_a_thread_that_died(manager: Manager) -> None:
    supervisor, asked = Supervisor(manager.address, watchdog_s=0.03), asyncio.Event()

    async def answers() -> None:
        if asked.is_set():
            return
        asked.set()
        raise OSError("the log's thread died")

    async def work() -> None:
        await asked.wait()
        assert manager.heard() == []
        assert await manager.next() == "WATCHDOG=1"

    await watched(work(), supervisor, asyncio.Event(), answers)


async def test_nothing_is_said_where_nobody_asked_and_what_fails_is_raised() -> None:
    async def work() -> None:
        raise OSError("the disk")

    with pytest.raises(OSError, match="the disk"):
        await watched(work(), supervisor_in({}, 1), asyncio.Event(), _at_once)


async def test_a_manager_that_is_gone_stops_no_work(tmp_path: Path) -> None:
    supervisor = Supervisor(str(tmp_path / "nobody"))
    supervisor.ready("ready")
    supervisor.alive()


def test_the_environment_says_who_listens_and_for_how_long_he_waits() -> None:
    told = {"NOTIFY_SOCKET": "/run/systemd/notify", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}
    assert supervisor_in(told, 7) == Supervisor("/run/systemd/notify", 30.0)
    assert supervisor_in(told, 8) == Supervisor("/run/systemd/notify", None)
    assert supervisor_in({"NOTIFY_SOCKET": "@abstract"}, 8) == Supervisor("@abstract", None)
    assert supervisor_in({"NOTIFY_SOCKET": "not/absolute", "WATCHDOG_USEC": "1"}, 8) == Supervisor()
    assert supervisor_in({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "soon"}, 8) == Supervisor("/x", None)
