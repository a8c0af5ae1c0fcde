"""What `shelfwire edge probe` makes of what is attached: a driver, its table for edge.toml, what to mind. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edge.drivers.api import Driver, Kind, Match
from edge.hardware.attached import Attached, Usb

RULES_FILE = "/etc/udev/rules.d/70-shelfwire.rules"

_WEDGE = (
    "Only if it is a scanner: a keyboard looks the same. Where its manual has HID-POS or serial (COM port) mode, use"
    " that: a keyboard cannot be told that a scan was refused, and what it types depends on the layout it was set to."
)
_UNKNOWN = "What is behind this port is not known before it speaks. To listen to it, sending nothing:"
_WORDS = ("scanner", "scale", "reader", "wedge")
_CALLED = {"wedge": "scanner"}


@dataclass(frozen=True, slots=True)
class Proposal:
    """What to do about one attached thing. `driver` is None if that is not known yet, or another entry is better.

    `rule` is the line for `RULES_FILE` without which the path in `table` is not there, "" if none is needed.
    """

    attached: Attached
    driver: Driver[Any] | None
    table: Mapping[str, object]
    remarks: tuple[str, ...]
    rule: str = ""


def propose(found: Sequence[Attached], drivers: Sequence[Driver[Any]]) -> tuple[Proposal, ...]:
    """Give a proposal for everything a driver could be for, the better way to a device before the worse."""
    order = list(Kind)
    shown = [one for one in found if _match(one, drivers) is not None or one.kind is Kind.SERIAL]
    shown.sort(key=lambda one: order.index(one.kind))
    better = {one.usb.port: one for one in reversed(shown) if one.usb and one.kind in (Kind.HID, Kind.SERIAL)}
    return tuple(_proposal(one, drivers, better) for one in shown)


def _proposal(one: Attached, drivers: Sequence[Driver[Any]], better: Mapping[str, Attached]) -> Proposal:
    fitting = _match(one, drivers)
    if fitting is None:
        return Proposal(one, None, {}, (_UNKNOWN,))
    driver, match = fitting
    remarks: list[str] = []
    if one.kind is Kind.INPUT:
        other = better.get(one.usb.port) if one.usb else None
        if other is not None:
            return Proposal(one, None, {}, (f"The same device as {other.path}: use it there, not as a keyboard.",))
        remarks.append(_WEDGE)
    if driver.experimental:
        remarks.append(f"Experimental: {driver.experimental}.")
    value, rule = one.path, ""
    if one.kind is Kind.SMART_CARD:
        value = one.usb.model if one.usb and one.usb.model else one.name
    elif not one.names:
        if one.usb is not None:
            value, rule = _lasting(one, one.usb)
        remarks.append(
            "Its number changes from boot to boot. The rule gives it a name that stays."
            if rule
            else "Its number may change from boot to boot, and udev has no other name for it."
        )
    return Proposal(one, driver, {match.key: value}, tuple(remarks), rule)


def _lasting(one: Attached, usb: Usb) -> tuple[str, str]:
    """A path that stays, and the udev rule that makes it: by number if the device has one, else by port."""
    subsystem = "hidraw" if one.kind is Kind.HID else "tty" if one.kind is Kind.SERIAL else "input"
    where = f"{usb.port}:1.{usb.interface or 0}"
    name = f"shelfwire/{subsystem}-{usb.port}.{usb.interface or 0}"
    rule = f'SUBSYSTEM=="{subsystem}", KERNELS=="{where}", SYMLINK+="{name}", MODE="0660", GROUP="plugdev"'
    return f"/dev/{name}", rule


def _match(one: Attached, drivers: Iterable[Driver[Any]]) -> tuple[Driver[Any], Match] | None:
    for driver in drivers:
        for match in driver.matches:
            if match.kind is one.kind and _is(one, match):
                return driver, match
    return None


def _is(one: Attached, match: Match) -> bool:
    if match.kind is Kind.INPUT and not one.types:
        return False
    if match.vendors and (one.usb is None or one.usb.vendor not in match.vendors):
        return False
    if match.usage_page is None:
        return True
    return any(page == match.usage_page and match.usage in (None, usage) for page, usage in one.usages)


def device_name(driver: Driver[Any], taken: Counter[str]) -> str:
    """Name a device's table for what it is: "scanner", the next one "scanner-2"."""
    word = next((word for word in _WORDS if word in driver.name), driver.name)
    word = _CALLED.get(word, word)
    taken[word] += 1
    return word if taken[word] == 1 else f"{word}-{taken[word]}"


def toml_table(name: str, driver: Driver[Any], table: Mapping[str, object]) -> str:
    """Write a device's table as it goes into edge.toml."""
    # A string of JSON is one of TOML, and so are numbers and booleans.
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in table.items()]
    return "\n".join([f"[devices.{name}]", f'driver = "{driver.name}"', *lines])
