"""How the board is, read from trees of files as kernels have them; what is not there is not known."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.hardware.board import BoardReading, boot_file_trouble, read_board, usb_numbers
from edge.machine import MachineDesk
from protocol.state import MachineState, StationState, decode_state, encode_state

DATA = Path("/data/shelfwire/station")
DEVICES = "sys/bus/platform/devices"
THROTTLED = f"{DEVICES}/raspberrypi-hwmon/get_throttled"
LIFE = "sys/block/mmcblk0/device/life_time"
END = "sys/block/mmcblk0/device/pre_eol_info"
MOUNTS = """\
/dev/root / squashfs ro,relatime 0 0
tmpfs /var tmpfs rw 0 0
/dev/mmcblk0p7 /data ext4 rw,noatime,errors=remount-ro 0 0
/dev/mmcblk0p1 /boot/config vfat ro 0 0
"""


class Tree:
    """The files of a machine, below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def read(self) -> BoardReading:
        return read_board(self.root, DATA)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_where_nothing_is_nothing_is_known(tree: Tree) -> None:
    assert tree.read() == BoardReading()
    assert usb_numbers(tree.root) == {}


@pytest.mark.parametrize(
    ("bits", "now", "slow", "was", "was_slow"),
    [
        ("0", False, False, False, False),
        ("50005", True, True, True, True),
        ("50000", False, False, True, True),
        ("0x20002", False, True, False, True),
        ("80008", False, False, False, False),
    ],
)
def test_the_firmware_says_what_is_and_what_was(
    tree: Tree, bits: str, now: bool, slow: bool, was: bool, was_slow: bool
) -> None:
    tree.write(THROTTLED, bits + "\n")
    read = tree.read()
    assert (read.undervoltage, read.throttled) == (now, slow)
    assert (read.undervoltage_since_boot, read.throttled_since_boot) == (was, was_slow)


@pytest.mark.parametrize(
    "path",
    [
        "soc/soc:firmware",  # Raspberry Pi's kernel, up to the Pi 4
        "soc@107c000000/soc@107c000000:firmware",  # the same on a Pi 5
        "firmware:rpi-firmware/raspberrypi-hwmon",  # Debian's, with image/kernel/throttled
    ],
)
def test_each_kernel_and_board_has_its_own_name_for_the_firmware(tree: Tree, path: str) -> None:
    tree.write(f"sys/devices/platform/{path}/get_throttled", "50005\n")
    for other in ("alarmtimer", "serial8250"):
        tree.write(f"sys/devices/platform/{other}/uevent", "")
    (tree.root / DEVICES).mkdir(parents=True)
    for linked in ("alarmtimer", path, "serial8250"):
        (tree.root / DEVICES / Path(linked).name).symlink_to(f"../../../devices/platform/{linked}")
    read = tree.read()
    assert (read.undervoltage, read.throttled, read.throttled_since_boot) == (True, True, True)


def test_a_firmware_that_gives_no_answer_leaves_it_unknown_which_is_not_well(tree: Tree) -> None:
    # The module makes no file for such a firmware, and reading fails where it falls silent later: here, a folder.
    tree.write(f"{DEVICES}/raspberrypi-hwmon/uevent", "MODALIAS=platform:raspberrypi-hwmon\n")
    assert tree.read() == BoardReading()
    (tree.root / THROTTLED).mkdir()
    assert tree.read() == BoardReading()
    tree.write("sys/class/hwmon/hwmon0/name", "rpi_volt\n")
    tree.write("sys/class/hwmon/hwmon0/in0_lcrit_alarm", "1\n")
    assert (tree.read().undervoltage, tree.read().throttled) == (True, None)


@pytest.mark.parametrize(("alarm", "low"), [("0", False), ("1", True), ("", None)])
def test_on_other_kernels_the_voltages_alarm_says_what_is_now(tree: Tree, alarm: str, low: bool | None) -> None:
    tree.write("sys/class/hwmon/hwmon0/name", "cpu_thermal\n")
    tree.write("sys/class/hwmon/hwmon1/name", "rpi_volt\n")
    tree.write("sys/class/hwmon/hwmon1/in0_lcrit_alarm", alarm)
    read = tree.read()
    assert (read.undervoltage, read.undervoltage_since_boot, read.throttled) == (low, None, None)


def test_the_processors_temperature_is_told_where_there_are_others(tree: Tree) -> None:
    tree.write("sys/class/thermal/thermal_zone0/type", "rp1_adc\n")
    tree.write("sys/class/thermal/thermal_zone0/temp", "71000\n")
    tree.write("sys/class/thermal/thermal_zone1/type", "cpu-thermal\n")
    tree.write("sys/class/thermal/thermal_zone1/temp", "48312\n")
    assert tree.read().temperature_milli_c == 48312


def test_errors_of_all_file_systems_count(tree: Tree) -> None:
    tree.write("sys/fs/ext4/features/lazy_itable_init", "supported")
    assert tree.read().disk_errors is None
    tree.write("sys/fs/ext4/mmcblk0p7/errors_count", "0\n")
    assert tree.read().disk_errors == 0
    tree.write("sys/fs/ext4/sda1/errors_count", "3\n")
    assert tree.read().disk_errors == 3


