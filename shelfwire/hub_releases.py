"""`shelfwire hub release`: which updates machines are offered, on the hub's own machine."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec

from hub.errors import HubError
from hub.release_files import FOLDER, bundle_path
from hub.settings import Settings
from shelfwire.hub_api import HubApi, inert, with_hub

_PIECE = 1024 * 1024


class _Release(msgspec.Struct, frozen=True):
    release: str
    version: str
    compatible: str
    size: int
    stations: tuple[str, ...]
    percent: int
    anytime: bool
    older: bool
    offered: bool


class _Releases(msgspec.Struct, frozen=True):
    releases: tuple[_Release, ...]


class _Given(msgspec.Struct, frozen=True):
    entry: str


class _Info(msgspec.Struct, frozen=True):
    """What `rauc info --output-format=json` says."""

    compatible: str
    version: str


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands."""
    parser = commands.add_parser("release", help="which updates machines are offered")
    verbs = parser.add_subparsers(dest="release_command", required=True, metavar="VERB")
    add = verbs.add_parser(
        "add", help="take a bundle, and offer it", description="Of several, the last one is offered."
    )
    add.add_argument("bundle", type=Path, metavar="UPDATE.raucb")
    add.add_argument("--keyring", type=Path, metavar="keyring.pem", help="refuse a bundle that these did not sign")
    add.add_argument("--to", action="append", default=[], metavar="POSITION", help="only there; may be given again")
    add.add_argument("--percent", type=int, default=100, metavar="N", help="to N in a hundred stations first")
    add.add_argument("--now", action="store_true", help="also in opening hours")
    add.add_argument("--older", action="store_true", help="also where a newer version runs")
    withdraw = verbs.add_parser("withdraw", help="offer it to nobody any more")
    withdraw.add_argument("release", help="its version, or the beginning of its SHA-256")
    shown = verbs.add_parser("list", help="the releases, and to whom they are offered")
    shown.add_argument("--json", action="store_true", help="print one JSON object")
    for each in (add, withdraw, shown):
        each.add_argument("--config", type=Path, required=True, metavar="hub.toml")
        each.add_argument("--token-file", type=Path, metavar="FILE", help="holds a token with the scope provision")
        each.add_argument("--hub", metavar="URL", help="the hub's page, where that is not as the settings say")
    for each in (add, withdraw):
        each.add_argument("--author", required=True, metavar="NAME", help="who decides this")
        each.add_argument("--note", required=True, metavar="TEXT", help="why")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Run one; give its exit code."""
    job = {"add": _add, "withdraw": _withdraw, "list": _list}[args.release_command]
    return with_hub(args, lambda hub: job(hub, args, settings))


def _add(hub: HubApi, args: argparse.Namespace, settings: Settings) -> int:
    info = _info(args.bundle, args.keyring)
    folder = settings.data_dir / FOLDER
    folder.mkdir(exist_ok=True)
    release, size = _take(args.bundle, folder)
    word = {
        "release": release,
        "version": info.version,
        "compatible": info.compatible,
        "size": size,
        "stations": args.to,
        "percent": args.percent,
        "anytime": args.now,
        "older": args.older,
        "author": args.author,
        "note": args.note,
    }
    given = hub.post("/releases", word, _Given)
    print(f"{info.compatible} {info.version} is offered (release {release[:12]}, entry {given.entry})")
    return 0


def _withdraw(hub: HubApi, args: argparse.Namespace, settings: Settings) -> int:
    meant = [
        each
        for each in hub.get("/releases", _Releases).releases
        if each.offered and (each.version == args.release or each.release.startswith(args.release))
    ]
    if len(meant) != 1:
        print(f"shelfwire: {len(meant)} releases that are offered are called so", file=sys.stderr)
        return 1
    word = msgspec.to_builtins(meant[0]) | {"offered": False, "author": args.author, "note": args.note}
    hub.post("/releases", word, _Given)
    # Withdrawn is withdrawn: what stations must not have is not kept for them.
    bundle_path(settings.data_dir / FOLDER, meant[0].release).unlink(missing_ok=True)
    print(f"{meant[0].version} is offered to nobody any more")
    return 0


def _list(hub: HubApi, args: argparse.Namespace, _: Settings) -> int:
    told = hub.get("/releases", _Releases).releases
    if args.json:
        print(json.dumps(msgspec.to_builtins(_Releases(told))))
        return 0
    for each in told:
        whom = f"{', '.join(each.stations) or 'all'}, {each.percent} in a hundred" if each.offered else "withdrawn"
        hours = ", any time" if each.anytime else ""
        print(inert(f"{each.release[:12]}  {each.compatible:<28} {each.version:<16} {whom}{hours}"))
    return 0


def _info(bundle: Path, keyring: Path | None) -> _Info:
    """Ask RAUC what a bundle is. Raises `HubError`."""
    trusted = ["--no-verify"] if keyring is None else [f"--keyring={keyring}"]
    try:
        done = subprocess.run(
            ["rauc", "info", *trusted, "--output-format=json", str(bundle)], check=False, capture_output=True, text=True
        )
    except OSError as error:
        raise HubError("rauc not found: sudo apt-get install rauc") from error
    try:
        return msgspec.json.decode(done.stdout, type=_Info)
    except msgspec.DecodeError as error:
        raise HubError(f"{bundle} is no bundle, or not one of ours: {done.stderr.strip()[-300:]}") from error


def _take(bundle: Path, folder: Path) -> tuple[str, int]:
    """Copy a bundle into the hub's folder under its digest, whole or not at all; give digest and size."""
    digest, size, part = hashlib.sha256(), 0, folder / "new.part"
    with bundle.open("rb") as source, part.open("wb") as target:
        while data := source.read(_PIECE):
            digest.update(data)
            size += target.write(data)
        target.flush()
        os.fsync(target.fileno())
    release = digest.hexdigest()
    part.replace(bundle_path(folder, release))
    return release, size
