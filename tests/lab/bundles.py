"""Updates for the lab: the image's own root as another version, broken where it is to be, and signed by the lab.

The machine takes them because the lab's keyring is laid over the image's while it runs; so any image can be tried, also
one whose key is not here.
"""

from __future__ import annotations

import json
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from image.layout import RELEASE_FILE, SECTOR, TWO_SLOTS
from tests.lab.disk import partitions, taken_out
from tests.lab.machine import Machine

KEYRING = PurePosixPath("/etc/rauc/keyring.pem")
SICK = {
    "/usr/lib/systemd/system/shelfwire-agent.service.d/99-lab.conf": (
        "[Service]\nExecStart=\nExecStart=/usr/bin/false\n"
    )
}
"""Edits of a root whose agent does not start."""
_TRYBOOT = 'tryboot = ["systemctl", "reboot", "--reboot-argument=0 tryboot"]\n'
"""What a kernel of Raspberry Pi's own takes; here its words on the console are what the firmware hears."""
_PACKAGE = "opt/shelfwire/shelfwire-*.dist-info/METADATA"
"""Where the product reads its own version, which it tells the hub."""
BYTES_USED = struct.Struct("<40xQ")
"""In a squashfs's superblock."""


class Workshop:
    """Makes bundles out of an image, in a folder."""

    def __init__(self, image: Path, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._tree = folder / "tree"
        self._boot = folder / "boot.vfat"
        self.keys = folder / "keys"
        root = taken_out(image, TWO_SLOTS.root("a").number, folder / "root.squashfs")
        with root.open("r+b") as file:
            file.truncate(BYTES_USED.unpack(file.read(48))[0])
        taken_out(image, TWO_SLOTS.boot("a").number, self._boot)
        _run("unsquashfs", "-quiet", "-no-progress", "-dest", str(self._tree), str(root))
        _shelfwire("image", "keys", str(self.keys))

    def bundle(self, version: str, edits: Mapping[str, str] | None = None) -> Path:
        """Make one: `edits` are files of the root to be written anew, by their absolute paths."""
        tree = self._tree
        kept = {}
        release = tree / RELEASE_FILE.lstrip("/")
        (package,) = tree.glob(_PACKAGE)
        changes = {
            RELEASE_FILE: json.dumps(json.loads(release.read_text()) | {"version": version}),
            str(package.relative_to(tree)): re.sub(r"(?m)^Version: .*", f"Version: {version}", package.read_text()),
            **(edits or {}),
        }
        for name, text in changes.items():
            path = tree / name.lstrip("/")
            kept[path] = path.read_bytes() if path.exists() else None
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        root, target = self._folder / f"{version}.squashfs", self._folder / f"{version}.raucb"
        root.unlink(missing_ok=True)
        _run("mksquashfs", str(tree), str(root), "-quiet", "-no-progress", "-comp", "zstd", "-Xcompression-level", "3")
        for path, data in kept.items():
            if data is None:
                path.unlink()
            else:
                path.write_bytes(data)
        key, signer = str(self.keys / "signer.key"), str(self.keys / "signer.pem")
        _shelfwire(
            *("image", "bundle", str(target), "--root", str(root), "--boot", str(self._boot)),
            *("--key", key, "--cert", signer),
        )
        root.unlink()
        return target

    @property
    def keyring(self) -> bytes:
        """Whose bundles a machine is to take."""
        return (self.keys / "keyring.pem").read_bytes()

    def close(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


async def let_take(machine: Machine, keyring: bytes, health_within_s: int) -> None:
    """Have a running machine take what the lab signed, until it restarts, and ask the lab's firmware for a try."""
    run = machine.guest
    await run.write("/data/slots/slots.toml", f"health_within_s = {health_within_s}\n{_TRYBOOT}".encode())
    # The folder and not the file: an image that was built without a keyring has none to lay another over.
    await run.tell("cp", "-r", str(KEYRING.parent), "/run/lab-rauc")
    await run.write(f"/run/lab-rauc/{KEYRING.name}", keyring)
    await run.tell("mount", "--bind", "/run/lab-rauc", str(KEYRING.parent))


def size_of(bundle: Path) -> int:
    """Give its bytes; a disk made of it may be larger."""
    return bundle.stat().st_size


def spoil(card: Path, number: int, size: int = 1 << 20) -> None:
    """Write zeroes over the beginning of a partition, as if the card had gone bad there."""
    start = next(each.start for each in partitions(card) if each.number == number) * SECTOR
    with card.open("r+b") as file:
        file.seek(start)
        file.write(bytes(size))


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)


def _shelfwire(*words: str) -> None:
    _run(sys.executable, "-m", "shelfwire.cli", *words)
