"""`shelfwire image slots` and `image health`: the two slots of this machine, for people, for RAUC and for its units."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from image.slots.machine import Machine, Told

UNWELL = 4
"""Exit code of `image health`: something is wrong, and the machine stays where it is, for it is no trial."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands."""
    _add_slots(commands.add_parser("slots", help="the two slots of this machine, and RAUC's boot-loader backend"))
    health = commands.add_parser(
        "health",
        help="check what was started: keep a slot on trial, or say it is to be left",
        description=_health.__doc__,
    )
    _root(health)
    health.add_argument("--within", type=float, metavar="SECONDS", help="wait no longer than that; else by slots.toml")
    health.set_defaults(run_image=_guarded(_health))


def _add_slots(parser: argparse.ArgumentParser) -> None:
    parser.description = "Without a verb: show which slot is booted, committed and on trial, and what fell back, why."
    verbs = parser.add_subparsers(dest="verb", metavar="VERB")
    show = verbs.add_parser("show", help="how the slots stand")
    for each in (parser, show):
        _root(each)
        each.add_argument("--json", action="store_true", help="print one JSON object")
        each.set_defaults(run_image=_guarded(_show))
    trying = verbs.add_parser("try", help="restart now, into the slot that waits to be tried")
    back = verbs.add_parser("back", help="choose the other slot, if it is whole: it is tried at `slots try`")
    for verb, said in (
        ("get-primary", "for RAUC: the slot that is started next"),
        ("get-current", "for RAUC: the slot that is booted"),
    ):
        each = verbs.add_parser(verb, help=said)
        _root(each)
        each.set_defaults(run_image=_guarded(_backend))
    for verb, said in (
        ("set-primary", "for RAUC: start this slot next"),
        ("get-state", "for RAUC: whether a slot is good or bad"),
        ("set-state", "for RAUC: bad gives a slot up before it is written"),
    ):
        each = verbs.add_parser(verb, help=said)
        _root(each)
        each.add_argument("slot")
        if verb == "set-state":
            each.add_argument("state", choices=("good", "bad"))
        each.set_defaults(run_image=_guarded(_backend))
    for each, run in ((trying, _try), (back, _back)):
        _root(each)
        each.set_defaults(run_image=_guarded(run))


def _root(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--root", type=Path, default=Path("/"), metavar="FOLDER", help="take a folder for the machine's root"
    )


def _guarded(run: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    def guarded(args: argparse.Namespace) -> int:
        from image.errors import ImageError

        try:
            return run(args)
        except (ImageError, OSError) as error:
            print(f"shelfwire: {error}", file=sys.stderr)
            return 1

    return guarded


def _machine(args: argparse.Namespace) -> Machine:
    from image.slots.machine import Machine

    return Machine(args.root)


def _show(args: argparse.Namespace) -> int:
    import msgspec

    told = _machine(args).look()
    if args.json:
        facts = {"booted": told.facts.booted, "primary": told.facts.primary, "standing": told.standing}
        print(json.dumps(facts | {"record": msgspec.to_builtins(told.record)}))
    else:
        _print(told)
    return 0


def _print(told: Told) -> None:
    known, facts = told.record, told.facts
    print(f"booted:    {facts.booted} ({told.standing})")
    print(f"committed: {facts.primary or 'autoboot.txt cannot be read'}")
    for slot in ("a", "b"):
        print(f"slot {slot}:    {known.versions.get(slot, 'nothing whole is known to be in it') or 'unnamed version'}")
    if known.trial is not None:
        asked = ", the firmware was asked to try it" if known.trial.asked else ""
        print(f"trial:     {known.trial.slot} {known.trial.version} ({known.trial.stage}{asked})")
    for fall in known.falls:
        when = datetime.fromtimestamp(fall.at_us / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S")
        print(f"{when} UTC  slot {fall.slot} {fall.version} {fall.why}: {fall.detail}")


def _backend(args: argparse.Namespace) -> int:
    from image.slots import rules
    from image.slots.rules import slot_of

    machine = _machine(args)
    told = machine.look()
    match args.verb:
        case "get-primary":
            print(rules.get_primary(told.facts, told.record))
        case "get-current":
            print(told.facts.booted)
        case "get-state":
            print("good" if rules.is_good(told.facts, told.record, slot_of(args.slot)) else "bad")
        case "set-primary":
            machine.set_primary(slot_of(args.slot))
        case _ if args.state == "bad":
            machine.set_bad(slot_of(args.slot))
        case _:
            rules.set_good(told.facts, told.record, slot_of(args.slot))
    return 0


def _try(args: argparse.Namespace) -> int:
    from image.slots.checking import try_waiting

    try_waiting(_machine(args), _say)
    return 0


def _back(args: argparse.Namespace) -> int:
    from image.slots.autoboot import other_slot

    machine = _machine(args)
    machine.set_primary(other_slot(machine.look().facts.booted))
    return 0


def _health(args: argparse.Namespace) -> int:
    """Check the machine: mounts, agent, log, devices. Commits a slot on trial that is well.

    Exit code 1: this slot is to be left, by a restart; 4: something is wrong, but there is nothing to go back to.
    """
    from image.slots.checking import check

    verdict = check(_machine(args), _say, args.within)
    if verdict.committed:
        _say("all is well: this slot is committed")
    elif verdict.leave:
        _say(f"going back: {verdict.reason}")
    elif verdict.reason:
        _say(f"not well: {verdict.reason}")
    else:
        _say("all is well")
    return 1 if verdict.leave else UNWELL if verdict.reason else 0


def _say(text: str) -> None:
    print(text, flush=True)
