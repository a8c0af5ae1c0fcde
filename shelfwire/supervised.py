"""Speaks with systemd, where systemd started us: ready, alive, stopping (sd_notify(3), the datagrams of Type=notify).

    NOTIFY_SOCKET=/run/systemd/notify     one datagram for each word: "READY=1\\nSTATUS=ready to scan"
    WATCHDOG_USEC=30000000                "WATCHDOG=1" at least so often, or systemd kills and starts us again

Nothing is said where nobody asked. A word that cannot be sent is lost: the watchdog is what notices.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

SHARE = 3
"""How often in the watchdog's time life is shown: a word may be lost."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Supervisor:
    """Whoever started us, and wants to hear of us at `address`; "" for nobody. `watchdog_s` is its patience, if any."""

    address: str = ""
    watchdog_s: float | None = None

    def ready(self, status: str) -> None:
        """Say that the work has begun."""
        self._say(f"READY=1\nSTATUS={_one_line(status)}")

    def status(self, status: str) -> None:
        """Say how it goes, in words for `systemctl status`."""
        self._say(f"STATUS={_one_line(status)}")

    def alive(self) -> None:
        """Say that all is well just now."""
        self._say("WATCHDOG=1")

    def stopping(self) -> None:
        """Say that the end has begun."""
        self._say("STOPPING=1\nSTATUS=stopping")

    def _say(self, words: str) -> None:
        if not self.address:
            return
        # A leading @ stands for the zero byte of an address in the abstract namespace (unix(7)).
        address = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as out:
                out.sendto(words.encode(), address)
        except OSError as error:
            _log.warning("supervisor not told", extra={"words": words, "error": str(error)})


def supervisor_in(environment: Mapping[str, str], pid: int) -> Supervisor:
    """Read what systemd put into our environment. A watchdog that is set for another process is not ours."""
    address = environment.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return Supervisor()
    limit = environment.get("WATCHDOG_USEC", "")
    ours = environment.get("WATCHDOG_PID", str(pid)) == str(pid)
    return Supervisor(address, int(limit) / 1e6 if ours and limit.isdigit() and int(limit) > 0 else None)


def our_supervisor() -> Supervisor:
    """Give the one that this process has."""
    return supervisor_in(os.environ, os.getpid())


async def watched(
    work: Awaitable[None], supervisor: Supervisor, stopping: asyncio.Event, answers: Callable[[], Awaitable[None]]
) -> None:
    """Do the work, showing life meanwhile: only after `answers` came back, which it does when every thread did that
    the work cannot do without. `stopping` is set when the end begins. Raises what the work raises.
    """
    telling = [asyncio.create_task(_tell_stopping(supervisor, stopping))]
    if supervisor.watchdog_s is not None:
        telling.append(asyncio.create_task(_show_life(supervisor, supervisor.watchdog_s / SHARE, answers)))
    try:
        await work
    finally:
        for task in telling:
            task.cancel()
        await asyncio.wait(telling)


async def _tell_stopping(supervisor: Supervisor, stopping: asyncio.Event) -> None:
    await stopping.wait()
    supervisor.stopping()


async def _show_life(supervisor: Supervisor, every_s: float, answers: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await answers()
        except Exception as error:  # noqa: BLE001 - whatever it is, life is not shown, and that is told
            _log.error("no sign of life", extra={"error": str(error)})
        else:
            supervisor.alive()
        await asyncio.sleep(every_s)


def _one_line(text: str) -> str:
    return " ".join(text.split())
