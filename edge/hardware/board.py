"""How the board, its memory and its card are, read from the kernel's files; what is not there is not known.

    /sys/bus/platform/devices/*/get_throttled                 bits of the firmware, hexadecimal
    /sys/class/hwmon/hwmon*/{name,in0_lcrit_alarm}            kernels that have rpi_volt: its alarm
    /sys/class/thermal/thermal_zone*/{type,temp}              in thousandths of a degree Celsius
    /sys/fs/ext4/*/errors_count                               since the file system was made or checked
    /sys/block/mmcblk*/device/{life_time,pre_eol_info}        of an eMMC; SD cards say nothing
    /sys/bus/usb/devices/*/devnum                             another at each new enumeration
    /proc/meminfo, /proc/self/mounts

The device with the bits is soc:firmware or soc@107c000000:firmware by the kernel of Raspberry Pi, and raspberrypi-hwmon
by Debian's with our module (image/kernel/throttled); Debian's own has neither these bits nor rpi_volt.

Sources: Raspberry Pi documentation, vcgencmd get_throttled; kernel Documentation/hwmon/raspberrypi-hwmon (the alarm),
ABI/testing/sysfs-fs-ext4, driver-api/mmc (JESD84-B51, EXT_CSD 267 to 269: life in tenths, 0 undefined).
The root is given, so that tests have a machine of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_UNDERVOLTAGE, _CAPPED, _THROTTLED = 1 << 0, 1 << 1, 1 << 2
_SINCE = 16
"""By so much the bits of what happened since boot are shifted."""
_MOST_BYTES = 64 * 1024
_USB_DEVICE = re.compile(r"\d+-\d+(\.\d+)*")
_SAID = "shelfwire/says.txt"


@dataclass(frozen=True, slots=True)
class BoardReading:
    """One look. None: nobody says. The last four of the power say what was so at any time since boot, or is now."""

    undervoltage: bool | None = None
    throttled: bool | None = None
    undervoltage_since_boot: bool | None = None
    throttled_since_boot: bool | None = None
    temperature_milli_c: int | None = None
    disk_errors: int | None = None
    disk_read_only: bool | None = None
    card_used_percent: int | None = None
    card_spare_low: bool | None = None
    memory_bytes: int | None = None
    memory_free_bytes: int | None = None


def read_board(root: Path, data: Path) -> BoardReading:
    """Look once. `data` is where the logs lie, on the machine that has this root."""
    undervoltage, throttled, low_since, throttled_since = _power(root / "sys")
    used, spare_low = _card(root / "sys")
    memory = _memory(root / "proc/meminfo")
    return BoardReading(
        undervoltage=undervoltage,
        throttled=throttled,
        undervoltage_since_boot=low_since,
        throttled_since_boot=throttled_since,
        temperature_milli_c=_temperature(root / "sys/class/thermal"),
        disk_errors=_disk_errors(root / "sys/fs/ext4"),
        disk_read_only=_read_only(root / "proc/self/mounts", data),
        card_used_percent=used,
        card_spare_low=spare_low,
        memory_bytes=memory.get("MemTotal"),
        memory_free_bytes=memory.get("MemAvailable"),
    )


def usb_numbers(root: Path) -> Mapping[str, int]:
    """Give what is plugged in where ("1-1.2"), by the number it got when it was enumerated."""
    found = {}
    for entry in _listed(root / "sys/bus/usb/devices"):
        number = _whole(entry / "devnum")
        if number is not None and _USB_DEVICE.fullmatch(entry.name):
            found[entry.name] = number
    return found


def boot_file_trouble(root: Path) -> str:
    """Give the first line of what the machine says of a technician's file that it could not use; "" if it could."""
    line = (_text(root / "run" / _SAID) or "").partition("\n")[0]
    return line if "NOT taken over" in line or "could not be blotted out" in line else ""


def _power(sys: Path) -> tuple[bool | None, bool | None, bool | None, bool | None]:
    for device in _listed(sys / "bus/platform/devices"):
        bits = _number(_text(device / "get_throttled") or "", 16)
        if bits is not None:
            slow = _CAPPED | _THROTTLED
            since = bits >> _SINCE
            return bool(bits & _UNDERVOLTAGE), bool(bits & slow), bool(since & _UNDERVOLTAGE), bool(since & slow)
    for chip in _listed(sys / "class/hwmon"):
        if _text(chip / "name") == "rpi_volt":
            alarm = _whole(chip / "in0_lcrit_alarm")
            return None if alarm is None else alarm != 0, None, None, None
    return None, None, None, None


def _temperature(zones: Path) -> int | None:
    found = {_text(zone / "type") or zone.name: _whole(zone / "temp") for zone in _listed(zones)}
    known = {name: value for name, value in found.items() if value is not None}
    processor = [value for name, value in known.items() if "cpu" in name]
    return max(processor or known.values(), default=None)


def _disk_errors(folder: Path) -> int | None:
    counts = [count for one in _listed(folder) if (count := _whole(one / "errors_count")) is not None]
    return sum(counts) if counts else None


def _read_only(mounts: Path, data: Path) -> bool | None:
    """Find the mount that holds `data`, the last one where several are stacked, and look into its options (proc(5)).

    A kernel since 6.15 shows a file system that stopped writing after an error as `emergency_ro`.
    """
    best, options = -1, None
    for line in (_text(mounts) or "").splitlines():
        fields = line.split(" ")
        if len(fields) < 4:
            continue
        point = Path(fields[1].encode().decode("unicode_escape"))
        if (data == point or point in data.parents) and len(point.parts) >= best:
            best, options = len(point.parts), fields[3].split(",")
    return None if options is None else "ro" in options or "emergency_ro" in options


def _card(sys: Path) -> tuple[int | None, bool | None]:
    """Say how much of an eMMC's life is used, at the most, and whether its spare blocks run low."""
    used: list[int] = []
    low: list[bool] = []
    for disk in _listed(sys / "block"):
        if not disk.name.startswith("mmcblk"):
            continue
        # Two estimates, for two kinds of memory: 1 is up to 10 % used, 11 more than all. 0 is not defined.
        tenths = [_number(word, 16) for word in (_text(disk / "device/life_time") or "").split()]
        used += [min(10 * one, 110) for one in tenths if one]
        end = _number(_text(disk / "device/pre_eol_info") or "", 16)
        if end:
            low.append(end > 1)
    return max(used, default=None), any(low) if low else None


def _memory(file: Path) -> dict[str, int]:
    """Give the lines in kB of /proc/meminfo, in bytes."""
    found = {}
    for line in (_text(file) or "").splitlines():
        name, _, rest = line.partition(":")
        words = rest.split()
        if len(words) == 2 and words[1] == "kB" and words[0].isdigit():
            found[name] = int(words[0]) * 1024
    return found


def _listed(folder: Path) -> Iterator[Path]:
    try:
        yield from sorted(folder.iterdir())
    except OSError:
        return


def _whole(file: Path) -> int | None:
    return _number(_text(file) or "", 10)


def _number(text: str, base: int) -> int | None:
    try:
        return int(text, base)
    except ValueError:
        return None


def _text(file: Path) -> str | None:
    try:
        with file.open("rb") as opened:
            return opened.read(_MOST_BYTES).decode("utf-8", "replace").strip()
    except OSError:
        return None
