"""How a station asks for the try of a slot, on the one machine of QEMU whose firmware can be asked (a Raspberry Pi 3).

QEMU's firmware knows no reboot flags. So the question is shown to arrive, and its missing answer to be taken for a no;
that a real one says yes is for the list of checks by hand (docs/image.md).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from image.layout import TWO_SLOTS
from tests.lab.conftest import Record
from tests.lab.firmware import Firmware
from tests.lab.raspberry import archive, programs_of, ran, unpacked

pytestmark = pytest.mark.lab

MODULE = "shelfwire_tryboot.ko"
START_S = 600.0
SET, GET = "0x00038064", "0x00030064"
_INIT = """\
#!/usr/bin/dash
exec >/dev/console 2>&1
/usr/bin/insmod /shelfwire_tryboot.ko
echo "insmod ends with $?"
echo "that was all"
while :; do read line; done
"""


async def test_the_firmware_is_asked_and_a_no_is_believed(image: Path, tmp_path: Path, record: Record) -> None:
    kernel = Firmware(image, tmp_path).boot().kernel
    programs = ["usr/bin/dash", "usr/bin/kmod"]
    root = unpacked(image, TWO_SLOTS, tmp_path, [*programs, f"usr/lib/modules/*/updates/{MODULE}"])
    files = programs_of(root, programs)
    files["usr/bin/insmod"] = files["usr/bin/kmod"]
    (module,) = root.glob(f"usr/lib/modules/*/updates/{MODULE}")
    files |= {MODULE: module.read_bytes(), "init": _INIT.encode()}
    console, log = await ran(kernel, archive(files), tmp_path, "that was all", START_S)
    asked = [line.rsplit(" ", 1)[-1] for line in log.splitlines() if "bcm2835_property: unhandled tag" in line]
    # The question, what became of it, and since nothing did, the question taken back.
    assert [tag for tag in asked if tag in (SET, GET)] == [SET, GET, SET], log
    assert "shelfwire_tryboot: the firmware did not take it (-95)" in console, console[-2000:]
    assert "insmod ends with 1" in console
    record("the firmware is asked for a try (raspi3b)", f"tag {SET} arrives; without an answer nothing is restarted")
