"""Makes update bundles: a root and a boot partition, signed, which RAUC on the machine checks as it reads them.

    manifest.raucm      compatible, version, format=verity; root first, boot partition last
    rootfs.squashfs     goes to the root partition of the other slot, byte by byte
    boot.vfat           goes to its boot partition; it is the same for both slots
    hook                gives the boot partition the kernel command line of the slot that it was put into

What the bundle is for stands in the root itself, so that the two cannot differ: the version in `release.json`, what it
is compatible with in its own `/etc/rauc/system.conf`, by which it judges the next bundle.
"""

from __future__ import annotations

import configparser
import json
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from image.errors import BadInput, Missing, StepFailed
from image.layout import RELEASE_FILE, SLOTS

SYSTEM_CONF: Final = "/etc/rauc/system.conf"
VERSION: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+~:_-]{0,63}")
_PACKAGES: Final = {"rauc": "rauc", "unsquashfs": "squashfs-tools", "mksquashfs": "squashfs-tools"}
_PATH: Final = f"{os.environ.get('PATH', '/usr/bin:/bin')}:/usr/local/sbin:/usr/sbin:/sbin"

_HOOK: Final = "\n".join(
    (
        "#!/bin/sh",
        "# Called by RAUC for the boot partition just written, with it mounted at RAUC_SLOT_MOUNT_POINT.",
        "set -e",
        '[ "$1" = slot-post-install ] || exit 0',
        'case "$RAUC_SLOT_NAME" in',
        *(f"    boot.{number}) slot={slot} ;;" for number, slot in enumerate(SLOTS)),
        '    *) echo "no boot slot: $RAUC_SLOT_NAME" >&2; exit 1 ;;',
        "esac",
        'cp "$RAUC_SLOT_MOUNT_POINT/cmdline-$slot.txt" "$RAUC_SLOT_MOUNT_POINT/cmdline.txt"',
        "sync",
        "",
    )
)


@dataclass(frozen=True, slots=True)
class Bundle:
    """What was made."""

    path: Path
    version: str
    compatible: str
    size: int


@dataclass(frozen=True, slots=True)
class Signer:
    """The files of who signs, in PEM: certificate and key, and the authorities between it and the machines' keyring."""

    certificate: Path
    key: Path
    between: tuple[Path, ...] = ()


def make_bundle(root: Path, boot: Path, signer: Signer, target: Path, version: str | None = None) -> Bundle:
    """Make the bundle `target`, which must not be there yet.

    `version` None: as the root says; said otherwise, it is refused. Raises `BadInput`, `Missing`, `StepFailed`.
    """
    _need("rauc", "unsquashfs", "mksquashfs")
    for file in (root, boot, signer.certificate, signer.key, *signer.between):
        if not file.is_file():
            raise BadInput(f"{file} is not there")
    if target.exists():
        raise BadInput(f"{target} is there already")
    said, compatible = _release_of(root)
    if version is not None and version != said:
        raise BadInput(f"{root} is version {said}, not {version}")
    with tempfile.TemporaryDirectory(prefix="bundle-", dir=target.absolute().parent) as folder:
        content = Path(folder) / "content"
        content.mkdir()
        _lay(root, content / "rootfs.squashfs")
        _lay(boot, content / "boot.vfat")
        (content / "hook").write_text(_HOOK)
        (content / "hook").chmod(0o755)
        (content / "manifest.raucm").write_text(manifest(compatible, said))
        made = Path(folder) / target.name
        between = [f"--intermediate={file}" for file in signer.between]
        # What goes in is compressed already, or it is not worth the machine's time.
        plain = "--mksquashfs-args=-noD -noF -all-root"
        who = [f"--cert={signer.certificate}", f"--key={signer.key}", *between]
        _call(["rauc", "bundle", *who, plain, str(content), str(made)])
        made.rename(target)
    return Bundle(target, said, compatible, target.stat().st_size)


def manifest(compatible: str, version: str) -> str:
    """Write RAUC's manifest (RAUC's reference, "Manifest"). The boot partition comes last: as long as it is not there,
    no firmware takes the slot for one that can be started."""
    return "\n".join(
        (
            "[update]",
            f"compatible={compatible}",
            f"version={version}",
            "",
            "[bundle]",
            "format=verity",
            "",
            "[hooks]",
            "filename=hook",
            "",
            "[image.rootfs]",
            "filename=rootfs.squashfs",
            "",
            "[image.boot]",
            "filename=boot.vfat",
            "hooks=post-install",
            "",
        )
    )


def _release_of(root: Path) -> tuple[str, str]:
    """Read version and what it is compatible with out of a root."""
    try:
        version = json.loads(_cat(root, RELEASE_FILE))["version"]
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{root} does not say in {RELEASE_FILE} which version it is") from error
    conf = configparser.ConfigParser(interpolation=None)
    try:
        conf.read_string(_cat(root, SYSTEM_CONF).decode())
        compatible = conf["system"]["compatible"]
    except (configparser.Error, KeyError, UnicodeDecodeError) as error:
        raise BadInput(f"{root} does not say in {SYSTEM_CONF} what it is compatible with") from error
    if not isinstance(version, str) or not VERSION.fullmatch(version):
        raise BadInput(f"{root} says that it is version {version!r}, which is no version")
    return version, compatible


def _cat(root: Path, name: str) -> bytes:
    return _call(["unsquashfs", "-cat", str(root), name.removeprefix("/")])


def _lay(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source.resolve())
    except OSError:
        shutil.copyfile(source, target)


def _need(*programs: str) -> None:
    absent = [each for each in programs if shutil.which(each, path=_PATH) is None]
    if absent:
        packages = " ".join(sorted({_PACKAGES[each] for each in absent}))
        raise Missing(f"{', '.join(absent)} not found: sudo apt-get install {packages}")


def _call(command: list[str]) -> bytes:
    done = subprocess.run(command, check=False, capture_output=True, env={**os.environ, "PATH": _PATH})
    if done.returncode:
        raise StepFailed(f"{command[0]} failed: {done.stderr.decode('utf-8', 'replace').strip()[-600:]}")
    return done.stdout
