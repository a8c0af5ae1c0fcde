"""`shelfwire provision configure|settings`: what stations are to be where they stand, and what they say of it."""

from __future__ import annotations

import argparse
import sys
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from protocol.errors import BadInput
from protocol.station_settings import as_toml, check_settings
from shelfwire.hub_api import HubApi, add_options, inert, with_hub
from shelfwire.provision_answers import minute

PATH = "/station-settings"


class _Given(msgspec.Struct, frozen=True):
    number: int
    repeated: bool


class _Version(msgspec.Struct, frozen=True):
    number: int
    name: str
    settings: dict[str, Any]
    at_us: int
    author: str
    note: str
    restores: int | None = None


class _Override(msgspec.Struct, frozen=True):
    what: str
    local: str
    hub: str


class _Runs(msgspec.Struct, frozen=True):
    station: str
    verdict: str
    applied: str
    failed: str
    reason: str
    drifts: int
    drift: tuple[_Override, ...] = ()


class _Line(msgspec.Struct, frozen=True):
    position: str
    holds: _Version | None
    stations: tuple[_Runs, ...]


class _Position(msgspec.Struct, frozen=True):
    position: str
    holds: _Version | None
    history: tuple[_Version, ...]
    stations: tuple[_Runs, ...]


class _All(msgspec.Struct, frozen=True):
    positions: tuple[_Line, ...]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands."""
    configure = commands.add_parser(
        "configure",
        help="give a position settings: devices, mode, place and the like",
        description="Give a position settings, as its next version. Whichever station stands there checks them with its"
        " own drivers, takes them in an idle moment, and goes back by itself if its devices do not come up. FILE has"
        " the keys and tables of edge.toml; of a secret only the name of a file at the station.",
    )
    configure.add_argument("position", metavar="POSITION")
    configure.add_argument("file", nargs="?", type=Path, metavar="FILE.toml", help="all its settings from now on")
    configure.add_argument("--restore", type=int, metavar="N", help="instead: those of an earlier version")
    configure.add_argument("--replaces", type=int, metavar="N", help="only if this version still holds (0: none)")
    configure.add_argument("--author", required=True, metavar="NAME", help="who decides this")
    configure.add_argument("--note", required=True, metavar="TEXT", help="why")
    settings = commands.add_parser("settings", help="show what positions were given, and what their stations run")
    settings.add_argument("position", nargs="?", metavar="POSITION", help="this one, with every version there was")
    settings.add_argument("--toml", action="store_true", help="only the settings that hold, as a FILE.toml")
    for each in (configure, settings):
        each.add_argument("--json", action="store_true", help="print one JSON object")
        add_options(each)
        each.set_defaults(run_provision=run)


def run(args: argparse.Namespace) -> int:
    """Run one of them; give its exit code."""
    if args.provision_command == "settings":
        if args.toml and args.position is None:
            return _misused("settings: --toml wants a POSITION")
        return with_hub(args, lambda hub: _show(args, hub))
    if (args.file is None) is (args.restore is None):
        return _misused("configure: either a FILE.toml or --restore N")
    asked: dict[str, Any] = {"author": args.author, "note": args.note}
    if args.replaces is not None:
        asked["replaces"] = args.replaces
    if args.restore is not None:
        asked["restores"] = args.restore
    else:
        try:
            asked["settings"] = check_settings(tomllib.loads(args.file.read_text("utf-8")))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            return _misused(f"{args.file}: {error}")
        except BadInput as error:
            return _misused(f"{args.file}: {inert(error.detail)}")
    return with_hub(args, lambda hub: _give(args, hub, asked))


def _give(args: argparse.Namespace, hub: HubApi, asked: dict[str, Any]) -> int:
    made = hub.post(_path(args.position), asked, _Given)
    if args.json:
        print(msgspec.json.encode(made).decode())
    else:
        print(f"version {made.number} of the settings of {inert(args.position)} is on its way")
    return 0


def _show(args: argparse.Namespace, hub: HubApi) -> int:
    if args.position is None:
        found = hub.get(PATH, _All)
        if args.json:
            print(msgspec.json.encode(found).decode())
        for line in () if args.json else found.positions:
            print(_said(line.position, line.holds))
            _tell(line.stations)
        return 0
    one = hub.get(_path(args.position), _Position)
    if args.toml:
        print("" if one.holds is None else as_toml(one.holds.settings), end="")
    elif args.json:
        print(msgspec.json.encode(one).decode())
    else:
        print(_said(one.position, one.holds))
        _tell(one.stations)
        for version in one.history:
            again = "" if version.restores is None else f" (as version {version.restores})"
            print(f"  version {version.number}{again}  {_by(version)}")
    return 0


def _said(position: str, holds: _Version | None) -> str:
    given = "nothing given: its own file alone" if holds is None else f"version {holds.number}  {_by(holds)}"
    return f"{inert(position):<20}  {given}"


def _by(version: _Version) -> str:
    return f"{minute(version.at_us)}  {inert(version.author)}: {inert(version.note)}"


def _tell(stations: tuple[_Runs, ...]) -> None:
    for each in stations:
        print(f"  {inert(each.station)} runs {inert(each.applied) or 'its own file alone'}: {inert(each.verdict)}")
        if each.failed:
            print(f"    {inert(each.failed)} failed: {inert(each.reason)}")
        for one in each.drift:
            print(f"    {inert(one.what)} is {inert(one.local)} there, {inert(one.hub)} here")


def _path(position: str) -> str:
    return f"{PATH}/{quote(position, safe='')}"


def _misused(what: str) -> int:
    print(f"shelfwire: provision {what}", file=sys.stderr)
    return 2
