"""The release's own programs for the builder's processor: what need not be emulated while an image is made.

They are of the same packages as the image's, so that what they write is what the image's own would have written.
"""

from __future__ import annotations

import platform
import shutil
import tempfile
from pathlib import Path

from image.building.base import KEYRING, MERGED_USR, RECIPE, Base, lines_of
from image.building.mirror import Mirror
from image.building.programs import call, need

LIBRARIES = "usr/lib/x86_64-linux-gnu"
LOADER = "usr/lib64/ld-linux-x86-64.so.2"


def programs(base: Base, cache: Path, mirror: Mirror) -> Path | None:
    """Give the folder they lie in as in a root, from `cache`; None where the builder is no amd64, and has none."""
    if platform.machine() != "x86_64":
        return None
    at = cache / f"native-{base.digest[:16]}"
    if not at.exists():
        _fetch(base, at, mirror)
    return at


def _fetch(base: Base, at: Path, mirror: Mirror) -> None:
    """Unpack the packages, whole or not at all; none is configured."""
    need(["mmdebstrap"])
    packages = ",".join(lines_of((RECIPE / "packages-native.txt").read_text()))
    with tempfile.TemporaryDirectory(prefix="shelfwire-native-", dir=at.parent) as temporary:
        half = Path(temporary) / "root"
        call(
            [
                "mmdebstrap", "--mode=root", "--variant=extract", "--architectures=amd64", "--format=directory",
                "--quiet", f"--keyring={KEYRING}", f"--hook-dir={MERGED_USR}",
                "--aptopt=Apt::Install-Recommends false", '--aptopt=Acquire::Languages "none"',
                f"--include={packages}", base.suites[0][0], half, *base.own_sources(mirror),
            ]
        )  # fmt: skip
        shutil.rmtree(at, ignore_errors=True)
        half.rename(at)