@pytest.mark.parametrize(
    ("line", "read_only"),
    [
        ("", False),
        ("/dev/mmcblk0p7 /data ext4 ro,noatime 0 0\n", True),
        ("/dev/mmcblk0p7 /data ext4 rw,noatime,emergency_ro 0 0\n", True),
        ("/dev/mmcblk0p7 /data/shelfwire/station ext4 rw,errors=remount-ro 0 0\n", False),
        ("/dev/sda1 /data/shelf\\040wire ext4 ro 0 0\n", False),
    ],
)
def test_a_disk_that_stopped_writing_is_noticed(tree: Tree, line: str, read_only: bool) -> None:
    tree.write("proc/self/mounts", MOUNTS + line)
    assert tree.read().disk_read_only is read_only


@pytest.mark.parametrize(
    ("life", "end", "used", "low"),
    [
        ("0x01 0x03\n", "0x01\n", 30, False),
        ("0x0b 0x02\n", "0x03\n", 110, True),
        ("0x00 0x00\n", "0x00\n", None, None),
        ("rubbish\n", "0x02\n", None, True),
    ],
)
def test_an_emmc_says_how_worn_it_is(tree: Tree, life: str, end: str, used: int | None, low: bool | None) -> None:
    tree.write(LIFE, life)
    tree.write(END, end)
    read = tree.read()
    assert (read.card_used_percent, read.card_spare_low) == (used, low)


def test_an_sd_card_says_nothing_of_that(tree: Tree) -> None:
    tree.write("sys/block/mmcblk0/device/type", "SD\n")
    assert tree.read().card_used_percent is None


def test_memory_is_what_programs_can_have(tree: Tree) -> None:
    tree.write("proc/meminfo", "MemTotal:  944264 kB\nMemFree: 1 kB\nMemAvailable: 512000 kB\nHugePages_Total: 0\n")
    read = tree.read()
    assert (read.memory_bytes, read.memory_free_bytes) == (944264 * 1024, 512000 * 1024)


def test_a_file_that_is_no_text_or_too_long_harms_nobody(tree: Tree) -> None:
    tree.write(THROTTLED, "rubbish")
    (tree.root / "proc").mkdir()
    (tree.root / "proc/meminfo").write_bytes(b"\xff" * 100_000)
    assert tree.read() == BoardReading()


def plug(tree: Tree, port: str, number: int) -> None:
    tree.write(f"sys/bus/usb/devices/{port}/devnum", f"{number}\n")


def look(desk: MachineDesk) -> MachineState | None:
    desk.look(*desk._read())
    return desk.state


def test_usb_devices_that_went_away_or_came_anew_are_counted(tree: Tree) -> None:
    desk = MachineDesk(DATA, tree.root)
    assert look(desk) is None
    plug(tree, "usb1", 1)
    plug(tree, "1-1.2", 4)
    plug(tree, "1-1.3", 5)
    assert look(desk) == MachineState(usb_lost=0)
    plug(tree, "1-1.2", 6)  # reset, and enumerated anew
    assert look(desk) == MachineState(usb_lost=1)
    (tree.root / "sys/bus/usb/devices/1-1.3/devnum").unlink()
    assert look(desk) == MachineState(usb_lost=2)
    assert look(desk) == MachineState(usb_lost=2)


def test_low_voltage_is_remembered_where_only_the_moment_is_told(tree: Tree) -> None:
    desk = MachineDesk(DATA, tree.root)
    tree.write("sys/class/hwmon/hwmon1/name", "rpi_volt\n")
    seen = []
    for alarm in "010":
        tree.write("sys/class/hwmon/hwmon1/in0_lcrit_alarm", alarm)
        state = look(desk)
        assert state is not None
        seen.append((state.undervoltage, state.undervoltage_since_boot))
    assert seen == [(False, False), (True, True), (False, True)]


def test_a_technicians_file_that_could_not_be_used_is_told_and_one_that_was_is_not(tree: Tree) -> None:
    assert boot_file_trouble(tree.root) == ""
    tree.write("run/shelfwire/says.txt", "network: as shelfwire.toml says\n")
    assert look(MachineDesk(DATA, tree.root)) is None
    told = "shelfwire.toml is NOT taken over; what held before holds on: wifi.pasword: unknown key"
    tree.write("run/shelfwire/says.txt", f"{told}\nmore\n")
    assert look(MachineDesk(DATA, tree.root)) == MachineState(boot_file=told)


def test_what_is_not_known_is_not_told_and_what_is_nought_is() -> None:
    told = encode_state(StationState("online", machine=MachineState(disk_errors=0, undervoltage=False)))
    assert b'"machine":{"undervoltage":false,"disk_errors":0}' in told
    assert decode_state(told).machine == MachineState(disk_errors=0, undervoltage=False)


def test_a_hub_of_the_release_before_reads_the_rest_of_it() -> None:
    import msgspec

    class Before(msgspec.Struct, frozen=True, omit_defaults=True):
        state: str
        backlog: int = 0

    told = encode_state(StationState("online", backlog=7, machine=MachineState(disk_errors=3)))
    assert msgspec.json.decode(told, type=Before) == Before("online", 7)
