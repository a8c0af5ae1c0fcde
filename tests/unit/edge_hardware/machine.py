"""A machine that is only files: sysfs and /dev as the kernel and udev would fill them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

KEYBOARD_KEYS = "1000000000007 ff9f207ac14057ff febeffdfffefffff fffffffffffffffe"
"""`capabilities/key` of an ordinary USB keyboard."""
PEDAL_KEYS = "20000000"
"""Of a foot pedal that has one key."""
SCANNER_REPORT = bytes.fromhex("058c0902a1010902a1008502950175088100c0c0")
KEYBOARD_REPORT = bytes.fromhex("05010906a101050719e029e715002501750195088102c0")


@dataclass
class Machine:
    """`sys` and `dev` go to whoever reads a machine. Each `plug_*` gives the node of what was plugged in."""

    root: Path
    _numbers: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for folder in ("class/tty", "class/input", "class/hidraw", "bus/usb/devices"):
            (self.sys / folder).mkdir(parents=True)
        self.dev.mkdir(parents=True)

    @property
    def sys(self) -> Path:
        return self.root / "sys"

    @property
    def dev(self) -> Path:
        return self.root / "dev"

    def usb(
        self,
        port: str,
        vendor: str,
        product: str,
        model: str,
        serial: str | None = None,
        maker: str = "",
        card: bool = False,
    ) -> Path:
        """Make a USB device with one interface, and give the interface's folder."""
        device = self.sys / "devices/usb1" / port
        interface = device / f"{port}:1.0"
        interface.mkdir(parents=True)
        words = {"idVendor": vendor, "idProduct": product, "product": model, "manufacturer": maker, "serial": serial}
        for name, word in words.items():
            if word:
                (device / name).write_text(f"{word}\n")
        (interface / "bInterfaceNumber").write_text("00\n")
        (interface / "bInterfaceClass").write_text("0b\n" if card else "03\n")
        (self.sys / "bus/usb/devices" / interface.name).symlink_to(interface)
        return interface

    def plug_serial(self, interface: Path | None, node: str, by_id: str = "", by_path: str = "", port: str = "") -> str:
        """Make a serial port; without an interface one that is soldered on, of type `port`."""
        device = (interface or self.sys / "devices/platform") / node
        device.mkdir(parents=True)
        entry = self._class("tty", node, device)
        if port:
            (entry / "type").write_text(f"{port}\n")
        return self._node(node, "serial", by_id, by_path)

    def plug_input(self, interface: Path, name: str, keys: str, by_id: str = "", by_path: str = "") -> str:
        """Make an input device with these keys."""
        number = self._next("event")
        device = interface / f"input{number}"
        (device / "capabilities").mkdir(parents=True)
        (device / "name").write_text(f"{name}\n")
        (device / "capabilities/key").write_text(f"{keys}\n")
        self._class("input", f"event{number}", device)
        self._class("input", f"input{number}", device)
        return self._node(f"input/event{number}", "input", by_id, by_path)

    def plug_hid(self, interface: Path, report: bytes) -> str:
        """Make a raw HID device with this report descriptor; udev makes no links to it."""
        number = self._next("hidraw")
        device = interface / f"0003:0000:0000.{number:04x}"
        device.mkdir()
        (device / "report_descriptor").write_bytes(report)
        self._class("hidraw", f"hidraw{number}", device)
        return self._node(f"hidraw{number}", "", "", "")

    def console(self) -> None:
        """Make a virtual console, which is no device."""
        (self.sys / "class/tty/tty1").mkdir()

    def _class(self, name: str, node: str, device: Path) -> Path:
        entry = self.sys / "class" / name / node
        entry.mkdir(parents=True)
        (entry / "device").symlink_to(device)
        return entry

    def _node(self, node: str, folder: str, by_id: str, by_path: str) -> str:
        file = self.dev / node
        file.parent.mkdir(exist_ok=True)
        file.touch()
        for kind, name in (("by-id", by_id), ("by-path", by_path)):
            if name:
                link = self.dev / folder / kind / name
                link.parent.mkdir(parents=True, exist_ok=True)
                link.unlink(missing_ok=True)  # of two devices with one name, udev's link leads to one
                link.symlink_to(file)
        return str(file)

    def _next(self, what: str) -> int:
        self._numbers[what] = self._numbers.get(what, -1) + 1
        return self._numbers[what]
