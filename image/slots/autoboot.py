"""Reads `autoboot.txt`, by which a Raspberry Pi's firmware takes a boot partition, and says which slot that is.

    [all]                   read without looking for more than is needed: sections, and boot_partition in [all];
    tryboot_a_b=1           what has no plain answer is no answer at all
    boot_partition=2
    [tryboot]
    boot_partition=3

Raspberry Pi documentation, "config.txt", section "autoboot.txt": at most 512 bytes, filters [all], [none], [tryboot].
"""

from __future__ import annotations

import re
from typing import Final

from image.layout import SLOTS, TWO_SLOTS, Slot, autoboot_text

MAX_BYTES: Final = 512
_SECTION: Final = re.compile(r"\[([a-z0-9_=]+)\]")


def read_autoboot(data: bytes) -> Slot | None:
    """Say which slot the firmware starts when nothing is to be tried; None: the file does not say, or not so that the
    other slot would be the one tried."""
    if len(data) > MAX_BYTES:
        return None
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError:
        return None
    section, said = "all", dict[tuple[str, str], str]()
    for line in (raw.strip() for raw in text.splitlines()):
        if not line or line.startswith("#"):
            continue
        if found := _SECTION.fullmatch(line):
            section = found[1]
            continue
        key, equals, value = line.partition("=")
        if not equals:
            return None
        said[section, key.strip()] = value.strip()
    if said.get(("all", "tryboot_a_b")) != "1":
        return None
    taken = said.get(("all", "boot_partition"), "")
    tried = said.get(("tryboot", "boot_partition"), "")
    for slot in SLOTS:
        if (taken, tried) == (str(TWO_SLOTS.boot(slot).number), str(TWO_SLOTS.boot(other_slot(slot)).number)):
            return slot
    return None


def write_autoboot(slot: Slot) -> bytes:
    """Write the file of a machine whose committed slot is `slot`."""
    return autoboot_text(TWO_SLOTS, slot).encode("ascii")


def other_slot(slot: Slot) -> Slot:
    """Give the slot that is not this one."""
    return "b" if slot == "a" else "a"
