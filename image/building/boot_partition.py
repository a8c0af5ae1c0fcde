"""What lies on the FAT partitions: firmware, kernel, initrd, device trees, and the lines that the firmware reads."""

from __future__ import annotations

import shutil
from pathlib import Path

from image.building.base import RECIPE
from image.building.root import BootFiles
from image.errors import BadInput
from image.layout import Layout, Slot, autoboot_text, kernel_command

COMMAND_FILE = "cmdline.txt"


def command_file(slot: Slot) -> str:
    """Give the name of the file that holds the command line of `slot`, for whoever installs a boot partition there."""
    return f"cmdline-{slot}.txt"


_PI_4_AND_5 = ("bcm2711-rpi-4-b", "bcm2711-rpi-400", "bcm2711-rpi-cm4-io", "bcm2712-rpi-5-b", "bcm2712-d-rpi-5-b")
_PI_3_AND_ZERO_2 = (
    "bcm2837-rpi-3-a-plus",
    "bcm2837-rpi-3-b",
    "bcm2837-rpi-3-b-plus",
    "bcm2837-rpi-cm3-io3",
    "bcm2837-rpi-zero-2-w",
)
_MUST_HAVE = {
    "two-slots": ("bcm2711-rpi-4-b", "bcm2712-rpi-5-b"),
    "one-slot": _PI_3_AND_ZERO_2[1:3] + _PI_3_AND_ZERO_2[4:],
}
_FIRMWARE = {
    "two-slots": ("start4.elf", "fixup4.dat"),  # a Raspberry Pi 5 has its own in its EEPROM
    "one-slot": ("bootcode.bin", "start.elf", "fixup.dat"),
}


def slot_files(target: Path, layout: Layout, found: BootFiles, recipe: Path = RECIPE) -> None:
    """Fill the folder `target` with what a boot slot holds, the same for each slot: it lacks only `cmdline.txt`.

    Whoever puts it into a slot copies `cmdline-a.txt` or `cmdline-b.txt` there under that name.
    BadInput if the base lacks a device tree or a firmware file.
    """
    target.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(found.kernel, target / "vmlinuz")
    shutil.copyfile(found.initrd, target / "initrd.img")
    shutil.copyfile(recipe / "boot" / f"config-{layout.name}.txt", target / "config.txt")
    for name in _FIRMWARE[layout.name]:
        if not (found.firmware / name).exists():
            raise BadInput(f"raspi-firmware has no {name}")
        shutil.copyfile(found.firmware / name, target / name)
    for name in _PI_4_AND_5 if layout.name == "two-slots" else _PI_3_AND_ZERO_2:
        tree = found.device_trees / "broadcom" / f"{name}.dtb"
        if tree.exists():
            shutil.copyfile(tree, target / tree.name)
        elif name in _MUST_HAVE[layout.name]:
            raise BadInput(f"the kernel has no device tree {name}")
    for slot in layout.slots:
        (target / command_file(slot)).write_text(kernel_command(layout, slot) + "\n")


def config_files(target: Path, layout: Layout, found: BootFiles | None, recipe: Path = RECIPE) -> None:
    """Fill the folder `target` with what p1 holds beside a boot slot: the technician's file, the choice of a slot."""
    target.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(recipe / "boot" / "shelfwire.toml", target / "shelfwire.toml")
    if len(layout.slots) > 1:
        (target / "autoboot.txt").write_text(autoboot_text(layout, "a"))
        if found is not None and (found.firmware / "bootcode.bin").exists():
            # Boards before the 4 read it from here, and say so on their screen rather than nothing at all.
            shutil.copyfile(found.firmware / "bootcode.bin", target / "bootcode.bin")
