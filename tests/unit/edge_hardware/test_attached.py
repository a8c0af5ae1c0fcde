"""What is attached is told by who it is and where it is plugged in, whatever number the kernel gave it."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.hardware.attached import Attached, Usb, attached
from edge.hardware.kind import Kind
from tests.unit.edge_hardware.machine import KEYBOARD_KEYS, KEYBOARD_REPORT, PEDAL_KEYS, SCANNER_REPORT, Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def listed(machine: Machine) -> tuple[Attached, ...]:
    return attached(machine.sys, machine.dev)


def test_a_machine_without_anything_has_nothing(machine: Machine, tmp_path: Path) -> None:
    assert listed(machine) == ()
    assert attached(tmp_path / "none", tmp_path / "none") == ()


def test_a_usb_serial_device_is_known_by_its_number_and_its_port(machine: Machine) -> None:
    usb = machine.usb("1-1.2", "05f9", "4204", "Scanner", serial="S123", maker="PSC")
    node = machine.plug_serial(usb, "ttyACM0", "usb-PSC_Scanner_S123-if00", "pci-0-usb-0:1.2:1.0")
    (one,) = listed(machine)
    assert one == Attached(
        Kind.SERIAL,
        node,
        "PSC Scanner",
        Usb(0x05F9, 0x4204, "S123", "1-1.2", 0, "PSC", "Scanner"),
        (
            f"{machine.dev}/serial/by-id/usb-PSC_Scanner_S123-if00",
            f"{machine.dev}/serial/by-path/pci-0-usb-0:1.2:1.0",
        ),
    )
    assert one.path.endswith("S123-if00")


def test_two_of_a_kind_without_numbers_are_told_apart_by_their_ports(machine: Machine) -> None:
    for port, node in (("1-1.1", "ttyUSB0"), ("1-1.2", "ttyUSB1")):
        machine.plug_serial(machine.usb(port, "067b", "2303", "Cable"), node, "usb-Cable-if00", f"usb-0:{port}")
    assert [one.path.rpartition("/")[2] for one in listed(machine)] == ["usb-0:1-1.1", "usb-0:1-1.2"]


def test_two_with_one_number_are_told_apart_by_their_ports_too(machine: Machine) -> None:
    for port, node in (("1-1.1", "ttyUSB0"), ("1-1.2", "ttyUSB1")):
        usb = machine.usb(port, "1a86", "7523", "Cable", serial="0001")
        machine.plug_serial(usb, node, "usb-Cable_0001-if00", f"usb-0:{port}")
    assert [one.path.rpartition("/")[2] for one in listed(machine)] == ["usb-0:1-1.1", "usb-0:1-1.2"]


def test_what_the_kernel_calls_it_changes_nothing_but_the_node(tmp_path: Path) -> None:
    paths = []
    for round_, nodes in enumerate((("ttyUSB0", "ttyUSB1"), ("ttyUSB1", "ttyUSB0"))):
        machine = Machine(tmp_path / str(round_))
        for serial, node in zip(("A", "B"), nodes, strict=True):
            usb = machine.usb(f"1-{serial}", "0403", "6001", "Cable", serial=serial)
            machine.plug_serial(usb, node, f"usb-Cable_{serial}-if00")
        paths.append({one.usb and one.usb.serial: one.path.rpartition("/")[2] for one in listed(machine)})
    assert paths[0] == paths[1] == {"A": "usb-Cable_A-if00", "B": "usb-Cable_B-if00"}


def test_consoles_and_ports_that_nobody_has_are_left_out_and_soldered_ones_stay(machine: Machine) -> None:
    machine.console()
    machine.plug_serial(None, "ttyS0", port="4")
    machine.plug_serial(None, "ttyS1", port="0")
    machine.plug_serial(None, "ttyAMA0")
    found = listed(machine)
    assert [(one.node.rpartition("/")[2], one.usb, one.names) for one in found] == [
        ("ttyS0", None, ()),
        ("ttyAMA0", None, ()),
    ]


def test_a_keyboard_types_and_a_pedal_does_not(machine: Machine) -> None:
    scanner, pedal = machine.usb("1-1", "0c2e", "0b61", "Voyager"), machine.usb("1-2", "05f3", "00ff", "Pedal")
    machine.plug_input(scanner, "Honeywell Voyager", KEYBOARD_KEYS, by_path="usb-0:1:1.0-event-kbd")
    machine.plug_input(pedal, "Pedal", PEDAL_KEYS)
    machine.plug_input(machine.usb("1-3", "1", "2", "Odd"), "Odd", "not hexadecimal")
    assert [(one.name, one.types) for one in listed(machine)] == [
        ("Honeywell Voyager", True),
        ("Pedal", False),
        ("Odd", False),
    ]


def test_a_hid_device_says_what_it_is(machine: Machine) -> None:
    usb = machine.usb("1-1", "0c2e", "0b61", "Voyager")
    machine.plug_hid(usb, SCANNER_REPORT)
    machine.plug_hid(usb, KEYBOARD_REPORT)
    assert [one.usages for one in listed(machine)] == [((0x8C, 2),), ((1, 6),)]


def test_a_device_cannot_write_to_the_terminal_by_its_name(machine: Machine) -> None:
    machine.plug_serial(machine.usb("1-1", "1", "2", "Evil\x1b[2J\r\nname", maker="\x07"), "ttyACM0")
    assert [one.name for one in listed(machine)] == ["? Evil?[2J??name"]


def test_a_smart_card_reader_is_known_by_its_class(machine: Machine) -> None:
    machine.usb("1-4", "072f", "2200", "ACR122U", card=True)
    (one,) = listed(machine)
    assert (one.kind, one.name, one.node) == (Kind.SMART_CARD, "ACR122U", "1-4")
