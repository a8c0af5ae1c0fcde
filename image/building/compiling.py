"""Compiles Python for the image by the release's own Python, run as the builder's processor understands it.

What a compiler of this version writes does not depend on the processor, and emulated it takes ten times as long.
"""

from __future__ import annotations

import platform
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from image.building.base import KEYRING, MERGED_USR, Base
from image.building.mirror import Mirror
from image.building.programs import call, need

PYTHON = "3.13"
_PACKAGES = f"python{PYTHON}-minimal,libpython{PYTHON}-stdlib"
_LIBRARIES = "usr/lib/x86_64-linux-gnu"
_LOADER = "usr/lib64/ld-linux-x86-64.so.2"

Compile = Callable[[Path, Sequence[str]], None]
"""Compile all Python in the folders, which are given as seen within the root."""


def compiler(base: Base, cache: Path, mirror: Mirror, inside: Sequence[str | Path]) -> Compile:
    """Give what compiles, and have its Python in `cache` by the base's digest.

    `inside`: how a program is run within the root, which is what a builder of another kind than amd64 does.
    """
    if platform.machine() != "x86_64":
        return lambda _, folders: _run([*inside, f"/usr/bin/python{PYTHON}"], folders)
    at = cache / f"python-{base.digest[:16]}"
    if not at.exists():
        _fetch(base, at, mirror)
    python: list[str | Path] = [at / _LOADER, "--library-path", at / _LIBRARIES, at / f"usr/bin/python{PYTHON}"]
    return lambda root, folders: compile_from_outside(root, folders, python, {"PYTHONHOME": f"{at}/usr"})


def compile_from_outside(
    root: Path, folders: Sequence[str], python: Sequence[str | Path], environment: Mapping[str, str]
) -> None:
    """Compile the folders of `root` by a `python` that is not in it; what comes out tells their paths within."""
    paths = [root / each.lstrip("/") for each in folders]
    _run(python, ["-s", root, "-p", "/", *paths], environment)


def _run(
    python: Sequence[str | Path], paths: Sequence[str | Path], environment: Mapping[str, str] | None = None
) -> None:
    """Compile, checked by no time: on the root our files are read-only and all of one time.

    One process in one order: the bytes of a .pyc can depend on what was compiled before it.
    """
    how = ["-m", "compileall", "-q", "-j", "1", "--invalidation-mode", "unchecked-hash"]
    call([*python, *how, *paths], environment={"PYTHONHASHSEED": "0", **(environment or {})})


def _fetch(base: Base, at: Path, mirror: Mirror) -> None:
    """Unpack the release's Python; whole or not at all."""
    need(["mmdebstrap"])
    with tempfile.TemporaryDirectory(prefix="shelfwire-python-", dir=at.parent) as temporary:
        half = Path(temporary) / "root"
        call(
            [
                "mmdebstrap", "--mode=root", "--variant=extract", "--architectures=amd64", "--format=directory",
                "--quiet", f"--keyring={KEYRING}", f"--hook-dir={MERGED_USR}",
                "--aptopt=Apt::Install-Recommends false", '--aptopt=Acquire::Languages "none"',
                f"--include={_PACKAGES}", base.suites[0][0], half, *base.sources(mirror),
            ]
        )  # fmt: skip
        shutil.rmtree(at, ignore_errors=True)
        half.rename(at)
