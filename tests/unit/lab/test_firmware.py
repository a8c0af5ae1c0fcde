"""What the firmware's part picks: the boot partition by autoboot.txt, and what config.txt names there."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import pytest

from image.layout import TWO_SLOTS, autoboot_text
from tests.lab.disk import Part, copied, partitions, taken_out
from tests.lab.firmware import boot_partition, sections, started_by

SECTOR = 512


def mbr(*entries: tuple[int, int, int]) -> bytes:
    table = b"".join(struct.pack("<4xB3xII", *each) for each in entries).ljust(64, b"\0")
    return bytes(446) + table + b"\x55\xaa"


@pytest.mark.parametrize("slot", ["a", "b"])
def test_the_text_of_our_own_layout(slot: str) -> None:
    text = autoboot_text(TWO_SLOTS, "a" if slot == "a" else "b")
    committed, other = (2, 3) if slot == "a" else (3, 2)
    assert boot_partition(text, tryboot=False) == committed
    assert boot_partition(text, tryboot=True) == other


@pytest.mark.parametrize(
    ("text", "tryboot", "picked"),
    [
        ("", False, 1),
        ("boot_partition=2", False, 2),
        ("boot_partition=2", True, 2),
        ("[all]\r\nboot_partition=3\r\n", False, 3),
        ("[tryboot]\nboot_partition=3\n[all]\nboot_partition=2\n", True, 2),
        ("# boot_partition=3\nboot_partition=2 # was 3", False, 2),
        ("boot_partition=two", False, 1),
        ("[none]\nboot_partition=7", False, 1),
    ],
)
def test_autoboot(text: str, tryboot: bool, picked: int) -> None:
    assert boot_partition(text, tryboot=tryboot) == picked


def test_config_holds_for_the_board_only() -> None:
    text = (
        "arm_64bit=1\n[pi5]\nkernel=five\n[pi4]\nkernel=four\ninitramfs initrd.img followkernel\n[all]\ncmdline=c.txt\n"
    )
    assert list(sections("a\n[x]\nb\n[all]\nc")) == ["a", "c"]
    said = started_by(text, frozenset({"pi4"}))
    assert {"kernel": "four", "initramfs": "initrd.img", "cmdline": "c.txt"}.items() <= said.items()
    assert started_by(text, frozenset({"pi5"}))["kernel"] == "five"


def test_the_chain_of_logical_partitions(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with disk.open("wb") as file:
        file.write(mbr((0x0C, 8, 8), (0x0F, 16, 32)))
        file.seek(16 * SECTOR)
        file.write(mbr((0x83, 1, 7), (0x05, 8, 8)))
        file.seek(24 * SECTOR)
        file.write(mbr((0x83, 2, 6)))
        file.write(b"the second logical one begins a sector later".ljust(2 * SECTOR, b"."))
        file.truncate(64 * SECTOR)
    assert partitions(disk) == [Part(1, 0x0C, 8, 8), Part(2, 0x0F, 16, 32), Part(5, 0x83, 17, 7), Part(6, 0x83, 26, 6)]
    six = taken_out(disk, 6, tmp_path / "six").read_bytes()
    assert six == b"." * SECTOR + bytes(5 * SECTOR)
    larger = copied(disk, tmp_path / "copy", 1 << 20)
    assert larger.stat().st_size == 1 << 20
    assert larger.read_bytes()[: 64 * SECTOR] == disk.read_bytes()


def test_no_table_no_partitions(tmp_path: Path) -> None:
    (tmp_path / "disk").write_bytes(bytes(4096))
    assert partitions(tmp_path / "disk") == []
    with pytest.raises(subprocess.CalledProcessError):
        copied(tmp_path / "none", tmp_path / "copy")
