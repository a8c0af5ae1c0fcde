"""Our software in a root: the pinned wheels and our packages below /opt/shelfwire, and the command in front of them."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from image.building.origin import Origin
from image.building.programs import call
from image.errors import StepFailed
from image.layout import SOFTWARE

OURS = ("protocol", "edge", "hub", "provisioning", "image", "shelfwire")
"""Laid in whole: a station's commands read files of a hub (`hub import`) and the other way round."""
LEFT_OUT = ("image/root/", "image/recipe/", "image/building/", "shelfwire/demo/")
"""The builder's own, and a whole store on one machine."""
_PYTHON = "3.13"
_COMMAND = """#!/usr/bin/python3
import sys

from shelfwire.cli import main

sys.exit(main())
"""


def install(root: Path, origin: Origin) -> None:
    """Lay wheels and packages into `root`. StepFailed if a pinned wheel is not to be had for arm64."""
    target = root / SOFTWARE.lstrip("/")
    target.mkdir(parents=True, exist_ok=True)
    call(
        [
            sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--require-hashes",
            "--target", target, "--upgrade", "--platform", "manylinux2014_aarch64",
            "--platform", "manylinux_2_28_aarch64", "--python-version", _PYTHON, "--implementation", "cp",
            "--only-binary=:all:", "-r", origin.checkout / "requirements" / "base.txt",
        ]
    )  # fmt: skip
    shutil.rmtree(target / "bin", ignore_errors=True)  # commands of libraries, with the builder's python in them
    for package in OURS:
        for name in origin.files(package):
            if not name.startswith(LEFT_OUT):
                destination = target / name
                destination.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(origin.checkout / name, destination)
    about = target / f"shelfwire-{origin.version}.dist-info"
    about.mkdir(exist_ok=True)
    (about / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: shelfwire\nVersion: {origin.version}\nLicense: Apache-2.0\n"
    )
    for each in target.glob("*.dist-info/direct_url.json"):
        each.unlink()  # where the builder's index keeps its files is nobody's business
    paths = root / "usr/lib/python3/dist-packages/shelfwire.pth"
    paths.parent.mkdir(parents=True, exist_ok=True)
    paths.write_text(f"{SOFTWARE}\n")
    command = root / "usr/bin/shelfwire"
    command.write_text(_COMMAND)
    command.chmod(0o755)


def compile_all(root: Path, emulated: list[str | Path]) -> None:
    """Compile all Python in `root` by its own Python (`emulated`: how a program is run inside), checked by no time.

    The files on the root are read-only and all of one time, so a cache that compares times would never be right. One
    process in one order: the bytes of a .pyc can depend on what was compiled before it.
    """
    for each in list(root.glob("usr/lib/python3*/**/__pycache__")) + list((root / "opt").glob("**/__pycache__")):
        shutil.rmtree(each)
    folders = [f"/usr/lib/python{_PYTHON}", "/usr/lib/python3/dist-packages", SOFTWARE]
    call(
        [*emulated, "/usr/bin/python3", "-m", "compileall", "-q", "-j", "1", "--invalidation-mode", "unchecked-hash",
         *folders],
        environment={"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    words = call([*emulated, "/usr/bin/shelfwire", "--version"], environment={"PYTHONDONTWRITEBYTECODE": "1"}).decode()
    if not words.startswith("shelfwire "):
        raise StepFailed(f"the command in the image says {words!r}")
