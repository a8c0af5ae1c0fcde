"""The devices of these tests."""

from __future__ import annotations

from pathlib import Path

from edge.drivers.api import parse_table
from edge.drivers.scale_8217 import Scale8217, Scale8217Settings
from edge.drivers.serial_scanner import SerialScanner, SerialScannerSettings
from edge.runner.supervisor import Peripheral
from protocol.identity import DeviceId


def scanner_at(path: Path, name: str = "scanner") -> Peripheral:
    settings = parse_table("serial-scanner", SerialScannerSettings, {"port": str(path), "ack": "honeywell"})
    return Peripheral(DeviceId(name), "serial-scanner", SerialScanner(settings))


def scale_at(path: Path) -> Peripheral:
    settings = parse_table("scale-8217", Scale8217Settings, {"port": str(path), "poll_ms": 50})
    return Peripheral(DeviceId("scale"), "scale-8217", Scale8217(settings))
