"""A whole card, of a root of a few files, made by Debian's own tools: others read it, and it is the same twice."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path

import pytest

from image.building import boot_partition, card, file_systems
from image.building.building import compose
from image.building.inspecting import inspect
from image.building.root import BILL, BootFiles
from image.building.sbom import Component, cyclonedx
from image.layout import MIB, ONE_SLOT, TWO_SLOTS, Layout
from shelfwire.cli import main

pytestmark = pytest.mark.needs_image
EPOCH = 1_790_000_000


def make_root(folder: Path) -> Path:
    """Make a root with the least that an image says of itself."""
    files = {
        "etc/passwd": "root:x:0:0::/root:/bin/bash\nshelfwire:x:800:800::/data:/usr/sbin/nologin\n",
        "etc/shadow": "root:*:1::::::\nshelfwire:!:1::::::\n",
        "etc/machine-id": "",
        "etc/nftables.conf": "table inet f {\n chain in {\n  # tcp dport 1 accept\n  tcp dport 8883 accept\n }\n}\n",
        "usr/lib/modules/7.3.4/modules.dep": "",
        "usr/lib/shelfwire/release.json": json.dumps(
            {"version": "0.1.0", "commit": "c" * 40, "built": EPOCH, "kind": "station", "board": "pi4-pi5"}
        ),
        BILL: cyclonedx("s", "0.1.0", "c", EPOCH, [Component("deb", "x", "1", "arm64"), Component("pypi", "y", "2")]),
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    wants = folder / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(parents=True)
    (wants / "shelfwire-agent.service").symlink_to("/usr/lib/systemd/system/shelfwire-agent.service")
    return folder


def make_base(folder: Path) -> BootFiles:
    """Make what a base has for the boot partition."""
    trees = folder / "dtbs"
    (trees / "broadcom").mkdir(parents=True)
    for name in (
        "bcm2711-rpi-4-b",
        "bcm2712-rpi-5-b",
        "bcm2837-rpi-3-b",
        "bcm2837-rpi-3-b-plus",
        "bcm2837-rpi-zero-2-w",
    ):
        (trees / "broadcom" / f"{name}.dtb").write_bytes(name.encode())
    firmware = folder / "firmware"
    firmware.mkdir()
    for name in ("bootcode.bin", "start.elf", "fixup.dat", "start4.elf", "fixup4.dat"):
        (firmware / name).write_bytes(name.encode() * 100)
    (folder / "vmlinuz").write_bytes(os.urandom(100_000))
    (folder / "initrd").write_bytes(os.urandom(50_000))
    return BootFiles("7.3.4", folder / "vmlinuz", folder / "initrd", trees, firmware)


def make_card(work: Path, layout: Layout, found: BootFiles) -> Path:
    """Make the card, from new copies of everything."""
    root = make_root(work / "root")
    boot_partition.slot_files(work / "boot", layout, found)
    boot_partition.config_files(work / "config", layout, found)
    squashfs = work / "root.squashfs"
    file_systems.squashfs(squashfs, root, EPOCH, quick=True, limit_mib=1)
    return compose(work / "card.img", layout, work, squashfs, work / "boot.vfat", EPOCH)


@pytest.mark.parametrize("layout", [TWO_SLOTS, ONE_SLOT], ids=lambda layout: layout.name)
def test_the_same_files_give_the_same_card_and_others_read_what_we_wrote(layout: Layout, tmp_path: Path) -> None:
    found = make_base(tmp_path / "base")
    maps = set()
    for name in ("one", "two"):
        work = tmp_path / name
        work.mkdir()
        made = make_card(work, layout, found)
        maps.add(card.block_map(made))
    assert len(maps) == 1

    contents = inspect(made)
    assert contents.wrong == []
    assert (contents.layout, contents.kind, contents.version) == (layout.name, "station", "0.1.0")
    assert contents.packages == {"x": "1"}
    assert contents.wheels == {"y": "2"}
    assert contents.units == ["shelfwire-agent.service"]
    assert contents.ports == ["tcp 8883"]
    assert contents.users == {"root": 0, "shelfwire": 800}
    assert contents.boot_files["vmlinuz"] == 100_000

    data = layout.partition("data")
    plain = tmp_path / "data.ext4"
    with made.open("rb") as file, plain.open("wb") as copy:
        file.seek(data.start_mib * MIB)
        copy.write(file.read(data.size_mib * MIB))
    told = subprocess.run(["dumpe2fs", "-h", plain], capture_output=True, check=True, text=True).stdout
    fields = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in told.splitlines())}
    assert fields["Filesystem volume name"] == "SWDATA"
    assert fields["Block size"] == "4096"
    assert fields["Filesystem state"] == "clean"
    assert fields["Errors behavior"] == "Remount read-only"
    assert subprocess.run(["e2fsck", "-fn", plain], capture_output=True, check=False).returncode == 0
    # It grows to a card of 16 GB without being made anew.
    with plain.open("r+b") as file:
        file.truncate(16_000 * MIB)
    assert subprocess.run(["resize2fs", plain], capture_output=True, check=False).returncode == 0


def test_the_packed_card_is_what_was_packed_and_bmaptool_takes_its_map(tmp_path: Path) -> None:
    made = tmp_path / "card.img"
    with made.open("wb") as file:
        file.truncate(24 * MIB)
        for at, size in ((0, 512), (1 * MIB, 3_000_000), (9 * MIB, 4096), (24 * MIB - 4096, 4096)):
            file.seek(at)
            file.write(os.urandom(size))
    packed = card.pack(made, keep=True)
    flashed = tmp_path / "flashed.img"
    subprocess.run(
        ["bmaptool", "copy", "--no-sig-verify", "--bmap", packed.bmap, packed.image, flashed],
        capture_output=True,
        check=True,
    )
    assert flashed.read_bytes() == made.read_bytes()
    digest, name = packed.checksum.read_text().split()
    assert name == packed.image.name
    assert digest == hashlib.sha256(packed.image.read_bytes()).hexdigest()
    again = card.pack(made)
    assert again.bmap.read_bytes() == packed.bmap.read_bytes()
    assert hashlib.sha256(again.image.read_bytes()).hexdigest() == digest
    assert not made.exists()


def test_a_card_with_something_in_it_that_must_not_be_is_told_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = make_base(tmp_path / "base")
    root = make_root(tmp_path / "root")
    (root / "etc/shadow").write_text("root:$y$j9T$abc:1::::::\n")
    boot_partition.slot_files(tmp_path / "boot", TWO_SLOTS, found)
    boot_partition.config_files(tmp_path / "config", TWO_SLOTS, found)
    (tmp_path / "config/autoboot.txt").write_text("[all]\nboot_partition=3\n")
    squashfs = tmp_path / "root.squashfs"
    file_systems.squashfs(squashfs, root, EPOCH, quick=True, limit_mib=1)
    made = compose(tmp_path / "card.img", TWO_SLOTS, tmp_path, squashfs, tmp_path / "boot.vfat", EPOCH)
    assert main(["image", "inspect", str(made)]) == 1
    told = capsys.readouterr().out
    assert "etc/shadow: root has a password" in told
    assert "config: autoboot.txt does not start slot a" in told
    assert "not fit to leave" in told


def test_a_file_that_is_no_card_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.img").write_bytes(bytes(4096))
    assert main(["image", "inspect", str(tmp_path / "x.img")]) == 1
    assert "no partition table" in capsys.readouterr().err
