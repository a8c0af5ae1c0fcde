"""What is proposed for what is attached."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from edge.drivers.api import Driver
from edge.drivers.installed import installed_drivers
from edge.hardware.attached import attached
from shelfwire.cli import main
from shelfwire.probe_listing import Proposal, device_name, propose, toml_table
from tests.unit.edge_hardware.machine import KEYBOARD_KEYS, KEYBOARD_REPORT, PEDAL_KEYS, SCANNER_REPORT, Machine

DRIVERS: list[Driver[Any]] = [spec.load() for spec in installed_drivers().values()]
SCALE_REPORT = bytes.fromhex("058d0920a101850375088106c0")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def proposed(machine: Machine) -> tuple[Proposal, ...]:
    return propose(attached(machine.sys, machine.dev), DRIVERS)


def named(proposals: tuple[Proposal, ...]) -> list[str | None]:
    return [None if one.driver is None else one.driver.name for one in proposals]


def test_a_scanner_of_a_known_maker_on_a_serial_port_gets_its_table(machine: Machine) -> None:
    usb = machine.usb("1-1", "05f9", "4204", "Scanner", serial="S1", maker="PSC")
    machine.plug_serial(usb, "ttyACM0", "usb-PSC_S1-if00")
    (one,) = proposed(machine)
    assert one.driver is not None
    assert (one.driver.name, one.table, one.rule) == (
        "serial-scanner",
        {"port": f"{machine.dev}/serial/by-id/usb-PSC_S1-if00"},
        "",
    )
    table = tomllib.loads(toml_table("scanner", one.driver, one.table))["devices"]["scanner"]
    assert table.pop("driver") == "serial-scanner"
    one.driver.make_from(table)


def test_behind_an_adapter_nothing_is_guessed(machine: Machine) -> None:
    machine.plug_serial(machine.usb("1-1", "0403", "6001", "FT232R"), "ttyUSB0", by_path="usb-0:1")
    (one,) = proposed(machine)
    assert one.driver is None
    assert "not known before it speaks" in one.remarks[0]


def test_hid_comes_before_serial_and_serial_before_keys(machine: Machine) -> None:
    machine.plug_input(machine.usb("1-3", "1", "2", "Keys"), "Keys", KEYBOARD_KEYS, by_id="usb-Keys-event-kbd")
    machine.plug_serial(machine.usb("1-2", "0c2e", "0b6a", "Voyager"), "ttyACM0", by_path="usb-0:2")
    machine.plug_hid(machine.usb("1-1", "0c2e", "0b61", "Xenon"), SCANNER_REPORT)
    found = proposed(machine)
    assert named(found) == ["hidpos-scanner", "serial-scanner", "keyboard-wedge"]
    assert "use that" in found[2].remarks[0]
    assert [device_name(one.driver, taken) for taken in [Counter[str]()] for one in found if one.driver] == [
        "scanner",
        "scanner-2",
        "scanner-3",
    ]


def test_one_device_that_is_two_things_is_proposed_once(machine: Machine) -> None:
    usb = machine.usb("1-1", "0c2e", "0b61", "Xenon")
    machine.plug_hid(usb, SCANNER_REPORT)
    machine.plug_input(usb, "Xenon", KEYBOARD_KEYS)
    found = proposed(machine)
    assert named(found) == ["hidpos-scanner", None]
    assert "not as a keyboard" in found[1].remarks[0]


def test_a_hid_device_gets_a_rule_for_a_name_that_stays(machine: Machine) -> None:
    machine.plug_hid(machine.usb("1-1.4", "0922", "8003", "M10"), SCALE_REPORT)
    (one,) = proposed(machine)
    assert named((one,)) == ["scale-hid"]
    assert one.table == {"path": "/dev/shelfwire/hidraw-1-1.4.0"}
    assert 'KERNELS=="1-1.4:1.0", SYMLINK+="shelfwire/hidraw-1-1.4.0"' in one.rule
    assert any(remark.startswith("Experimental: ") for remark in one.remarks)


def test_pedals_and_the_raw_side_of_keyboards_are_not_shown(machine: Machine) -> None:
    machine.plug_input(machine.usb("1-1", "05f3", "00ff", "Pedal"), "Pedal", PEDAL_KEYS)
    machine.plug_hid(machine.usb("1-2", "046d", "c31c", "Keyboard"), KEYBOARD_REPORT)
    assert proposed(machine) == ()


def test_a_card_reader_is_named_as_pcscd_names_it(machine: Machine) -> None:
    machine.usb("1-1", "072f", "2200", "ACR122U", maker="ACS", card=True)
    (one,) = proposed(machine)
    assert (named((one,)), one.table) == (["nfc-reader"], {"reader": "ACR122U"})


# As the command shows it


def test_without_any_hardware_it_says_so_and_is_content(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--sys", str(machine.sys), "--dev", str(machine.dev)]
    assert main(["edge", "probe", *where]) == 0
    assert capsys.readouterr().out == "Nothing is attached that a driver could be for.\n"
    assert main(["edge", "probe", "--json", *where]) == 0
    assert json.loads(capsys.readouterr().out) == {"devices": [], "drivers_not_loaded": []}


def test_its_screen_fits_80_columns_and_its_tables_are_good(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.plug_input(machine.usb("1-3", "1", "2", "Keys"), "Keys", KEYBOARD_KEYS, by_id="usb-Keys-event-kbd")
    machine.plug_serial(machine.usb("1-2", "0c2e", "0b6a", "Voyager " * 20), "ttyACM0", by_path="usb-0:2")
    machine.plug_hid(machine.usb("1-4", "0922", "8003", "M10"), SCALE_REPORT)
    assert main(["edge", "probe", "--sys", str(machine.sys), "--dev", str(machine.dev)]) == 0
    shown = capsys.readouterr().out
    # Only what is to be copied may be longer: a path, a rule.
    assert [
        line for line in shown.splitlines() if len(line) > 80 and str(machine.dev) not in line and "==" not in line
    ] == []
    tables = tomllib.loads("\n".join(shown.split("-" * 79 + "\n")[1::2]))["devices"]
    assert {name: table["driver"] for name, table in tables.items()} == {
        "scale": "scale-hid",
        "scanner": "serial-scanner",
        "scanner-2": "keyboard-wedge",
    }
    assert "HID-POS or serial" in shown
    assert "not known here for any model" in " ".join(shown.split())
