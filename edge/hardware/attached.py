"""What is attached to this machine, read from the kernel's and udev's files; no device is opened.

Sources: kernel Documentation/ABI/testing/sysfs-bus-usb and sysfs-class-*, and udev's rules 60-serial and
60-persistent-input, which make the links by-id (from maker, model and serial number) and by-path (from the port).
The roots are given, so that tests have a machine of their own.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from edge.codecs.hid_reports import usages
from edge.hardware.kind import Kind

SYS = Path("/sys")
DEV = Path("/dev")

_TYPING_KEYS = (*range(2, 12), 28)
"""KEY_1 to KEY_0 and KEY_ENTER (linux/input-event-codes.h): what types a code has these."""
_SMART_CARD_CLASS = "0b"
"""bInterfaceClass of smart card readers (USB-IF, defined class codes)."""
_MOST_BYTES = 4096
"""No file read here is longer (HID_MAX_DESCRIPTOR_SIZE, linux/hid.h)."""
_PORT_UNKNOWN = "0"
"""`type` of a ttyS that the kernel keeps for a port nobody has (linux/serial.h)."""


@dataclass(frozen=True, slots=True)
class Usb:
    """Who a USB device is. `port` is where it is plugged in ("1-1.2": bus 1, port 1, port 2 of the hub there).

    `serial` is the number its maker gave it, None if none; `interface` is which function of it this is.
    """

    vendor: int
    product: int
    serial: str | None
    port: str
    interface: int | None
    maker: str
    model: str


@dataclass(frozen=True, slots=True)
class Attached:
    """One thing that a driver could open.

    `node` is its file for as long as it stays plugged in. `names` are paths that lead to it again after unplugging
    and restarting, best first; none if udev made none. `types` says that an input device has the keys to type a code.
    `usages` are a HID device's top-level (page, usage).
    """

    kind: Kind
    node: str
    name: str
    usb: Usb | None
    names: tuple[str, ...] = ()
    types: bool = False
    usages: tuple[tuple[int, int], ...] = ()

    @property
    def path(self) -> str:
        """The best path to put into settings."""
        return self.names[0] if self.names else self.node


def attached(sys: Path = SYS, dev: Path = DEV) -> tuple[Attached, ...]:
    """List what is attached, serial ports first. What cannot be read, or has just gone, is left out."""
    found = [*_serial(sys, dev), *_hidraw(sys, dev), *_input(sys, dev), *_smart_cards(sys)]
    links = _links(dev)
    twins = Counter(_who(one) for one in found if one.usb is not None)
    return tuple(replace(one, names=_stable(one, links.get(one.node, ()), twins[_who(one)] > 1)) for one in found)


def _who(one: Attached) -> tuple[object, ...]:
    usb = one.usb
    return (one.kind, usb and (usb.vendor, usb.product, usb.serial, usb.interface), one.kind is Kind.INPUT and one.name)


def _stable(one: Attached, links: tuple[str, ...], twin: bool) -> tuple[str, ...]:
    """By-id says which device, whatever the port, but only if no other device has the same number."""
    numbered = one.usb is not None and one.usb.serial is not None and not twin
    return tuple(sorted(links, key=lambda link: ("/by-id/" in link) != numbered))


def _links(dev: Path) -> dict[str, tuple[str, ...]]:
    """Udev's stable links, by the node they lead to."""
    found: dict[str, list[str]] = {}
    for folder in ("serial/by-id", "serial/by-path", "input/by-id", "input/by-path"):
        for link in _listed(dev / folder):
            found.setdefault(os.path.realpath(link), []).append(str(link))
    return {node: tuple(links) for node, links in found.items()}


def _serial(sys: Path, dev: Path) -> Iterator[Attached]:
    for entry in _listed(sys / "class/tty"):
        device = entry / "device"
        if not device.exists() or _text(entry / "type") == _PORT_UNKNOWN:
            continue
        usb = _usb(device)
        yield Attached(Kind.SERIAL, str(dev / entry.name), _called(usb) or entry.name, usb)


def _input(sys: Path, dev: Path) -> Iterator[Attached]:
    for entry in _listed(sys / "class/input"):
        if not entry.name.startswith("event"):
            continue
        device = entry / "device"
        usb = _usb(device)
        name = _text(device / "name") or _called(usb) or entry.name
        types = _has_keys(_text(device / "capabilities/key"))
        yield Attached(Kind.INPUT, str(dev / "input" / entry.name), name, usb, types=types)


def _hidraw(sys: Path, dev: Path) -> Iterator[Attached]:
    for entry in _listed(sys / "class/hidraw"):
        device = entry / "device"
        usb = _usb(device)
        said = usages(_bytes(device / "report_descriptor"))
        yield Attached(Kind.HID, str(dev / entry.name), _called(usb) or entry.name, usb, usages=said)


def _smart_cards(sys: Path) -> Iterator[Attached]:
    for entry in _listed(sys / "bus/usb/devices"):
        if _text(entry / "bInterfaceClass") == _SMART_CARD_CLASS and (usb := _usb(entry)) is not None:
            yield Attached(Kind.SMART_CARD, usb.port, _called(usb) or usb.port, usb)


def _usb(device: Path) -> Usb | None:
    """Look up the tree for the USB device that this is a part of."""
    place = Path(os.path.realpath(device))
    interface: int | None = None
    for folder in (place, *place.parents):
        number = _text(folder / "bInterfaceNumber")
        if number and interface is None:
            interface = _hex(number)
        vendor, product = _hex(_text(folder / "idVendor")), _hex(_text(folder / "idProduct"))
        if vendor is not None and product is not None:
            return Usb(
                vendor,
                product,
                _text(folder / "serial") or None,
                folder.name,
                interface,
                _text(folder / "manufacturer"),
                _text(folder / "product"),
            )
    return None


def _called(usb: Usb | None) -> str:
    if usb is None:
        return ""
    return " ".join(part for part in (usb.maker, usb.model) if part) or f"{usb.vendor:04x}:{usb.product:04x}"


def _has_keys(bitmap: str) -> bool:
    """Whether the keys that type a code are in a 64-bit kernel's bitmap: words in hexadecimal, the highest first."""
    bits = 0
    for word in bitmap.split():
        value = _hex(word)
        if value is None:
            return False
        bits = bits << 64 | value
    return all(bits >> key & 1 for key in _TYPING_KEYS)


def _hex(text: str) -> int | None:
    try:
        return int(text, 16)
    except ValueError:
        return None


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir(), key=lambda path: (len(path.name), path.name))
    except OSError:
        return []


def _bytes(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(_MOST_BYTES)
    except OSError:
        return b""


def _text(file: Path) -> str:
    """Give a line of a file. A device chooses its own name: nothing in it may move a terminal's cursor."""
    told = _bytes(file).decode("utf-8", errors="replace").strip()
    return "".join(character if character.isprintable() else "?" for character in told)
