"""One emulated machine: QEMU started, driven and always ended.

    kernel, initrd, words   by the firmware's part (`firmware.py`)
    disk                    a raw file of the lab's own; optionally through a log of all writes (`write_log.py`)
    console                 a file
    channel                 a port into the machine (`guest.py`)
    QMP                     keys, plugging, network cable (`qmp.py`)

Emulated in software always: where the device of KVM opens, kernels may die under it all the same.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.lab.firmware import Boot
from tests.lab.guest import Guest, GuestGone, kernel_words
from tests.lab.keys import strokes
from tests.lab.qmp import Qmp, QmpError

SOCKET_S = 30.0
BOOT_S = 900.0
"""A boot takes a minute on an idle host of two processors, and has taken five on one that ten shared."""
THREADED = "tcg,thread=multi,tb-size=256"
ICOUNT = os.environ.get("SHELFWIRE_LAB_ICOUNT", "shift=0,sleep=on")
"""The machine's clock counts its own instructions (1 ns each), however little of the host it gets, so that no time-out
inside runs out for the neighbours' sake; while it waits it keeps to the host's clock, and so to whom it talks to. What
is timed inside is then virtual time. Empty: the host's clock, and both processors."""
BY_CLOCK = " (1 ns an instruction)" if ICOUNT else " (by the host's clock)"
"""How a time that it measured is told."""
KEY_S = 0.06
"""Between keys; faster than 50 ms and the emulated keyboard loses some."""
NETWORK = "10.0.2.15"
OUTSIDE = "10.0.2.2"
"""How the machine calls whatever listens on this host's loopback."""


@dataclass(frozen=True, slots=True)
class Hardware:
    """What kind of machine: QEMU's words for the board, and where the channel and console are in it."""

    board: Sequence[str]
    disk: Sequence[str]
    """With {disk} for the name of the block node, or {path} for the file where a board has its own socket for it."""
    network: Sequence[str]
    channel: Sequence[str]
    """With {socket} for the path."""
    port: str
    console: str
    filters: frozenset[str] = frozenset({"pi4"})
    """Which sections of config.txt hold for it."""
    tree: str | None = None
    """The file of the boot partition that describes it; None where QEMU does."""


VIRT = Hardware(
    board=("-M", "virt,gic-version=3", "-cpu", "cortex-a72", "-smp", "2", "-m", "1024"),
    disk=("-device", "virtio-blk-pci,drive={disk},serial=SHELFWIRE"),
    # Without its boot ROM, which is a package of its own and nobody starts from.
    network=("-device", "virtio-net-pci,netdev=shop,mac=b8:27:eb:00:00:01,id=cable,romfile="),
    channel=(
        *("-device", "virtio-serial-pci"),
        *("-chardev", "socket,id=lab,path={socket},server=on,wait=off"),
        *("-device", "virtserialport,chardev=lab,name=lab"),
    ),
    port="/dev/vport*",  # the kernel's name, there also where udev is not well
    console="ttyAMA0",
)


RASPBERRY_3 = Hardware(
    board=("-M", "raspi3b"),
    disk=("-drive", "if=sd,format=raw,file={path}"),
    network=("-device", "usb-net,netdev=shop,mac=b8:27:eb:00:00:01,id=cable"),
    channel=("-chardev", "socket,id=lab,path={socket},server=on,wait=off", "-serial", "chardev:lab"),
    port="/dev/ttyS1",
    console="ttyAMA0,115200",
    filters=frozenset({"pi3"}),
    tree="bcm2837-rpi-3-b.dtb",
)
"""Four Cortex-A53 and 1 GiB; the SD controller, interrupts, pins and USB of the board. It has no PCI: the
network hangs on USB, and the channel is the second serial port, on a board the console's."""


