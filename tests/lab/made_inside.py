"""Runs inside the machine of the lab: a keyboard scanner by uinput, and by uhid a HID-POS scanner and a HID scale.

As root, with the image's own Python and what is below /opt/shelfwire. Prints "made" when all are there; then does what
is written to the FIFO that is named to it, a line each. The scale says its weight twice a second, as scales do.

    type 4006381333931 | scan 4006381333931 | put 730
"""

from __future__ import annotations

import os
import select
import struct
import sys

from evdev import UInput, ecodes  # pyright: ignore[reportMissingImports] -- the image has it

from shelfwire.simulators.hid import SCALE_DESCRIPTOR, SCANNER_DESCRIPTOR, scan_reports, weight_report

KEYBOARD_NAME = "Lab keyboard"
SCANNER, SCALE = (0x05E0, 0x1900), (0x0922, 0x8003)
_CREATE2, _INPUT2 = 11, 12
_USB = 3
_AT_REST, _EMPTY, _GRAMS = 4, 2, 2
_REPORT_S = 0.5


def made(name: str, ids: tuple[int, int], descriptor: bytes) -> int:
    """Make a HID device (Documentation/hid/uhid.rst, UHID_CREATE2)."""
    device = os.open("/dev/uhid", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    head = struct.pack("=I128s64s64sHHIIII", _CREATE2, name.encode(), b"", b"", len(descriptor), _USB, *ids, 0, 0)
    os.write(device, head + descriptor.ljust(4096, b"\0"))
    return device


def send(device: int, report: bytes) -> None:
    """Have it send a report (UHID_INPUT2)."""
    os.write(device, struct.pack("=IH", _INPUT2, len(report)) + report)


def typed(keyboard: UInput, code: str) -> None:
    """Press the keys of a code and Enter."""
    for key in [*(f"KEY_{sign}" for sign in code), "KEY_ENTER"]:
        for value in (1, 0):
            keyboard.write(ecodes.EV_KEY, ecodes.ecodes[key], value)
            keyboard.syn()


def main(fifo: str) -> None:
    """Make them, and do as told until nobody is left."""
    keys = [ecodes.ecodes[f"KEY_{digit}"] for digit in range(10)] + [ecodes.KEY_ENTER, ecodes.KEY_A, ecodes.KEY_Z]
    keyboard = UInput({ecodes.EV_KEY: keys}, name=KEYBOARD_NAME, vendor=0x05E0, product=0x1200, bustype=ecodes.BUS_USB)
    scanner = made("Lab HID-POS scanner", SCANNER, SCANNER_DESCRIPTOR)
    scale = made("Lab HID scale", SCALE, SCALE_DESCRIPTOR)
    os.mkfifo(fifo)
    orders = os.open(fifo, os.O_RDWR)  # both ends, so that it does not end with who wrote last
    print("made", flush=True)
    grams, held = 0, b""
    while True:
        if not select.select([orders], [], [], _REPORT_S)[0]:
            send(scale, weight_report(_AT_REST if grams else _EMPTY, _GRAMS, 0, grams))
            continue
        *lines, held = (held + os.read(orders, 4096)).split(b"\n")
        for line in lines:
            word, _, what = line.decode().partition(" ")
            if word == "type":
                typed(keyboard, what)
            elif word == "scan":
                for report in scan_reports(what.encode(), b"]E0"):
                    send(scanner, report)
            elif word == "put":
                grams = int(what)


if __name__ == "__main__":
    main(sys.argv[1])
