"""How a station learns of throttling, on the one machine of QEMU whose firmware can be asked (a Raspberry Pi 3).

QEMU's firmware knows no throttling. So the question is shown to arrive, and its missing answer to be no file at all, by
which the agent knows nothing; what a real one answers is for the list of checks by hand (docs/image.md).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from image.layout import ONE_SLOT, TWO_SLOTS, Layout
from tests.lab.conftest import Record
from tests.lab.firmware import Firmware
from tests.lab.raspberry import archive, programs_of, ran, unpacked

pytestmark = pytest.mark.lab

MODULES = "usr/lib/modules/*/updates/shelfwire_throttled.ko"
START_S = 600.0
TAG = "0x00030046"
DEVICE = "/sys/bus/platform/devices/raspberrypi-hwmon"
_INIT = f"""\
#!/usr/bin/dash
exec >/dev/console 2>&1
/usr/bin/mount -t sysfs sysfs /sys
read alias <{DEVICE}/modalias && echo "the device asks for $alias"
/usr/bin/insmod /shelfwire_throttled.ko
echo "insmod ends with $?"
if read said <{DEVICE}/get_throttled; then echo "the file says $said"; else echo "no answer"; fi
echo "that was all"
while :; do read line; done
"""


async def test_the_firmware_is_asked_and_no_answer_is_no_file(image: Path, tmp_path: Path, record: Record) -> None:
    await asked(image, TWO_SLOTS, tmp_path)
    record("the firmware is asked about throttling (raspi3b)", f"tag {TAG} arrives; without an answer there is no file")


async def test_the_image_for_one_slot_asks_too(image_pi3: Path, tmp_path: Path, record: Record) -> None:
    await asked(image_pi3, ONE_SLOT, tmp_path)
    record("the same, the image of a Pi 3", "the same")


async def asked(image: Path, layout: Layout, folder: Path) -> None:
    kernel = Firmware(image, folder).boot().kernel
    programs = ["usr/bin/dash", "usr/bin/kmod", "usr/bin/mount"]
    root = unpacked(image, layout, folder, [*programs, MODULES, "usr/lib/modules/*/modules.alias"])
    (aliases,) = root.glob("usr/lib/modules/*/modules.alias")
    files = programs_of(root, programs)
    files["usr/bin/insmod"] = files["usr/bin/kmod"]
    (module,) = root.glob(MODULES)
    files |= {module.name: module.read_bytes(), "init": _INIT.encode(), "sys/.here": b""}
    console, log = await ran(kernel, archive(files), folder, "that was all", START_S)
    # The kernel's own firmware driver makes the device whose name has udev load the module.
    assert "the device asks for platform:raspberrypi-hwmon" in console, console[-2000:]
    assert "alias platform:raspberrypi-hwmon shelfwire_throttled" in aliases.read_text().splitlines()
    # It asks before it makes the device; then the module does.
    tags = [line.rsplit(" ", 1)[-1] for line in log.splitlines() if "bcm2835_property: unhandled tag" in line]
    assert tags.count(TAG) == 2, log
    assert "the firmware does not say whether it slows the machine down (-95)" in console, console[-2000:]
    assert "insmod ends with 0" in console
    assert "no answer" in console
