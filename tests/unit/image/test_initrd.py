"""The initrd is made anew when the base's own programs are back, and one that is not whole is not kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from image.building import initrd
from image.errors import StepFailed

RELEASE = "7.3.4-arm64"


def _inside(root: Path, size: int) -> list[str | Path]:
    """Give what plays mkinitramfs: writes so many bytes to where it is told, in the root."""
    program = root.parent / "mkinitramfs"
    program.write_text(f'#!/bin/sh\n[ "$2" = mkinitramfs ] && [ "$5" = {RELEASE} ] && truncate -s {size} "{root}$4"\n')
    program.chmod(0o755)
    return [program]


def _root(folder: Path) -> Path:
    root = folder / "root"
    (root / "boot").mkdir(parents=True)
    (root / "boot" / f"initrd.img-{RELEASE}").write_bytes(b"with the builder's programs in it")
    return root


def test_what_the_roots_own_programs_made_is_kept_and_laid(tmp_path: Path) -> None:
    root, made = _root(tmp_path), tmp_path / "cache.img"
    initrd.make(root, RELEASE, made, _inside(root, 12 << 20), 1)
    at = tmp_path / "laid.img"
    initrd.lay(made, at)
    assert at.stat().st_size == 12 << 20


def test_one_that_cannot_be_whole_is_not_kept(tmp_path: Path) -> None:
    root, made = _root(tmp_path), tmp_path / "cache.img"
    with pytest.raises(StepFailed, match="not whole"):
        initrd.make(root, RELEASE, made, _inside(root, 1000), 1)
    assert not made.exists()
