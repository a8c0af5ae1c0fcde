"""What sort of port a device is behind."""

from __future__ import annotations

from enum import Enum


class Kind(Enum):
    """Best first: by a keyboard's keys nobody can tell a scanner from a person, nor what layout it was set to."""

    HID = "hidraw"
    SERIAL = "serial"
    INPUT = "input"
    SMART_CARD = "smart card"
