"""Our kernel modules, for exactly the kernel of a base: compiled in a small Debian of their own, kept in the cache.

Debian's kernel can neither ask a Raspberry Pi's firmware to try the other slot (`image/kernel/tryboot`) nor whether it
slows the machine down (`image/kernel/throttled`). The Debian they are compiled in has the builder's own processor, the
image's kernel headers and the compiler that these ask for, and is thrown away: nothing of it is emulated, and nothing
but the modules comes out of it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from image.building import sbom
from image.building.base import KEYRING, MERGED_USR, Base
from image.building.mirror import Mirror
from image.building.programs import call, need
from image.errors import BadInput, Missing, StepFailed

SOURCES = Path(__file__).resolve().parents[1] / "kernel"
THROTTLED, TRYBOOT = "shelfwire_throttled", "shelfwire_tryboot"
READ = (
    "build.sh", "Kbuild", "throttled/Kbuild", f"throttled/{THROTTLED}.c", "tryboot/Kbuild", f"tryboot/{TRYBOOT}.c",
)  # fmt: skip
"""What of the sources becomes the modules: all of it but the licence."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """One kernel: what it calls itself, and which version of Debian's package it came with."""

    release: str  # 7.3.4+deb13-arm64
    package: str  # 7.3.4-1~bpo13+1: the same release may be built twice

    @property
    def headers(self) -> str:
        """Give what apt is asked for."""
        return f"linux-headers-{self.release}:arm64={self.package}"


def kernel_of(status: str, release: str) -> Kernel:
    """Find the version of the package of kernel `release` in dpkg's `status`. BadInput if it is not installed."""
    for each in sbom.debian_packages(status):
        if each.name == f"linux-image-{release}":
            return Kernel(release, each.version)
    raise BadInput(f"the base has the kernel {release}, and no package linux-image-{release}")


def file_name(kernel: Kernel, base: Base, sources: Path = SOURCES) -> str:
    """Give their folder's name in the cache: another kernel, another source or another archive make other modules."""
    said = hashlib.sha256(repr((kernel, base.suites)).encode())
    for name in READ:
        said.update((sources / name).read_bytes())
    return f"kernel-modules-{said.hexdigest()[:16]}"


def make(
    kernel: Kernel,
    target: Path,
    base: Base,
    mirror: Mirror,
    epoch: int,
    tell: Callable[[str], None],
    sources: Path = SOURCES,
) -> None:
    """Compile all modules into the folder `target`; whole or not at all. What was said goes to a file beside it.

    Missing if this is not root, or a program is not here; StepFailed if the archive lacks the kernel's headers.
    """
    if os.geteuid() != 0:
        raise Missing("the kernel modules are made by root only (in a Debian of their own): use sudo")
    need(["mmdebstrap", "dpkg"])
    own = call(["dpkg", "--print-architecture"]).decode().strip()
    half, log = target.with_suffix(".half"), target.with_suffix(".log")
    command = [
        "mmdebstrap", "--mode=root", "--variant=essential", "--format=null",
        f"--architectures={','.join(dict.fromkeys((own, 'arm64')))}",
        f"--keyring={KEYRING}", f"--hook-dir={MERGED_USR}",
        "--aptopt=Apt::Install-Recommends false", '--aptopt=Acquire::Languages "none"',
        "--aptopt=Acquire::Retries 3",
        "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*", "--dpkgopt=force-unsafe-io",
        f"--include=make,{kernel.headers}",
        f'--customize-hook=sh {sources}/build.sh "$1" {sources} {kernel.release} {half}',
        base.suites[0][0], os.devnull, *base.own_sources(mirror),
    ]  # fmt: skip
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir()
    tell(f"compiling {THROTTLED} and {TRYBOOT} for {kernel.release} (log: {log})")
    with log.open("wb") as words:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=subprocess.STDOUT,
            check=False,
            env={**os.environ, "SOURCE_DATE_EPOCH": str(epoch), "LC_ALL": "C.UTF-8"},
        )
    if done.returncode:
        shutil.rmtree(half)
        raise StepFailed(_why(log.read_text("utf-8", "replace"), kernel, log))
    half.replace(target)


def lay(root: Path, made: Path, kernel: Kernel, names: Iterable[str]) -> None:
    """Put modules out of the folder `made` where the kernel's tools look first. `depmod` is the trimming's."""
    folder = root / "usr/lib/modules" / kernel.release / "updates"
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        target = folder / f"{name}.ko"
        shutil.copyfile(made / target.name, target)
        target.chmod(0o644)


def _why(log: str, kernel: Kernel, at: Path) -> str:
    lines = log.splitlines()
    if any(line.startswith("E:") and "linux-headers" in line for line in lines):
        return (
            f"the archive has no {kernel.headers} (any more): take the base out of the cache, so that it is made with "
            f"the kernel of today, or name a mirror of that day (all of it: {at})"
        )
    wrong = " | ".join(line for line in lines if "rror" in line or line.startswith("E:"))
    return f"the kernel modules were not compiled: {wrong[-400:]} (all of it: {at})"
