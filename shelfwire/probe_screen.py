"""What `shelfwire edge probe` shows: to people in 80 columns, to scripts as JSON."""

from __future__ import annotations

import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from edge.captures import row_of
from edge.codecs.readings import Refused
from edge.drivers.api import Kind
from edge.drivers.fitting import Fit
from shelfwire.probe_listening import Heard
from shelfwire.probe_listing import RULES_FILE, Proposal, device_name, toml_table

WIDTH = 79

_BEEP = (
    "A scanner beeps when it has decoded, before the scan is on the station's disk. Which codes silence its own beep is"
    " not known here for any model: look for the beeper in its manual."
)


def print_list(proposals: Sequence[Proposal], broken: Iterable[str]) -> None:
    """Show what is attached, and the tables for it."""
    if not proposals:
        print("Nothing is attached that a driver could be for.")
    else:
        print(f"{len(proposals)} attached. What is between the lines goes into edge.toml.")
    names: Counter[str] = Counter()
    for number, one in enumerate(proposals, 1):
        what = one.attached
        where = what.kind.value + (f", USB port {what.usb.port}" if what.usb else "")
        head = f"{number}. {what.name}"
        print(f"\n{head:<{WIDTH - len(where) - 1}.{WIDTH - len(where) - 1}} {where}")
        if one.driver is not None:
            _paragraph(f"{one.driver.name}: {one.driver.summary}.")
        for remark in one.remarks:
            _paragraph(remark)
        if one.driver is None and what.kind is Kind.SERIAL:
            print(f"     shelfwire edge probe {what.path}")
        if one.rule:
            print(f"\n# in {RULES_FILE}:\n{one.rule}")
        if one.driver is not None:
            _print_table(toml_table(device_name(one.driver, names), one.driver, one.table))
    if any(one.driver is not None and "scan" in one.driver.summary.lower() for one in proposals):
        print()
        _paragraph(_BEEP, indent="")
    for line in broken:
        print()
        _paragraph(f"Not loaded: {line}", indent="")


def print_heard(path: str, kind: Kind, heard: Heard, folder: Path | None, *, asked: bool, scanned: bool) -> None:
    """Show what was heard of one device, and what it is."""
    line = f" at {heard.baud} {heard.frame}" if heard.baud else ""
    if not heard.fits:
        print(f"heard {heard.bytes} bytes{line}, which make no sense to any driver" if heard.bytes else "heard nothing")
        if not heard.bytes and kind is Kind.SERIAL and not asked and not scanned:
            _paragraph("A scale may speak only when asked: try again with --ask.", indent="")
        if heard.bytes and scanned:
            _paragraph("Was it the code with exactly that text?", indent="")
    else:
        best = heard.fits[0]
        key = "path" if kind is Kind.INPUT else "port"
        _paragraph(f"{best.driver.name}: {best.driver.summary}.", indent="")
        _paragraph(f"heard {heard.bytes} bytes{line}, {best.percent} % understood")
        if best.driver.experimental:
            _paragraph(f"Experimental: {best.driver.experimental}.")
        for row in [row_of(one) for one in best.readings if not isinstance(one, Refused)][:3]:
            told = {key: value for key, value in row.items() if key != "raw" and value not in (None, False)}
            _paragraph("read " + ", ".join(f"{key} {value}" for key, value in told.items()))
        for note in best.notes:
            _paragraph(f"Mind: {note}.")
        _print_table(toml_table(device_name(best.driver, Counter()), best.driver, {key: path, **best.table}))
        others = list(dict.fromkeys(_difference(fit, best) for fit in heard.fits[1:]))
        if others:
            print()
            _paragraph(f"These fit as well, and the bytes do not tell: {'; '.join(others[:6])}.", indent="")
    if folder is not None:
        print(f"\nrecorded; to read it again: shelfwire edge replay {folder}")


def _difference(fit: Fit, best: Fit) -> str:
    differs = {key: value for key, value in fit.table.items() if best.table.get(key) != value}
    told = ", ".join(f"{key} = {value!r}" for key, value in differs.items())
    if fit.driver.name == best.driver.name:
        return told or fit.trial.dialect
    return f"{fit.driver.name}{f' with {told}' if told else ''}"


def _print_table(table: str) -> None:
    print(f"\n{'-' * WIDTH}\n{table}\n{'-' * WIDTH}")


def _paragraph(text: str, indent: str = "   ") -> None:
    print(
        textwrap.fill(
            text,
            WIDTH,
            initial_indent=indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
    )


def say(what: str) -> None:
    """Tell people what goes on."""
    print(what, flush=True)


def whisper(what: str) -> None:
    """Tell people what goes on while a script reads the output."""
    print(what, file=sys.stderr, flush=True)


def print_json(what: Mapping[str, object]) -> None:
    """Print one line of JSON."""
    print(msgspec.json.encode(what).decode())


def proposal_json(one: Proposal) -> dict[str, object]:
    """Give a proposal as it goes into JSON."""
    what = one.attached
    return {
        "kind": what.kind.value,
        "name": what.name,
        "node": what.node,
        "names": what.names,
        "usb": what.usb,
        "driver": one.driver and one.driver.name,
        "experimental": one.driver.experimental if one.driver else "",
        "table": one.table,
        "udev_rule": one.rule,
        "remarks": one.remarks,
    }


def heard_json(path: str, heard: Heard, folder: Path | None) -> dict[str, object]:
    """Give what was heard as it goes into JSON."""
    return {
        "path": path,
        "baud": heard.baud,
        "frame": heard.frame,
        "bytes": heard.bytes,
        "fits": [
            {
                "driver": fit.driver.name,
                "experimental": fit.driver.experimental,
                "table": fit.table,
                "percent": fit.percent,
                "notes": fit.notes,
                "readings": [row_of(one) for one in fit.readings],
            }
            for fit in heard.fits
        ],
        "capture": None if folder is None else str(folder),
    }
