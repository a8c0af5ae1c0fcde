"""Calling the programs a build is made of, and saying in one line which of them are missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from image.errors import Missing, StepFailed

PACKAGE_OF = {
    "mmdebstrap": "mmdebstrap",
    "mksquashfs": "squashfs-tools",
    "unsquashfs": "squashfs-tools",
    "mcopy": "mtools",
    "mkfs.vfat": "dosfstools",
    "mke2fs": "e2fsprogs",
    "debugfs": "e2fsprogs",
    "xz": "xz-utils",
    "zstd": "zstd",
    "depmod": "kmod",
    "qemu-aarch64-static": "qemu-user-static",
    "update-binfmts": "binfmt-support",
    "arch-test": "arch-test",
    "systemctl": "systemd",
    "systemd-sysusers": "systemd",
    "git": "git",
    "apt-get": "apt",
    "dpkg": "dpkg",
}
"""Which Debian package brings a program."""

ADMINISTRATORS = "/usr/local/sbin:/usr/sbin:/sbin"


def _path() -> str:
    return f"{os.environ.get('PATH', '/usr/bin:/bin')}:{ADMINISTRATORS}"


def need(programs: Iterable[str]) -> None:
    """Raise Missing, with the line that would bring them, if any of `programs` is not here."""
    absent = [each for each in programs if shutil.which(each, path=_path()) is None]
    if absent:
        packages = sorted({PACKAGE_OF[each] for each in absent})
        raise Missing(f"{', '.join(absent)} not found: sudo apt-get install {' '.join(packages)}")


def call(command: Sequence[str | Path], *, stdin: bytes = b"", environment: Mapping[str, str] | None = None) -> bytes:
    """Run `command`, give what it printed. StepFailed with its last words if it fails."""
    done = subprocess.run(
        [str(each) for each in command],
        input=stdin,
        capture_output=True,
        check=False,
        env={**os.environ, "PATH": _path(), "LC_ALL": "C.UTF-8", "TZ": "UTC", **(environment or {})},
    )
    if done.returncode:
        words = (done.stderr or done.stdout).decode("utf-8", "replace").strip().splitlines()
        raise StepFailed(f"{command[0]} failed ({done.returncode}): {' | '.join(words[-6:])}")
    return done.stdout
