"""What an image is made from: the checkout, its version and commit, and the time that stands for the build's."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

from image.building.programs import call, need
from image.errors import BadInput

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Origin:
    """One state of the sources."""

    checkout: Path
    version: str  # "0.1.0+g0123456789": two commits are never taken for the same version
    commit: str  # 40 hex digits, with "-dirty" behind them where files differ from it
    epoch: int  # Unix seconds: SOURCE_DATE_EPOCH, or the commit's time

    def files(self, folder: str) -> list[str]:
        """Give the paths below `folder` that belong to the sources (not what git ignores), in order; links as links."""
        words = call(["git", "-C", self.checkout, "ls-files", "-co", "--exclude-standard", "-z", folder])
        paths = [each.decode() for each in words.split(b"\0") if each]
        # A link to /dev/null is how a unit or a generator is switched off for good; what it leads to is no file.
        return sorted(each for each in set(paths) if (at := self.checkout / each).is_symlink() or at.is_file())


def origin_of(checkout: Path = CHECKOUT) -> Origin:
    """Look at `checkout`. BadInput if it is none: an image is made from a clone, not from an installed package."""
    need(["git"])
    if not (checkout / ".git").exists():
        raise BadInput(f"{checkout} is no checkout of shelfwire: an image is made from a clone of its repository")
    version = str(tomllib.loads((checkout / "pyproject.toml").read_text())["project"]["version"])
    commit = call(["git", "-C", checkout, "rev-parse", "HEAD"]).decode().strip()
    if call(["git", "-C", checkout, "status", "--porcelain"]).strip():
        commit += "-dirty"
    said = os.environ.get("SOURCE_DATE_EPOCH", "")
    if said and not said.isdigit():
        raise BadInput(f"SOURCE_DATE_EPOCH is {said!r}, not a count of seconds")
    time = said or call(["git", "-C", checkout, "show", "-s", "--format=%ct", "HEAD"]).decode().strip()
    dirty = ".dirty" if commit.endswith("-dirty") else ""
    return Origin(checkout, f"{version}+g{commit[:10]}{dirty}", commit, int(time))
