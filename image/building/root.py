"""The tree of a root: a base, the overlay of its kind, our software, users and units, less what it has no use for."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from image.building import sbom, software
from image.building.accounts import give_shells
from image.building.base import RECIPE, Kind, lines_of, ready_to_emulate
from image.building.checks import findings
from image.building.compiling import compiler
from image.building.origin import Origin
from image.building.programs import call, need
from image.errors import BadInput, NotFit
from image.layout import MIB, RELEASE_FILE

OVERLAY = "image/root"
BILL = "usr/lib/shelfwire/sbom.cdx.json"
LIMIT_MIB = 1024


@dataclass(frozen=True, slots=True)
class BootFiles:
    """What the base has for the boot partition."""

    kernel_version: str
    kernel: Path
    initrd: Path
    device_trees: Path  # folder with broadcom/*.dtb
    firmware: Path  # folder of raspi-firmware


@dataclass(frozen=True, slots=True)
class Kept:
    """Where what is made once is kept, the digest of the base that it goes by, and the builder's own programs."""

    cache: Path
    base: str
    native: Path | None


def unpack(base: Path, root: Path) -> None:
    """Lay the base into the empty folder `root`, owners and all."""
    root.mkdir(parents=True)
    call(["tar", "--numeric-owner", "-xpf", base, "-C", root, "--exclude=./dev/*"])


def boot_files(root: Path) -> BootFiles:
    """Find them, and say where the initrd is to lie. BadInput if the base has not just one kernel."""
    versions = [each.name for each in sorted((root / "usr/lib/modules").iterdir())]
    if len(versions) != 1:
        raise BadInput(f"the base has {len(versions)} kernels: {', '.join(versions)}")
    version = versions[0]
    initrd = root / "boot" / f"initrd.img-{version}"
    kernels = [root / "boot" / f"vmlinuz-{version}", root / "usr/lib/modules" / version / "vmlinuz"]
    kernel = next((each for each in kernels if each.exists()), None)
    trees = next((each for each in _device_trees(root, version) if (each / "broadcom").is_dir()), None)
    if kernel is None or trees is None:
        raise BadInput(f"the base lacks kernel or device trees of {version}")
    return BootFiles(version, kernel, initrd, trees, root / "usr/lib/raspi-firmware")


def _device_trees(root: Path, version: str) -> list[Path]:
    modules = root / "usr/lib/modules" / version
    return [modules / "dtb", modules / "dtbs", root / "usr/lib" / f"linux-image-{version}"]


def furnish(root: Path, kind: Kind, board: str, origin: Origin, work: Kept, keyring: Path | None = None) -> None:
    """Make of the base in `root` what is to run: everything but trimming and checking."""
    _overlay(root, kind, origin)
    if keyring is not None:
        _take_keyring(root, keyring)
    with emulated(root) as inside:
        software.install(root, origin, work.cache, work.base, inside, compiler(work.native, inside))
    _accounts_and_units(root)
    _stamp(root, kind, board, origin)


def _overlay(root: Path, kind: Kind, origin: Origin) -> None:
    """Lay the files of `image/root/common` and of the kind over it: their modes as in the checkout, root's own."""
    for layer in ("common", kind):
        above = f"{OVERLAY}/{layer}"
        for name in origin.files(above):
            source, target = origin.checkout / name, root / Path(name).relative_to(above)
            if target.is_symlink():
                target.unlink()
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_symlink():
                target.symlink_to(os.readlink(source))
                continue
            shutil.copyfile(source, target)
            target.chmod(0o755 if source.stat().st_mode & stat.S_IXUSR else 0o644)


def _take_keyring(root: Path, keyring: Path) -> None:
    """Put the certificates by which updates are believed where RAUC looks. BadInput if there is a key among them."""
    text = keyring.read_text("ascii", "replace")
    if "BEGIN CERTIFICATE" not in text or "PRIVATE KEY" in text:
        raise BadInput(f"{keyring}: certificates are wanted here, in PEM, and nothing else")
    target = root / "etc/rauc/keyring.pem"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    target.chmod(0o644)


