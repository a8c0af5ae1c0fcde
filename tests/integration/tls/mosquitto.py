"""A real mosquitto on the configuration that `provisioning.broker_config` writes, run as whoever runs the tests."""

from __future__ import annotations

import asyncio
import getpass
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from provisioning.broker_config import (
    CONFIG,
    PERMISSIONS,
    Listening,
    Member,
    configuration,
    store_permissions,
)
from provisioning.broker_files import write_files
from shelfwire.demo.brokers import find_mosquitto
from shelfwire.demo.ports import free_ports
from tests.integration.tls.papers import Paper, PaperMill

UP_S = 60.0


class SecureBroker:
    """`async with` starts it on 127.0.0.1 and ends it; `members` are those who may speak."""

    def __init__(
        self,
        folder: Path,
        mill: PaperMill,
        members: Sequence[Member],
        *,
        certificate: Paper | None = None,
        permissions: str | None = None,
        connections: int = 200,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (self.port,) = free_ports(1)
        own = certificate or mill.broker("127.0.0.1", "localhost")
        self.folder = folder
        self.listening = Listening(
            port=self.port,
            address="127.0.0.1",
            ca=str(mill.ca),
            certificate=str(own.chain),
            key=str(own.key),
            revoked=str(mill.crl),
            permissions=str(folder / PERMISSIONS),
            connections=connections,
            user=getpass.getuser(),
        )
        self.log = folder / "mosquitto.log"
        self._permissions = permissions if permissions is not None else store_permissions(members)
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        files = {CONFIG: configuration(self.listening).encode(), PERMISSIONS: self._permissions.encode()}
        write_files(self.folder, files)
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start it and wait until it listens."""
        program = find_mosquitto()
        assert program is not None
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                program, "-c", str(self.folder / CONFIG), stdout=log, stderr=log
            )
        deadline = time.monotonic() + UP_S
        while True:
            assert self._process.returncode is None, self.log.read_text()
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                assert time.monotonic() < deadline, self.log.read_text()
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return

    def permit(self, members: Sequence[Member]) -> None:
        """Write the list of permissions anew; `reload` makes mosquitto read it."""
        write_files(self.folder, {PERMISSIONS: store_permissions(members).encode()})

    def reload(self) -> None:
        """Have it read its lists again."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGHUP)

    async def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            await self._process.wait()
            self._process = None
