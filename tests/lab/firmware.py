"""Plays the Raspberry Pi's firmware, which no emulator runs: picks the boot partition, and takes what it starts.

    autoboot.txt on the first FAT      [all] boot_partition=2    [tryboot] boot_partition=3
    config.txt on the FAT so picked    kernel=, initramfs NAME followkernel, cmdline=, os_prefix=, auto_initramfs=

Raspberry Pi documentation, "autoboot.txt" and "config.txt"; the part of it that matters to what is started, no more.
The try of another slot is asked for once (the guest's restart with `0 tryboot`), and forgotten by whoever asked this
class for a boot.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from image.layout import SECTOR
from tests.lab.disk import partitions

AUTOBOOT_LIMIT_BYTES = 512
"""The firmware reads no more of `autoboot.txt`."""
KERNELS = ("kernel8.img", "vmlinuz", "kernel_2712.img")


class WillNotStart(Exception):
    """A board would stand still here: nothing to start, or a file that is not there."""


@dataclass(frozen=True, slots=True)
class Boot:
    """What a machine is started with. `partition` is the number of the FAT it came from, 0 for none."""

    kernel: Path
    initrd: Path | None
    words: str
    partition: int = 0
    tree: Path | None = None


def sections(text: str, holding: frozenset[str] = frozenset()) -> Iterator[str]:
    """Give the lines that hold: those under no heading, under `[all]` and under the headings `holding`, lower case."""
    holds = True
    for raw in text.splitlines():
        line = raw.split("#", 1)[0].strip()
        if line.startswith("[") and line.endswith("]"):
            holds = line[1:-1].strip().lower() in holding | {"all"}
        elif holds and line:
            yield line


def boot_partition(autoboot: str, *, tryboot: bool) -> int:
    """Give the number of the partition that `autoboot.txt` names; 1 where it names none."""
    picked = 1
    for line in sections(autoboot, frozenset({"tryboot"} if tryboot else ())):
        name, _, value = line.partition("=")
        if name.strip() == "boot_partition" and value.strip().isdigit():
            picked = int(value)
    return picked


def started_by(config: str, board: frozenset[str]) -> Mapping[str, str]:
    """Give what `config.txt` says of kernel, initramfs, cmdline and os_prefix; `board` are the filters that hold."""
    said: dict[str, str] = {}
    for line in sections(config, board):
        if line.startswith("initramfs "):
            said["initramfs"] = line.split()[1]
            continue
        name, _, value = line.partition("=")
        said[name.strip()] = value.strip()
    return said


class Firmware:
    """The firmware of one card."""

    def __init__(
        self, disk: Path, folder: Path, board: frozenset[str] = frozenset({"pi4"}), tree: str | None = None
    ) -> None:
        """What is taken from `disk` is laid into `folder`; `tree` names the file that describes the board."""
        self._disk = disk
        self._folder = folder
        self._board = board
        self._tree = tree

    def boot(self, *, tryboot: bool = False) -> Boot:
        """Pick and take. Raises `WillNotStart` where a board would stand still."""
        autoboot = self.read(1, "autoboot.txt")
        picked = 1
        if autoboot is not None:
            text = autoboot[:AUTOBOOT_LIMIT_BYTES].decode(errors="replace")
            picked = boot_partition(text, tryboot=tryboot)
        config = self.read(picked, "config.txt")
        if config is None:
            raise WillNotStart(f"no config.txt in partition {picked}")
        said = started_by(config.decode(errors="replace"), self._board)
        prefix = said.get("os_prefix", "")
        kernel = self._taken(picked, prefix, [said["kernel"]] if "kernel" in said else KERNELS)
        if kernel is None:
            raise WillNotStart(f"no kernel in partition {picked}")
        initrd = None
        if "initramfs" in said:
            initrd = self._taken(picked, prefix, [said["initramfs"]])
        elif said.get("auto_initramfs") == "1":
            initrd = self._taken(picked, prefix, [kernel.name.replace("kernel", "initramfs").removesuffix(".img")])
        words = self.read(picked, prefix + said.get("cmdline", "cmdline.txt"))
        tree = None if self._tree is None else self._taken(picked, prefix, [self._tree])
        return Boot(kernel, initrd, (words or b"").decode(errors="replace").strip(), picked, tree)

    def read(self, partition: int, name: str) -> bytes | None:
        """Read a file of a FAT partition; None if it, or the partition, is not there."""
        ran = subprocess.run(["mtype", "-i", self._where(partition), f"::/{name}"], capture_output=True, check=False)
        return ran.stdout if ran.returncode == 0 else None

    def write(self, partition: int, name: str, data: bytes) -> None:
        """Write a file as a card reader does, while the machine is off. Raises `CalledProcessError`."""
        command = ["mcopy", "-o", "-i", self._where(partition), "-", f"::/{name}"]
        subprocess.run(command, input=data, capture_output=True, check=True)

    def _taken(self, partition: int, prefix: str, names: tuple[str, ...] | list[str]) -> Path | None:
        for name in names:
            data = self.read(partition, prefix + name)
            if data:
                path = self._folder / f"{partition}-{name.replace('/', '_')}"
                path.write_bytes(data)
                return path
        return None

    def _where(self, partition: int) -> str:
        for each in partitions(self._disk):
            if each.number == partition:
                return f"{self._disk}@@{each.start * SECTOR}"
        raise WillNotStart(f"no partition {partition}")
