"""Looking into a finished image: what it is, what is in it, and whether it may leave the house. Mounts nothing."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from image.building.checks import findings
from image.building.partition_table import partitions_of
from image.building.programs import call, need
from image.building.root import BILL, LIMIT_MIB, size_mib
from image.errors import BadInput
from image.layout import MIB, ONE_SLOT, RELEASE_FILE, SECTOR, TWO_SLOTS, Layout, Slot, autoboot_text, kernel_command

_RULE = re.compile(r"^\s*(?:[^#\n]*\b)?(tcp|udp) dport (\{[^}]*\}|\S+)[^#\n]*\baccept\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Contents:
    """What an image holds."""

    layout: str
    version: str
    commit: str
    kind: str
    board: str
    kernel: str
    packages: dict[str, str]  # Debian's, by name
    wheels: dict[str, str]
    units: list[str]  # switched on, sorted
    users: dict[str, int]  # every account and its number
    may_log_in: list[str]  # accounts with a shell
    ports: list[str]  # that the firewall lets in: "tcp 8443"
    boot_files: dict[str, int]  # of slot A, with their bytes
    card_mib: int
    root_tree_mib: int
    squashfs_mib: int
    wrong: list[str]


def inspect(path: Path) -> Contents:
    """Look into `path`: an image, packed (.img.xz) or not. BadInput if it is none of ours."""
    need(["unsquashfs", "mcopy", "xz"])
    with _unpacked(path) as disk, tempfile.TemporaryDirectory(prefix="shelfwire-inspect-") as temporary:
        layout, wrong = _table(disk)
        tree = Path(temporary, "root")
        partition = layout.root("a")
        call(["unsquashfs", "-q", "-n", "-no-xattrs", "-o", str(partition.start_mib * MIB), "-d", tree, disk])
        wrong += _boot(disk, layout)
        files = _listing(disk, layout.boot("a").start_mib * MIB)
        return _contents(disk, layout, tree, files, wrong)


def _contents(disk: Path, layout: Layout, tree: Path, files: dict[str, int], wrong: list[str]) -> Contents:
    try:
        release = json.loads((tree / RELEASE_FILE.lstrip("/")).read_text())
        bill = json.loads((tree / BILL).read_text())
    except (OSError, ValueError) as error:
        raise BadInput(f"the root does not say what it is: {error}") from error
    tree_mib = size_mib(tree)
    wrong = wrong + findings(tree)
    if tree_mib > LIMIT_MIB:
        wrong.append(f"the root tree has {tree_mib} MiB, the limit is {LIMIT_MIB}")
    users = _users(tree)
    kernels = sorted(each.name for each in (tree / "usr/lib/modules").glob("*"))
    return Contents(
        layout=layout.name,
        version=release["version"],
        commit=release["commit"],
        kind=release["kind"],
        board=release["board"],
        kernel=", ".join(kernels),
        packages=_named(bill, "pkg:deb/"),
        wheels=_named(bill, "pkg:pypi/"),
        units=sorted({each.name for each in (tree / "etc/systemd/system").glob("*.wants/*")}),
        users={name: number for name, (number, _) in users.items()},
        may_log_in=sorted(
            name for name, (_, shell) in users.items() if not shell.endswith(("nologin", "false", "sync"))
        ),
        ports=_ports(tree),
        boot_files=files,
        card_mib=disk.stat().st_size // MIB,
        root_tree_mib=tree_mib,
        squashfs_mib=_squashfs_bytes(disk, layout.root("a").start_mib * MIB) // MIB,
        wrong=sorted(wrong),
    )


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    """Give `path` as a plain card."""
    if path.suffix != ".xz":
        if not path.is_file():
            raise BadInput(f"{path}: no such file")
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="shelfwire-card-") as temporary:
        plain = Path(temporary, "card.img")
        # xz leaves holes where it writes zeros to a file.
        with plain.open("wb") as file:
            done = subprocess.run(["xz", "-dc", "-T", "0", path], stdout=file, stderr=subprocess.PIPE, check=False)
        if done.returncode:
            raise BadInput(done.stderr.decode("utf-8", "replace").strip())
        yield plain


def _table(disk: Path) -> tuple[Layout, list[str]]:
    """Find which layout the table is of, and what is wrong with it."""
    with disk.open("rb") as file:

        def read(offset: int) -> bytes:
            file.seek(offset)
            return file.read(SECTOR)

        found = {each.number: (each.start, each.size) for each in partitions_of(read)}
    for layout in (TWO_SLOTS, ONE_SLOT):
        meant = {each.number: (each.start_mib * MIB, each.size_mib * MIB) for each in layout.partitions}
        if meant == found:
            short = disk.stat().st_size < layout.size_mib * MIB
            return layout, ["the card ends before its last partition does"] if short else []
    raise BadInput(f"{disk}: its partitions are of no layout that we know")


def _listing(disk: Path, offset: int) -> dict[str, int]:
    """Give the files of the FAT partition at `offset`, with their bytes."""
    words = call(["mdir", "-b", "-f", "-i", f"{disk}@@{offset}", "::"]).decode()
    names = sorted(line.removeprefix("::/") for line in words.splitlines() if line.startswith("::/"))
    return {name: len(_text(disk, offset, name)) for name in names if not name.endswith("/")}


def _text(disk: Path, offset: int, name: str) -> bytes:
    return call(["mtype", "-i", f"{disk}@@{offset}", f"::{name}"])


def _boot(disk: Path, layout: Layout) -> list[str]:
    """Give what is wrong with what the firmware will read."""
    wrong = []
    first: Slot = "a"
    offset = layout.boot(first).start_mib * MIB
    files = _listing(disk, offset)
    wrong += [
        f"boot: no {name}" for name in ("config.txt", "cmdline.txt", "vmlinuz", "initrd.img") if name not in files
    ]
    if "cmdline.txt" in files and _text(disk, offset, "cmdline.txt").decode().strip() != kernel_command(layout, first):
        wrong.append("boot: cmdline.txt is not that of slot a")
    config = layout.partition("config").start_mib * MIB
    names = _listing(disk, config)
    if "shelfwire.toml" not in names:
        wrong.append("config: no shelfwire.toml")
    if len(layout.slots) > 1:
        said = _text(disk, config, "autoboot.txt").decode() if "autoboot.txt" in names else ""
        if said != autoboot_text(layout, first):
            wrong.append("config: autoboot.txt does not start slot a")
    return wrong


def _squashfs_bytes(disk: Path, offset: int) -> int:
    with disk.open("rb") as file:
        file.seek(offset + 40)  # of its superblock: bytes used, 64 bits
        return int.from_bytes(file.read(8), "little")


def _named(bill: dict[str, list[dict[str, str]]], prefix: str) -> dict[str, str]:
    return {each["name"]: each["version"] for each in bill["components"] if each["purl"].startswith(prefix)}


def _users(tree: Path) -> dict[str, tuple[int, str]]:
    rows = (line.split(":") for line in (tree / "etc/passwd").read_text().splitlines() if line.count(":") == 6)
    return {fields[0]: (int(fields[2]), fields[6]) for fields in rows}


def _ports(tree: Path) -> list[str]:
    """Give what the firewall's rules let in, as they are written."""
    rules = tree / "etc/nftables.conf"
    if not rules.is_file():
        return []
    return sorted({f"{protocol} {ports}" for protocol, ports in _RULE.findall(rules.read_text())})
