"""Our software in a root: the pinned wheels and our packages below /opt/shelfwire, and the command in front of them."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tomllib
from pathlib import Path

from image.building.compiling import PYTHON, Compile
from image.building.origin import Origin
from image.building.programs import call
from image.errors import StepFailed
from image.layout import SOFTWARE

OURS = ("protocol", "edge", "hub", "provisioning", "image", "shelfwire")
"""Laid in whole: a station's commands read files of a hub (`hub import`) and the other way round."""
LEFT_OUT = ("image/root/", "image/recipe/", "image/kernel/", "image/building/")
"""The builder's own."""
_LONG_AGO = 315_532_800  # 1980-01-01, the oldest a wheel's own archive can say
_COMMAND = """#!/usr/bin/python3
import sys

from shelfwire.cli import main

sys.exit(main())
"""


def entry_points(project: str) -> str:
    """Give what a distribution says of its entry points (drivers, for one), from the text of pyproject.toml."""
    groups: dict[str, dict[str, str]] = tomllib.loads(project)["project"].get("entry-points", {})
    return "\n".join(
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in sorted(points.items()))
        for group, points in sorted(groups.items())
    )


def install(root: Path, origin: Origin, cache: Path, base: str, emulated: list[str | Path], compiled: Compile) -> None:
    """Lay wheels and packages into `root`, `compiled` (`emulated`: how a program is run inside).

    The wheels are kept in `cache` by what is pinned, by the base (`base`: its digest) and by how they are laid in.
    StepFailed if one of them is not to be had for arm64, or if the command does not run.
    """
    pinned = origin.checkout / "requirements" / "base.txt"
    said = base.encode() + pinned.read_bytes() + Path(__file__).read_bytes()
    kept = cache / f"wheels-{hashlib.sha256(said).hexdigest()[:16]}.tar"
    if not kept.exists():
        _wheels(root, pinned)
        compiled(root, [SOFTWARE])
        half = kept.with_suffix(".half")
        # One time for all: a root made of this by a later commit would have today's in it, and one made anew its own.
        call(["tar", "--sort=name", f"--mtime=@{_LONG_AGO}", "-cf", half, "-C", root, SOFTWARE.lstrip("/")])
        half.replace(kept)
    call(["tar", "-xf", kept, "-C", root])
    _ours(root, origin)
    compiled(root, [f"{SOFTWARE}/{package}" for package in OURS])
    words = call([*emulated, "/usr/bin/shelfwire", "--version"]).decode()
    if not words.startswith("shelfwire "):
        raise StepFailed(f"the command in the image says {words!r}")


def _wheels(root: Path, pinned: Path) -> None:
    target = root / SOFTWARE.lstrip("/")
    target.mkdir(parents=True, exist_ok=True)
    call(
        [
            sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--require-hashes",
            "--target", target, "--upgrade", "--platform", "manylinux2014_aarch64",
            "--platform", "manylinux_2_28_aarch64", "--python-version", PYTHON, "--implementation", "cp",
            "--only-binary=:all:", "-r", pinned,
        ]
    )  # fmt: skip
    for name in ("bin", "share", "pip"):  # commands with the builder's python in them, manuals, an installer
        shutil.rmtree(target / name, ignore_errors=True)
    for each in target.glob("pip-*.dist-info"):
        shutil.rmtree(each)
    for each in target.glob("*.dist-info/direct_url.json"):
        each.unlink()  # where the builder's index keeps its files is nobody's business
    for each in target.glob("*.dist-info/RECORD"):
        each.write_text(what_is_there(each.read_text("utf-8")), "utf-8")


def what_is_there(record: str) -> str:
    """Leave out of a wheel's RECORD what is not below the packages' folder: the commands were taken out.

    Their sums tell which Python, in which folder, built the image: it would differ from builder to builder.
    """
    return "".join(line for line in record.splitlines(keepends=True) if not line.startswith("../"))


def _ours(root: Path, origin: Origin) -> None:
    target = root / SOFTWARE.lstrip("/")
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
    (about / "entry_points.txt").write_text(entry_points((origin.checkout / "pyproject.toml").read_text("utf-8")))
    paths = root / "usr/lib/python3/dist-packages/shelfwire.pth"
    paths.parent.mkdir(parents=True, exist_ok=True)
    paths.write_text(f"{SOFTWARE}\n")
    command = root / "usr/bin/shelfwire"
    command.write_text(_COMMAND)
    command.chmod(0o755)
