"""Where everything lies on a machine's card: partitions, sizes, labels, PARTUUIDs and mount points, as plain data.

The builder writes disks by it, updates find their slots by it, and the lab plays the firmware by it. MBR, because GPT
with `autoboot.txt` is reported to fail on boards in the field (rpi-eeprom#654, firmware#1733, #818):

    p1 SWCONFIG  FAT   autoboot.txt, shelfwire.toml of the technician (and bootcode.bin)
    p2 SWBOOT-A  FAT   firmware, kernel, initrd, device trees of slot A
    p3 SWBOOT-B  FAT   the same of slot B
    p4           extended
    p5           squashfs, root of slot A
    p6           squashfs, root of slot B
    p7 SWDATA    ext4  everything that must survive an update; grown to the end of the card at first boot

A board with one slot (`ONE_SLOT`) boots from p1 itself, which is larger there; its root is p5 and its data p6.
File systems are mounted by label, roots by PARTUUID, so that neither depends on how the card is attached.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MIB = 1024 * 1024
SECTOR = 512
DISK_SIGNATURE = 0x53574C31
"""The MBR's 32 bits. Every card has the same, for the boot files name the root by it."""

CONFIG_LABEL = "SWCONFIG"
DATA_LABEL = "SWDATA"
CONFIG_MOUNT = "/boot/config"
DATA_MOUNT = "/data"
CONFIG_FILE = f"{CONFIG_MOUNT}/shelfwire.toml"
"""What the technician writes before the first boot: invitation, Wi-Fi, static address, time server."""
AUTOBOOT_FILE = f"{CONFIG_MOUNT}/autoboot.txt"
"""Which boot partition the firmware takes, and which it tries once."""
SOFTWARE = "/opt/shelfwire"
"""Our packages and the pinned wheels."""
RELEASE_FILE = "/usr/lib/shelfwire/release.json"
"""Version, commit, kind and board of what is installed: written by the builder, read by whoever reports it."""

Slot = Literal["a", "b"]
SLOTS: tuple[Slot, ...] = ("a", "b")


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition. `start_mib` is its first byte; a logical one has its own table one MiB before that."""

    number: int
    name: str  # config, boot-a, boot-b, extended, root-a, root-b, data
    kind: Literal["vfat", "extended", "squashfs", "ext4"]
    start_mib: int
    size_mib: int
    label: str = ""
    mount: str = ""

    @property
    def mbr_type(self) -> int:
        """Give the type byte of the partition table: FAT32 (LBA), extended (LBA) or Linux."""
        return {"vfat": 0x0C, "extended": 0x0F}.get(self.kind, 0x83)

    @property
    def end_mib(self) -> int:
        """Give the first MiB after it."""
        return self.start_mib + self.size_mib

    @property
    def partuuid(self) -> str:
        """Give the name that kernel and udev know it by (/dev/disk/by-partuuid/…)."""
        return f"{DISK_SIGNATURE:08x}-{self.number:02x}"

    @property
    def device(self) -> str:
        """Give the path of the stable link that udev makes for it."""
        return f"/dev/disk/by-partuuid/{self.partuuid}"


@dataclass(frozen=True, slots=True)
class Layout:
    """A whole card as it is flashed; the data partition grows on the machine itself."""

    name: str
    slots: tuple[Slot, ...]
    partitions: tuple[Partition, ...]

    def partition(self, name: str) -> Partition:
        """Give the partition called `name`. KeyError if this layout has none."""
        for each in self.partitions:
            if each.name == name:
                return each
        raise KeyError(name)

    def boot(self, slot: Slot) -> Partition:
        """Give the FAT partition from which `slot` is started."""
        return self.partition(f"boot-{slot}" if len(self.slots) > 1 else "config")

    def root(self, slot: Slot) -> Partition:
        """Give the partition that holds the root of `slot`."""
        return self.partition(f"root-{slot}")

    @property
    def size_mib(self) -> int:
        """Give the size of the flashed image."""
        return max(each.end_mib for each in self.partitions)


CONFIG_MIB = 64
"""Enough clusters for FAT32 proper: with fewer, programs disagree on what it is."""
BOOT_MIB = 192
ROOT_MIB = 768
DATA_MIB = 128
"""What is flashed; on the machine it takes the rest of the card."""


def _placed(name: str, slots: tuple[Slot, ...], primaries: tuple[tuple[str, str, int], ...]) -> Layout:
    """Lay out the FAT partitions `primaries` (name, label, MiB), then the extended one with roots and data in it."""
    partitions: list[Partition] = []
    at = 1  # the first MiB is the partition table's
    for number, (called, label, size) in enumerate(primaries, start=1):
        mount = CONFIG_MOUNT if called == "config" else ""
        partitions.append(Partition(number, called, "vfat", at, size, label, mount))
        at += size
    logical: list[Partition] = []
    inside = at
    for slot in slots:
        logical.append(Partition(5 + len(logical), f"root-{slot}", "squashfs", inside + 1, ROOT_MIB))
        inside += 1 + ROOT_MIB
    logical.append(Partition(5 + len(logical), "data", "ext4", inside + 1, DATA_MIB, DATA_LABEL, DATA_MOUNT))
    inside += 1 + DATA_MIB
    partitions.append(Partition(4, "extended", "extended", at, inside - at))
    return Layout(name, slots, (*partitions, *logical))


TWO_SLOTS = _placed(
    "two-slots",
    SLOTS,
    (("config", CONFIG_LABEL, CONFIG_MIB), ("boot-a", "SWBOOT-A", BOOT_MIB), ("boot-b", "SWBOOT-B", BOOT_MIB)),
)
"""Raspberry Pi 4 and 5: an update goes to the other slot, and is tried before it is kept."""

ONE_SLOT = _placed("one-slot", ("a",), (("config", CONFIG_LABEL, CONFIG_MIB + BOOT_MIB),))
"""Raspberry Pi 3 and Zero 2 W: flashed anew, until trying a slot was proved on them."""


def kernel_command(layout: Layout, slot: Slot) -> str:
    """Give the kernel's command line by which `slot` is started: one line, without a line break.

    A panic restarts the machine, which ends a try of a slot that cannot start (the firmware tries it only once).
    """
    return " ".join(
        (
            f"root={layout.root(slot).device}",
            "rootfstype=squashfs",
            "ro",
            "rootwait",
            f"shelfwire.slot={slot}",
            "systemd.volatile=state",
            "panic=10",
            # Pieces of 2 MiB are given out before they are needed; 14 MiB of a station's were in such.
            "transparent_hugepage=madvise",
            "quiet",
            "console=tty1",
            "net.ifnames=0",
            "fsck.mode=auto",
            "fsck.repair=yes",
        )
    )


def autoboot_text(layout: Layout, slot: Slot) -> str:
    """Give `autoboot.txt` for a machine whose committed slot is `slot` (its `[tryboot]` names the other one)."""
    if len(layout.slots) == 1:
        return f"[all]\nboot_partition={layout.boot(slot).number}\n"
    other: Slot = "b" if slot == "a" else "a"
    return (
        "[all]\ntryboot_a_b=1\n"
        f"boot_partition={layout.boot(slot).number}\n"
        "[tryboot]\n"
        f"boot_partition={layout.boot(other).number}\n"
    )
