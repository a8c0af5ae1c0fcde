"""A Raspberry Pi 3 as far as QEMU has one (`-M raspi3b`): its firmware's mailbox is there, and logs what it is asked.

    device tree   of our own: what the mailbox needs and no more; the image's boot partition has those of other boards
    initrd        the image's own shell, kmod and libraries, the module under test, and a script that says when it ends

QEMU answers property tags that it does not know by success of the message and a tag without a value, and logs each
(hw/misc/bcm2835_property.c, `-d unimp`). So what reaches the firmware is seen, and so is what its ignorance comes to.
"""

from __future__ import annotations

import asyncio
import shutil
import stat
import struct
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from image.layout import Layout
from tests.lab.bundles import BYTES_USED
from tests.lab.disk import taken_out

Tree = Mapping[str, "Tree | Sequence[int] | str | None"]
"""Properties as cells of 32 bits, text (NUL between strings) or None (there, and empty); and nodes by their names."""

_MAGIC, _VERSION, _READABLE_BY = 0xD00DFEED, 17, 16
_BEGIN, _END, _PROPERTY, _DONE = 1, 2, 3, 9

_LOCAL, _PERIPHERALS, _MAILBOX, _CLOCK = 1, 2, 3, 4  # phandles
BOARD: Final[Tree] = {
    "#address-cells": [1],
    "#size-cells": [1],
    "compatible": "raspberrypi,3-model-b\0brcm,bcm2837",
    "model": "Raspberry Pi 3, its mailbox",
    "interrupt-parent": [_LOCAL],
    "chosen": {"bootargs": "", "stdout-path": "/soc/serial@7e201000:115200n8"},
    "cpus": {
        "#address-cells": [1],
        "#size-cells": [0],
        "cpu@0": {"device_type": "cpu", "compatible": "arm,cortex-a53", "reg": [0]},
    },
    "memory@0": {"device_type": "memory", "reg": [0, 0x3B400000]},
    "timer": {"compatible": "arm,armv8-timer", "interrupts": [0, 4, 1, 4, 3, 4, 2, 4], "always-on": None},
    "clock": {"compatible": "fixed-clock", "#clock-cells": [0], "clock-frequency": [48_000_000], "phandle": [_CLOCK]},
    "soc": {
        "compatible": "simple-bus",
        "#address-cells": [1],
        "#size-cells": [1],
        "ranges": [0x7E000000, 0x3F000000, 0x01000000, 0x40000000, 0x40000000, 0x00001000],
        "dma-ranges": [0xC0000000, 0x00000000, 0x3F000000],
        "interrupt-controller@40000000": {
            "compatible": "brcm,bcm2836-l1-intc",
            "reg": [0x40000000, 0x100],
            "interrupt-controller": None,
            "#interrupt-cells": [2],
            "phandle": [_LOCAL],
        },
        "interrupt-controller@7e00b200": {
            "compatible": "brcm,bcm2836-armctrl-ic",
            "reg": [0x7E00B200, 0x200],
            "interrupt-controller": None,
            "#interrupt-cells": [2],
            "interrupt-parent": [_LOCAL],
            "interrupts": [8, 4],
            "phandle": [_PERIPHERALS],
        },
        "serial@7e201000": {
            "compatible": "arm,pl011\0arm,primecell",
            "reg": [0x7E201000, 0x200],
            "interrupt-parent": [_PERIPHERALS],
            "interrupts": [2, 25],
            "clocks": [_CLOCK, _CLOCK],
            "clock-names": "uartclk\0apb_pclk",
            "arm,primecell-periphid": [0x00241011],
        },
        "mailbox@7e00b880": {
            "compatible": "brcm,bcm2835-mbox",
            "reg": [0x7E00B880, 0x40],
            "interrupt-parent": [_PERIPHERALS],
            "interrupts": [0, 1],
            "#mbox-cells": [0],
            "phandle": [_MAILBOX],
        },
        "firmware": {"compatible": "raspberrypi,bcm2835-firmware\0simple-mfd", "mboxes": [_MAILBOX]},
    },
}


def flattened(tree: Tree) -> bytes:
    """Write a device tree as kernels read it (Devicetree Specification 0.4, chapter 5)."""
    names = bytearray()
    words = b"".join(_node("", tree, names)) + struct.pack(">I", _DONE)
    reserved = bytes(16)
    at = 40 + len(reserved)
    whole = at + len(words) + len(names)
    header = struct.pack(
        ">10I", _MAGIC, whole, at, at + len(words), 40, _VERSION, _READABLE_BY, 0, len(names), len(words)
    )
    return header + reserved + words + bytes(names)


