"""Where the bundles of releases lie in a hub's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Final

FOLDER: Final = "releases"


def bundle_path(folder: Path, release: str) -> Path:
    """Say where a release's bundle lies."""
    return folder / f"{release}.raucb"
