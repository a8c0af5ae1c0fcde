"""Compiles Python for the image by the release's own Python, run as the builder's processor understands it.

What a compiler of this version writes does not depend on the processor, and emulated it takes ten times as long.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from image.building.native import LIBRARIES, LOADER
from image.building.programs import call

PYTHON = "3.13"

Compile = Callable[[Path, Sequence[str]], None]
"""Compile all Python in the folders, which are given as seen within the root."""


def compiler(native: Path | None, inside: Sequence[str | Path]) -> Compile:
    """Give what compiles: the Python among the `native` programs, or the image's own.

    `inside`: how a program is run within the root.
    """
    if native is None:
        return lambda _, folders: _run([*inside, f"/usr/bin/python{PYTHON}"], folders)
    at: list[str | Path] = [native / LOADER, "--library-path", native / LIBRARIES, native / f"usr/bin/python{PYTHON}"]
    return lambda root, folders: compile_from_outside(root, folders, at, {"PYTHONHOME": f"{native}/usr"})


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
    # What the builder has his own Python do with what it compiles is nothing to the image.
    own = {"PYTHONHASHSEED": "0", "PYTHONPYCACHEPREFIX": "", "PYTHONPATH": ""}
    call([*python, *how, *paths], environment={**own, **(environment or {})})
