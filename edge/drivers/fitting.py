"""Which driver, set how, makes sense of the bytes of a device that nobody knows: every driver's trials, one by one.

Pure: bytes in, fits out. Two questions: what could have sent these bytes at all, and, with a test scan whose printed
text is known, how was the scanner set that sent them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from edge.codecs.aim import split_aim
from edge.codecs.base import Codec
from edge.codecs.readings import Reading, Refused, Scan
from edge.drivers.api import Driver, Trial

GS = "\x1d"
TEST_TEXT = f'010400638133393110AZQYWM"/-_:;<{GS}21x+*?'
"""A code for test scans: an element string (GS1 General Specifications, section 7.11 for its characters) with keys that
no two keyboard layouts agree on, and with a GS that a scanner may swallow."""

_ENOUGH_PERCENT = 50
"""Of the bytes a device sent, what a dialect must understand to be proposed. The first frame may be torn."""


@dataclass(frozen=True, slots=True)
class Fit:
    """One trial that fits. `table` is what goes into the device's table, beside its path.

    `percent` of the bytes stood in readings that were not refused; `notes` are for people.
    """

    driver: Driver[Any]
    trial: Trial
    table: Mapping[str, object]
    readings: tuple[Reading, ...]
    percent: int
    notes: tuple[str, ...] = ()


def fits(drivers: Iterable[Driver[Any]], baud: int, frame: str, stretches: Sequence[bytes]) -> list[Fit]:
    """Find what could have sent these stretches of bytes, heard on a line set so, best first.

    A weight or a tag is believed before a scan of the same bytes: nearly any line of text could be a code.
    """
    found: list[Fit] = []
    for driver, trial in _trials(drivers, baud, frame):
        readings = _read(_codec(driver, trial), stretches)
        good = [one for one in readings if not isinstance(one, Refused)]
        sent = sum(len(stretch) for stretch in stretches)
        percent = min(100, 100 * sum(_bytes_of(one) for one in good) // max(1, sent))
        if good and percent >= _ENOUGH_PERCENT:
            found.append(Fit(driver, trial, _table(driver, trial, baud, frame), tuple(readings), percent))
    return sorted(found, key=lambda fit: (isinstance(_first_good(fit), Scan), -fit.percent))


def scan_fits(
    drivers: Iterable[Driver[Any]], baud: int, frame: str, stretches: Sequence[bytes], printed: str
) -> list[Fit]:
    """Find how a scanner is set that sent these bytes for the code `printed` (GS written as U+001D), best first.

    A fit that keeps GS goes before one that lost it, and the driver's own order decides between equals. With baud 0
    the device is on no serial port.
    """
    found: list[tuple[int, Fit]] = []
    for driver, trial in _trials(drivers, baud, frame):
        before_gap, after = _scans(_codec(driver, trial), stretches)
        scans = before_gap + after
        if not scans:
            continue
        scan = scans[-1]
        match = _compare(scan.text, printed)
        prefix = ""
        if match is None and _takes(driver, "prefix"):
            prefix, match = _behind_prefix(scan.text, printed)
        if match is None:
            continue
        worse, notes = match
        if not before_gap:
            worse += 1
            notes = (*notes, "it sends no Enter after a code: have it send one, or codes scanned quickly run together")
        aim = scan.aim
        if prefix and aim is None and _takes(driver, "aim"):
            prefix, aim = _aim_in(prefix)
        if aim is None:
            notes = (
                *notes,
                "it sends no AIM prefix: have it send one (]E0, ]d2 ...), so that GS1 codes are known as such",
            )
        table = {**_table(driver, trial, baud, frame), **({"prefix": prefix} if prefix else {})}
        found.append((worse, Fit(driver, trial, table, (scan,), 100, notes)))
    return [fit for _, fit in sorted(found, key=lambda pair: pair[0])]


def _trials(drivers: Iterable[Driver[Any]], baud: int, frame: str) -> list[tuple[Driver[Any], Trial]]:
    """Give the trials of this line, then those of others: bytes that came through whole may be any dialect's."""
    chosen = [
        (driver, trial)
        for driver in drivers
        for trial in driver.trials
        if bool(trial.baud) == bool(baud) and trial.dialect in driver.codecs
    ]
    chosen.sort(key=lambda one: (one[1].baud, one[1].frame) != (baud, frame))
    once = {(driver.name, trial.dialect, repr(trial.options)): (driver, trial) for driver, trial in reversed(chosen)}
    return list(reversed(once.values()))


