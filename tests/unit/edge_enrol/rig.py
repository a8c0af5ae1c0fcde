"""A station's identity folder, and a real hub's desk on a TLS socket of this machine to enrol it at."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge.enrol import files
from edge.enrol import folder as folder_module
from edge.enrol.enrolment import Enrolment
from edge.enrol.est import EstClient
from edge.enrol.folder import IdentityFolder
from edge.enrol.moment import Moment
from protocol.identity_words import Certified
from protocol.invitation import read_invitation
from tests.integration.est_server import Est, served
from tests.unit.provisioning.shop import Shop


def now_us() -> int:
    return time.time_ns() // 1000


class PowerCut(BaseException):
    """The process is gone; nothing of it catches this."""


class CuttingOs:
    """`os`, but for the power going before the `at`th call of those that change a disk; counts them in `calls`."""

    CHANGING = frozenset(
        {"open", "write", "fsync", "replace", "unlink", "rmdir", "mkdir", "symlink", "fchmod", "chmod"}
    )

    def __init__(self, at: int | None = None) -> None:
        self.at = at
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in self.CHANGING:
            return real

        def call(*args: Any, **more: Any) -> Any:
            if self.at is not None and self.calls >= self.at:
                raise PowerCut(name)
            self.calls += 1
            return real(*args, **more)

        return call


@dataclass
class Station:
    """One card. `start` is the process that begins with it: only what is on the card stays."""

    data_dir: Path
    clock: Callable[[], int] = now_us
    built_us: int = 0
    answers_until: int | None = None
    """After so many answers of the hub the power goes, before anything is done with the last."""
    answers: int = 0
    steps: list[str] = field(default_factory=list)

    def start(self) -> Enrolment:
        folder = IdentityFolder(self.data_dir)
        moment = Moment(folder.path / "floor", self.built_us, self.clock)
        folder.open()
        moment.open()
        return Enrolment(folder, moment, lambda host, port: Client(host, port, moment, self))

    async def enrol(self, digits: str) -> Enrolment:
        enrolment = await asyncio.to_thread(self.start)
        await asyncio.to_thread(enrolment.folder.begin, digits)
        await asyncio.to_thread(enrolment.ask, self.steps.append)
        return enrolment


class Client(EstClient):
    """The real client; the power may go when an answer has come."""

    def __init__(self, host: str, port: int, moment: Moment, station: Station) -> None:
        super().__init__(host, port, moment, timeout_s=5.0)
        self._station = station

    def _ask(self, *args: Any, **more: Any) -> tuple[str, bytes]:
        answer = super()._ask(*args, **more)
        self._station.answers += 1
        if self._station.answers == self._station.answers_until:
            raise PowerCut("after an answer")
        return answer


@asynccontextmanager
async def hub(folder: Path) -> AsyncIterator[Est]:
    """Serve a shop's desk, whose clock is right."""
    shop = Shop()
    shop.clock.now_us = now_us()
    await asyncio.to_thread(folder.mkdir)
    async with served(shop, folder) as est:
        yield est


async def invited(est: Est, position: str = "till-3", **more: object) -> str:
    """Give the digits of an invitation to this hub."""
    return (await est.shop.invite(position, hub="127.0.0.1", port=est.port, **more)).digits


def certified(est: Est) -> list[Certified]:
    """All certificates that the hub gave."""
    return [word for word in est.shop.book.words if isinstance(word, Certified)]


def token_of(digits: str) -> str:
    return read_invitation(digits).token.hex()


def cut_power(patch: Any, at: int | None) -> CuttingOs:
    """Have the power go before the `at`th change of the disk by the identity's code."""
    cutting = CuttingOs(at)
    for module in (files, folder_module):
        patch.setattr(module, "os", cutting)
    return cutting