@contextmanager
def emulated(root: Path) -> Iterator[list[str | Path]]:
    """Give how a program is run inside `root`, which has no /proc and no devices but these."""
    ready_to_emulate()
    null = root / "dev/null"
    null.parent.mkdir(exist_ok=True)
    if not null.exists():
        os.mknod(null, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    try:
        yield ["chroot", root, "/usr/bin/env", "-i", "PATH=/usr/bin:/usr/sbin", "LC_ALL=C.UTF-8", "HOME=/tmp",
               "PYTHONHASHSEED=0", "PYTHONDONTWRITEBYTECODE=1"]  # fmt: skip
    finally:
        null.unlink()


def _accounts_and_units(root: Path) -> None:
    """Make the accounts that files ask for, switch on the units that presets name; both from outside."""
    need(["systemd-sysusers", "systemctl"])
    call(["systemd-sysusers", f"--root={root}"])
    give_shells(root)
    call(["systemctl", f"--root={root}", "--preset-mode=full", "preset-all"])
    # What a unit switches on together with itself (Also=) is not asked for by name, and may be told off by ours.
    presets = sorted((root / "usr/lib/systemd/system-preset").glob("*shelfwire*.preset"))
    words = [line.split() for each in presets for line in lines_of(each.read_text())]
    if unwanted := [name for action, name in words if action == "disable" and "*" not in name and "@" not in name]:
        call(["systemctl", f"--root={root}", "disable", *unwanted])
    for name in ("etc/resolv.conf", "etc/hostname", "etc/machine-id", "var/lib/dbus/machine-id"):
        (root / name).unlink(missing_ok=True)
    (root / "etc/resolv.conf").symlink_to("../run/systemd/resolve/stub-resolv.conf")
    (root / "etc/hostname").write_text("shelfwire\n")
    # Empty: systemd makes one of its own at each boot, and does not take each boot for the first.
    (root / "etc/machine-id").touch(mode=0o444)
    for name in ("data", "boot/config"):
        (root / name).mkdir(parents=True, exist_ok=True)


def _stamp(root: Path, kind: Kind, board: str, origin: Origin) -> None:
    """Say in the root what it is, and what it is made of."""
    target = root / RELEASE_FILE.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    release = {"version": origin.version, "commit": origin.commit, "built": origin.epoch, "kind": kind, "board": board}
    target.write_text(json.dumps(release, indent=1) + "\n")
    components = sbom.debian_packages((root / "var/lib/dpkg/status").read_text("utf-8"))
    for each in sorted((root / "opt/shelfwire").glob("*.dist-info/METADATA")):
        components.append(sbom.wheel(each.read_text("utf-8")))
    for each in sorted((root / "usr/lib/modules").glob("*/updates/*.ko")):
        components.append(sbom.Component("generic", each.stem, origin.version))
    name = f"shelfwire-{kind}-{board}"
    (root / BILL).write_text(sbom.cyclonedx(name, origin.version, origin.commit, origin.epoch, components))
    # systemd's clock never starts before this file's time.
    (root / "usr/lib/clock-epoch").touch()


def trim(root: Path, recipe: Path = RECIPE) -> None:
    """Take out what the recipe says, and tell the kernel's tools what drivers are left."""
    for pattern in lines_of((recipe / "trim.txt").read_text()):
        for path in list(root.glob(pattern)):
            if path.name in (".", ".."):
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    for each in list((root / "usr/share/doc").rglob("*")):
        if each.is_symlink() or (each.is_file() and each.name != "copyright"):
            each.unlink()
    need(["depmod"])
    for each in (root / "usr/lib/modules").iterdir():
        call(["depmod", "-b", root, each.name])
    for name in ("data", "boot/config"):
        (root / name).mkdir(parents=True, exist_ok=True)


def size_mib(root: Path) -> int:
    """Give how much the files of the tree hold."""
    total = 0
    for folder, _, names in os.walk(root):
        total += sum(Path(folder, name).lstat().st_size for name in names)
    return total // MIB


def judge(root: Path) -> int:
    """Give the tree's size in MiB. NotFit if it may not leave the house, with every reason."""
    wrong = findings(root)
    if (size := size_mib(root)) > LIMIT_MIB:
        wrong.append(f"the root tree has {size} MiB, the limit is {LIMIT_MIB}")
    if wrong:
        raise NotFit("the root is not fit to leave:\n  " + "\n  ".join(wrong))
    return size
