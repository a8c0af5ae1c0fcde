"""`shelfwire edge probe`: finds the devices of a station, and says how to set each of them up."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

from edge.captures import Capture, write_capture
from edge.drivers.api import Driver, Kind
from edge.drivers.fitting import GS, TEST_TEXT
from edge.drivers.installed import installed_drivers
from edge.errors import BadCapture, BadDriver, TryAgain
from edge.hardware.attached import DEV, SYS, Attached, attached
from shelfwire.probe_listening import (
    Heard,
    ask_on_serial,
    listen_to_serial,
    scan_by_driver,
    scan_on_input,
    scan_on_serial,
)
from shelfwire.probe_listing import Proposal, propose, toml_table
from shelfwire.probe_screen import heard_json, print_heard, print_json, print_list, proposal_json, say, whisper

LISTEN_S = 3.0
SCAN_S = 30.0
UNKNOWN = "unknown"
"""What a capture is called that no dialect understood."""


def run(args: argparse.Namespace) -> int:
    """Find, listen, print; give the exit code: 1 if what was asked about stays unknown."""
    drivers, broken = _drivers()
    proposals = propose(attached(args.sys or SYS, args.dev or DEV), drivers)
    if args.path is None:
        if args.json:
            print_json({"devices": [proposal_json(one) for one in proposals], "drivers_not_loaded": broken})
        else:
            print_list(proposals, broken)
        return 0
    try:
        return _probe_one(args, drivers, proposals)
    except TryAgain as error:
        print(f"shelfwire: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("shelfwire: stopped", file=sys.stderr)
        return 1


def _drivers() -> tuple[list[Driver[Any]], list[str]]:
    """Load every driver; say which cannot be."""
    drivers, broken = [], []
    for spec in installed_drivers().values():
        try:
            drivers.append(spec.load())
        except BadDriver as error:
            broken.append(f"{spec.name}: {error}")
    return drivers, broken


# One device


def _probe_one(args: argparse.Namespace, drivers: Sequence[Driver[Any]], proposals: Sequence[Proposal]) -> int:
    path: str = args.path
    proposal = next((one for one in proposals if _leads_to(one.attached, path)), None)
    kind = proposal.attached.kind if proposal else _kind_of(path)
    tell = whisper if args.json else say
    printed: str | None = args.scan
    if printed is None and not args.ask and _is_scanner(kind, proposal) and sys.stdin.isatty() and not args.json:
        printed = input("What is printed under the code you will scan (<GS> for GS)? ").strip() or None
    if printed is None and kind is not Kind.SERIAL:
        print("shelfwire: --scan TEXT is needed: what is printed under the code you will scan", file=sys.stderr)
        return 2
    if printed is not None:
        printed = TEST_TEXT if printed == "test" else printed.replace("<GS>", GS)
    wait_s: float = args.seconds or (LISTEN_S if printed is None else SCAN_S)
    if kind is Kind.HID and proposal is not None and proposal.driver is not None:
        return _scan_by_driver(args, proposal, proposal.driver, printed or "", wait_s, tell)
    heard = _run(_listening(args, kind, drivers, printed, wait_s, tell))
    spoken = [one for one in heard if one.stretches]
    best = max(spoken, key=lambda one: (bool(one.fits), one.bytes), default=Heard(0, "", (), ()))
    folder = _record(args, kind, path, proposal, best)
    if args.json:
        print_json(heard_json(path, best, folder))
    else:
        print_heard(path, kind, best, folder, asked=args.ask, scanned=printed is not None)
    return 0 if best.fits else 1


def _listening(
    args: argparse.Namespace,
    kind: Kind,
    drivers: Sequence[Driver[Any]],
    printed: str | None,
    wait_s: float,
    tell: Callable[[str], None],
) -> Coroutine[Any, Any, list[Heard]]:
    if kind is Kind.INPUT:
        # A FIFO is what tests have for an input device: it cannot be grabbed.
        grab = not Path(args.path).is_fifo()
        return scan_on_input(args.path, drivers, printed or "", wait_s, tell, grab=grab)
    if args.ask:
        return ask_on_serial(args.path, drivers, tell)
    if printed is not None:
        return scan_on_serial(args.path, drivers, printed, wait_s, tell)
    return listen_to_serial(args.path, drivers, wait_s, tell)


def _run(listening: Coroutine[Any, Any, list[Heard]]) -> list[Heard]:
    return asyncio.run(listening)


def _scan_by_driver(
    args: argparse.Namespace,
    proposal: Proposal,
    driver: Driver[Any],
    printed: str,
    wait_s: float,
    tell: Callable[[str], None],
) -> int:
    # The node itself: the rule that makes the lasting name may not be there yet.
    path: str = args.path
    table: Mapping[str, object] = dict.fromkeys(proposal.table, path)
    tell("scan the code now")
    scan = asyncio.run(scan_by_driver(driver, table, wait_s))
    right = scan is not None and scan.text == printed
    if args.json:
        print_json({"path": args.path, "driver": driver.name, "read": scan and scan.text, "right": right})
    elif scan is None:
        print("nothing was scanned")
    elif right:
        print(f"read right, and nothing has to be set:\n\n{toml_table('scanner', driver, proposal.table)}")
    else:
        print(f"read {scan.text!r}, which is not {printed!r}")
    return 0 if right else 1


def _leads_to(one: Attached, path: str) -> bool:
    return path in (one.node, *one.names) or os.path.realpath(path) == os.path.realpath(one.node)


def _kind_of(path: str) -> Kind:
    """Guess from its place: a pty, or a name that a udev rule gave."""
    real = Path(os.path.realpath(path))
    if real.name.startswith("hidraw"):
        return Kind.HID
    return Kind.INPUT if real.parent.name == "input" or real.is_fifo() else Kind.SERIAL


def _is_scanner(kind: Kind, proposal: Proposal | None) -> bool:
    return kind is not Kind.SERIAL or (proposal is not None and proposal.driver is not None)


def _record(args: argparse.Namespace, kind: Kind, path: str, proposal: Proposal | None, heard: Heard) -> Path | None:
    """Keep what was heard as a capture. Of a keyboard only if told to: it may have typed a password."""
    if not heard.stretches or (kind is Kind.INPUT and args.capture is None):
        return None
    folder: Path = args.capture or _new_folder(Path(path).name)
    fit = heard.fits[0] if heard.fits else None
    who = proposal.attached.name if proposal else Path(path).name
    capture = Capture(
        fit.trial.dialect if fit else UNKNOWN,
        f"field: {who}, {heard.baud} {heard.frame}, heard by shelfwire edge probe" if heard.baud else f"field: {who}",
        fit.trial.options if fit else {},
        heard.stretches,
        None,
    )
    try:
        write_capture(folder, capture)
    except BadCapture as error:
        print(f"shelfwire: not recorded: {error}", file=sys.stderr)
        return None
    return folder


def _new_folder(name: str) -> Path:
    first = Path(f"capture-{name}")
    return next(one for one in (first, *(Path(f"{first}-{number}") for number in range(2, 1000))) if not one.exists())
