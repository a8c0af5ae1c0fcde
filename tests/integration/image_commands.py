"""The image's commands as a release runs them, and what it makes by them: keys and bundles, as small as can be."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from image.layout import RELEASE_FILE
from tests.integration import commands

REPOSITORY = Path(__file__).parents[2]
OVERLAY = REPOSITORY / "image/root"
PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"


def shelfwire(*words: object) -> subprocess.CompletedProcess[str]:
    """Run a command in this process."""
    return commands.shelfwire("image", *words)


def process(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "shelfwire", "image", *map(str, words)]
    return subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        timeout=120,
        env={**os.environ, "PATH": PATH},
    )


def done(*words: object) -> str:
    """Run a command that is to succeed."""
    ended = shelfwire(*words)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def squash(folder: Path, version: str = "1.5.0", kind: str = "station") -> Path:
    """Make a root as a build does, as small as can be."""
    tree, made = folder / f"tree-{version}", folder / f"root-{version}.squashfs"
    (tree / RELEASE_FILE[1:]).parent.mkdir(parents=True)
    (tree / RELEASE_FILE[1:]).write_text(json.dumps({"version": version, "kind": kind, "board": "rpi"}))
    (tree / "etc/rauc").mkdir(parents=True)
    shutil.copy(OVERLAY / kind / "etc/rauc/system.conf", tree / "etc/rauc")
    subprocess.run(["mksquashfs", tree, made, "-quiet"], check=True, capture_output=True, env={"PATH": PATH})
    return made


def fat(folder: Path) -> Path:
    """Make a boot partition, as small as can be."""
    made = folder / "boot.vfat"
    if not made.exists():
        made.write_bytes(bytes(1024 * 1024))
        subprocess.run(["mkfs.vfat", made], check=True, capture_output=True, env={"PATH": PATH})
    return made


def keys(folder: Path, name: str = "keys") -> Path:
    done("keys", folder / name)
    return folder / name


def bundle(folder: Path, signed: Path, version: str = "1.5.0", kind: str = "station") -> Path:
    made = folder / f"{kind}-{version}.raucb"
    done(
        *("bundle", made, "--root", squash(folder, version, kind), "--boot", fat(folder)),
        *("--key", signed / "signer.key", "--cert", signed / "signer.pem", "--version", version),
    )
    return made