def _node(name: str, tree: Tree, names: bytearray) -> Iterator[bytes]:
    yield struct.pack(">I", _BEGIN) + _padded(name.encode() + b"\0")
    for key, value in tree.items():
        if isinstance(value, Mapping):
            continue
        data = b""
        if isinstance(value, str):
            data = value.encode() + b"\0"
        elif value is not None:
            data = struct.pack(f">{len(value)}I", *value)
        yield struct.pack(">III", _PROPERTY, len(data), len(names)) + _padded(data)
        names += key.encode() + b"\0"
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _node(key, value, names)
    yield struct.pack(">I", _END)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def archive(files: Mapping[str, bytes]) -> bytes:
    """Pack programs as an initrd ("newc", Documentation/driver-api/early-userspace/buffer-format.rst of the kernel)."""
    folders = sorted({str(each) for name in files for each in Path(name).parents if str(each) != "."})
    entries = [(name, stat.S_IFDIR | 0o755, b"") for name in folders]
    entries += [(name, stat.S_IFREG | 0o755, data) for name, data in sorted(files.items())]
    out = bytearray()
    for number, (name, mode, data) in enumerate([*entries, ("TRAILER!!!", 0, b"")], 1):
        path = name.encode() + b"\0"
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0)
        out += b"070701" + b"".join(b"%08X" % field for field in fields)
        out += path + bytes(-(len(out) + len(path)) % 4)
        out += data + bytes(-len(data) % 4)
    return bytes(out)


def unpacked(image: Path, layout: Layout, folder: Path, wanted: Sequence[str]) -> Path:
    """Unpack what is wanted of the root of the image's first slot, and every library."""
    packed, root = taken_out(image, layout.root("a").number, folder / "root.squashfs"), folder / "root"
    with packed.open("r+b") as file:
        file.truncate(BYTES_USED.unpack(file.read(48))[0])
    command = ["unsquashfs", "-quiet", "-no-progress", "-no-xattrs", "-dest", str(root), str(packed)]
    subprocess.run([*command, "usr/lib/aarch64-linux-gnu/*.so*", *wanted], check=True, capture_output=True)
    packed.unlink()
    return root


def programs_of(root: Path, wanted: Sequence[str]) -> dict[str, bytes]:
    """Take programs out of an unpacked root, each with the loader and the libraries it asks for."""
    found: dict[str, bytes] = {}
    todo = [*wanted, "usr/lib/aarch64-linux-gnu/ld-linux-aarch64.so.1"]
    while todo:
        name = todo.pop()
        if name in found:
            continue
        found[name] = (root / name).read_bytes()
        told = subprocess.run(["readelf", "-d", str(root / name)], capture_output=True, text=True, check=True).stdout
        libraries = [line.split("[")[1].split("]")[0] for line in told.splitlines() if "(NEEDED)" in line]
        todo += [f"usr/lib/aarch64-linux-gnu/{each}" for each in libraries]
    # Where the kernel looks for the loader.
    found["lib/ld-linux-aarch64.so.1"] = found["usr/lib/aarch64-linux-gnu/ld-linux-aarch64.so.1"]
    return found


async def ran(kernel: Path, initrd: bytes, folder: Path, until: str, timeout_s: float) -> tuple[str, str]:
    """Start a Raspberry Pi 3 with an initrd until its console says `until`; give the console and what QEMU logged.

    Raises `AssertionError` with the console's end where that does not come.
    """
    (folder / "board.dtb").write_bytes(flattened(BOARD))
    (folder / "initrd").write_bytes(initrd)
    log = folder / "qemu.log"
    setpriv = shutil.which("setpriv")
    process = await asyncio.create_subprocess_exec(
        *((setpriv, "--pdeathsig", "KILL", "--") if setpriv else ()),
        *("qemu-system-aarch64", "-M", "raspi3b", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
        *("-accel", "tcg,tb-size=256", "-kernel", str(kernel), "-dtb", str(folder / "board.dtb")),
        *("-initrd", str(folder / "initrd"), "-append", "console=ttyAMA0 panic=-1 rdinit=/init"),
        *("-serial", "stdio", "-d", "guest_errors,unimp", "-D", str(log)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    said: list[str] = []
    try:
        async with asyncio.timeout(timeout_s):
            async for line in process.stdout:
                said.append(line.decode("utf-8", "replace").rstrip())
                if said[-1] == until:
                    return "\n".join(said), log.read_text("utf-8", "replace")
    except TimeoutError:
        pass
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
    raise AssertionError("\n".join(said[-60:]))
