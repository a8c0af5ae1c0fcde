"""What is plugged into a station of the lab, in QEMU's words: scanners and scales on USB.

Behind each serial one stands one of the product's own simulators, on a pty that QEMU takes for the cable: inside, the
kernel sees an FTDI adapter with a serial number of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

USB: Final = ("-device", "qemu-xhci,id=usb")
WEDGE: Final = ("-device", "usb-kbd,bus=usb.0,id=wedge,serial=WEDGE001")
WEDGE_PATH: Final = "/dev/input/by-id/usb-QEMU_QEMU_USB_Keyboard_WEDGE001-event-kbd"


def cable(name: str, pty: Path) -> tuple[str, ...]:
    """Give the cable from a pty of this host to where `adapter` is plugged in."""
    return ("-chardev", f"serial,id={name}-cable,path={pty}")


def adapter(name: str, serial: str) -> tuple[str, ...]:
    """Plug in a USB serial adapter at the end of the cable."""
    return ("-device", f"usb-serial,bus=usb.0,id={name},chardev={name}-cable,serial={serial},always-plugged=on")


def serial_path(serial: str) -> str:
    """Give the link that udev makes for the adapter with that serial number."""
    return f"/dev/serial/by-id/usb-QEMU_QEMU_USB_SERIAL_{serial}-if00-port0"


def boot_file(digits: str, devices: str) -> str:
    """Make the technician's shelfwire.toml: an invitation and the tables of devices."""
    return f'invitation = "{digits}"\n{devices}'


def wedge_table() -> str:
    return f'[devices.wedge]\ndriver = "keyboard-wedge"\npath = "{WEDGE_PATH}"\n'


def scanner_table(serial: str) -> str:
    return f'[devices.scanner]\ndriver = "serial-scanner"\nport = "{serial_path(serial)}"\nack = "honeywell"\n'


def scale_table(serial: str) -> str:
    return f'[devices.scale]\ndriver = "scale-8217"\nport = "{serial_path(serial)}"\n'
