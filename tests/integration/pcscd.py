"""A real pcscd with a virtual reader (Debian's vsmartcard-vpcd) that has nothing to do with the machine's own.

pcscd knows one place for its socket, /run/pcscd, so it is started with a /run of its own; clients of this process find
the socket there by PCSCLITE_CSOCK_NAME, which libpcsclite reads once in a process's life.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from shelfwire.demo.ports import free_ports, is_free

DEADLINE_S = 60
READER = "Virtual PCD 00 00"
OTHER_READER = "Virtual PCD 00 01"

_START = 'mount --bind "$0" /run && exec pcscd --foreground --error --config "$1"'
_CONFIG = """\
FRIENDLYNAME "Virtual PCD"
DEVICENAME   /dev/null:0x{port:04X}
LIBPATH      /usr/lib/pcsc/drivers/serial/libifdvpcd.so
CHANNELID    0x{port:04X}
"""


@cache
def run_folder() -> Path:
    """What stands for /run, for all pcscds of this process one after the other; libpcsclite is told of it."""
    folder = Path(tempfile.mkdtemp(prefix="shelfwire-pcscd-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["PCSCLITE_CSOCK_NAME"] = str(folder / "pcscd" / "pcscd.comm")
    return folder


class Pcscd:
    """One pcscd at a time, with two slots, at `port` and the one after."""

    def __init__(self, folder: Path) -> None:
        self._run = run_folder()
        self._config = folder / "reader.conf.d"
        self._config.mkdir()
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._plugged = True

    async def restart(self, *, plugged: bool) -> None:
        """Kill it, and start it with or without its readers: those it knows from a file it never lets go of."""
        self.kill()
        self._plugged = plugged
        await self.start()

    async def start(self) -> None:
        """Start, and wait until clients are served."""
        self._launch()
        async with asyncio.timeout(DEADLINE_S):
            while not self._serves():
                assert self._process is None or self._process.poll() is None, "pcscd ended at once"
                await asyncio.sleep(0.01)

    def hang(self) -> None:
        """Have it answer nobody, and end no connection."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Have it answer again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once, as a crash would. Twice is harmless."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(DEADLINE_S)
            self._process = None

    def _launch(self) -> None:
        self._configure()
        for left_over in ("pcscd.comm", "pcscd.pid"):
            (self._run / "pcscd" / left_over).unlink(missing_ok=True)
        alone = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount"]
        command = [*alone, "sh", "-c", _START, str(self._run), str(self._config)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def _configure(self) -> None:
        (self._config / "vpcd").write_text(_CONFIG.format(port=self.port) if self._plugged else "")

    def _serves(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(os.environ["PCSCLITE_CSOCK_NAME"]) == 0


@contextmanager
def pcscd_in(folder: Path) -> Iterator[Pcscd]:
    """A pcscd that is not started yet, and ends with the context."""
    pcscd = Pcscd(folder)
    try:
        yield pcscd
    finally:
        pcscd.kill()


def _free_port() -> int:
    """Find two free ports in a row; the driver takes one for each slot."""
    while True:
        (port,) = free_ports(1)
        if is_free(port + 1):
            return port