class Machine:
    """`async with` switches it on; leaving it cuts the power, whatever happened."""

    def __init__(
        self,
        boot: Boot,
        disk: Path,
        *,
        hardware: Hardware = VIRT,
        extra: Sequence[str] = (),
        words: str = "",
        write_log: Path | None = None,
        console: Path | None = None,
        network: Sequence[str] = ("-netdev", "user,id=shop"),
    ) -> None:
        """`extra` are further words for QEMU; what `words` says is added to the kernel's command line."""
        self._boot = boot
        self._disk = disk
        self._hardware = hardware
        self._extra = extra
        self._words = words
        self._write_log = write_log
        self._network = network
        self._stack = AsyncExitStack()
        self._process: asyncio.subprocess.Process | None = None
        self.console = console or disk.with_suffix(".console")
        self.qmp: Qmp
        self.guest: Guest

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lab-")))
            said = self.console.with_suffix(".qemu")
            with said.open("ab") as told:
                self._process = await asyncio.create_subprocess_exec(
                    *self._command(folder), stdin=asyncio.subprocess.DEVNULL, stdout=told, stderr=told
                )
            stack.push_async_callback(self.cut)
            await self._sockets(folder)
            try:
                self.qmp = await Qmp.connect(folder / "qmp")
            except (QmpError, OSError) as error:
                raise AssertionError(f"QEMU did not start: {said.read_text('utf-8', 'replace')[-1000:]}") from error
            stack.push_async_callback(self.qmp.close)
            self.guest = await Guest.open(folder / "guest")
            stack.push_async_callback(self.guest.close)
            await self.qmp.execute("cont")
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def up(self, timeout_s: float = BOOT_S) -> None:
        """Wait until the channel is open. Raises with the console's end where the machine came to nothing."""
        try:
            await self.guest.up(timeout_s)
        except (TimeoutError, GuestGone) as error:
            raise AssertionError(f"it did not come up: {error!r}\n{self.console_text()[-3000:]}") from error

    async def cut(self) -> None:
        """Pull the plug: what the machine's kernel had not written is gone."""
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            process.kill()
        await process.wait()

    async def ended(self, timeout_s: float = BOOT_S) -> str:
        """Wait until the machine stopped or asked to start again; say which: `guest-reset`, `guest-shutdown`, …"""
        assert self._process is not None
        try:
            told = await self.qmp.until("SHUTDOWN", timeout_s)
            reason = str(told["data"]["reason"])
        except QmpError:
            reason = "gone"
        async with asyncio.timeout(timeout_s):
            await self._process.wait()
        return reason

    async def type(self, text: str, *, key_s: float = KEY_S, enter: bool = True) -> None:
        """Press keys as a scanner does that is a keyboard, with Enter at the end."""
        for keys in [*strokes(text), *([["ret"]] if enter else [])]:
            pressed = [{"type": "qcode", "data": key} for key in keys]
            await self.qmp.execute("send-key", keys=pressed, hold_time=int(key_s * 500))
            await asyncio.sleep(key_s)

    def console_text(self) -> str:
        return self.console.read_text("utf-8", "replace") if self.console.exists() else ""

    def _command(self, folder: Path) -> list[str]:
        boot, board = self._boot, self._hardware
        words = " ".join(
            each
            for each in (boot.words, f"console={board.console}", kernel_words(board.port), self._words)
            if each
        )  # fmt: skip
        node = f"driver=raw,node-name=disk,file.driver=file,file.filename={self._disk}"
        disk = "disk"
        drives = ["-blockdev", node] if any("{disk}" in each for each in board.disk) else []
        if self._write_log is not None:
            self._write_log.touch()
            drives += ["-blockdev", f"driver=file,node-name=log-file,filename={self._write_log}"]
            drives += [
                "-blockdev",
                "driver=blklogwrites,node-name=logged,file=disk,log=log-file,log-super-update-interval=1",
            ]
            disk = "logged"
        setpriv = shutil.which("setpriv")
        return [
            # Should the harness itself be killed, the machine goes with it.
            *((setpriv, "--pdeathsig", "KILL", "--") if setpriv else ()),
            "qemu-system-aarch64",
            *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-S"),
            *(("-accel", "tcg,thread=single,tb-size=256", "-icount", ICOUNT) if ICOUNT else ("-accel", THREADED)),
            *board.board,
            *("-kernel", str(boot.kernel), *(("-initrd", str(boot.initrd)) if boot.initrd else ()), "-append", words),
            *(("-dtb", str(boot.tree)) if boot.tree else ()),
            *drives,
            *(each.format(disk=disk, path=self._disk) for each in board.disk),
            *self._network,
            *board.network,
            *("-chardev", f"file,id=console,path={self.console},append=on", "-serial", "chardev:console"),
            *(each.format(socket=folder / "guest") for each in board.channel),
            *("-qmp", f"unix:{folder / 'qmp'},server=on,wait=off"),
            *self._extra,
        ]

    async def _sockets(self, folder: Path) -> None:
        assert self._process is not None
        async with asyncio.timeout(SOCKET_S):
            while not all((folder / name).exists() for name in ("qmp", "guest")):
                if self._process.returncode is not None:
                    said = self.console.with_suffix(".qemu").read_text()
                    raise AssertionError(f"QEMU did not start: {said[-2000:]}")
                await asyncio.sleep(0.02)