def _codec(driver: Driver[Any], trial: Trial) -> Codec:
    return driver.codecs[trial.dialect](**trial.options)


def _table(driver: Driver[Any], trial: Trial, baud: int, frame: str) -> dict[str, object]:
    line: dict[str, object] = {"baud": baud, "frame": frame} if baud else {}
    return {key: value for key, value in line.items() if _takes(driver, key)} | dict(trial.table)


def _takes(driver: Driver[Any], key: str) -> bool:
    return any(field.encode_name == key for field in msgspec.structs.fields(driver.settings))


def _drain(codec: Codec) -> list[Reading]:
    readings: list[Reading] = []
    while (reading := codec.next_reading()) is not None:
        readings.append(reading)
    return readings


def _read(codec: Codec, stretches: Sequence[bytes]) -> list[Reading]:
    readings: list[Reading] = []
    for stretch in stretches:
        codec.feed(stretch)
        codec.gap()
        readings += _drain(codec)
    return readings


def _scans(codec: Codec, stretches: Sequence[bytes]) -> tuple[list[Scan], list[Scan]]:
    """Give the scans that came by themselves, and those that only a silence ended."""
    before, after = [], []
    for stretch in stretches:
        codec.feed(stretch)
        before += _drain(codec)
        codec.gap()
        after += _drain(codec)
    return [one for one in before if isinstance(one, Scan)], [one for one in after if isinstance(one, Scan)]


def _first_good(fit: Fit) -> Reading:
    return next(one for one in fit.readings if not isinstance(one, Refused))


def _bytes_of(reading: Reading) -> int:
    # A code's suffix is not in its `raw`; a state of an antenna has none.
    return len(getattr(reading, "raw", b"")) + (1 if isinstance(reading, Scan) else 0)


def _compare(text: str, printed: str) -> tuple[int, tuple[str, ...]] | None:
    """Say how well a decoded text is the printed one: how bad it is (0: equal), and what to tell people."""
    if text == printed:
        return 0, ()
    if GS not in printed:
        return None
    if text == printed.replace(GS, ""):
        return 4, ("it swallows GS: have it send GS, or what follows a batch or a serial number cannot be told apart",)
    parts = printed.split(GS)
    rest, between = text, set()
    for number, part in enumerate(parts):
        at = rest.find(part) if part else 0
        if at < 0 or (number == 0 and at > 0):
            return None
        if number:
            between.add(rest[:at])
        rest = rest[at + len(part) :]
    if rest:
        return None
    return 4, (f"it sends {' or '.join(sorted(map(repr, between)))} for GS: have it send GS itself",)


def _behind_prefix(text: str, printed: str) -> tuple[str, tuple[int, tuple[str, ...]] | None]:
    """Look for the printed code behind something that stands before every code."""
    at = text.find(printed[: max(1, printed.find(GS))])
    if at <= 0:
        return "", None
    match = _compare(text[at:], printed)
    return text[:at], match and (match[0] + 2, (*match[1], f"it sends {text[:at]!r} before each code"))


def _aim_in(prefix: str) -> tuple[str, str | None]:
    """Tell the AIM prefix of this code ("]E0"), which may come after a fixed one, from the fixed one."""
    aim, rest = split_aim(prefix[-3:])
    return (prefix[:-3], aim) if aim is not None and not rest else (prefix, None)
