"""`shelfwire hub backup|restore|rebuild`: the hub's file kept a second time, put back, and held against its logs."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from hub.errors import HubError
from hub.settings import Settings

if TYPE_CHECKING:
    from hub.store.restoring import Place

COMMANDS = ("backup", "restore", "rebuild")
WAIT_FOR_FOLD_S = 30.0


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the three commands."""
    backup = commands.add_parser(
        "backup",
        help="copy the hub's file, whole and checked, also while the hub runs",
        description="Copy the hub's file, whole and checked, also while the hub runs. Beside it comes a manifest, "
        "FILE.json: when, how far each log reached, and the SHA-256 of the file.",
    )
    backup.add_argument("to", type=Path, metavar="DEST", help="a new file, or a folder to make one in")
    restore = commands.add_parser(
        "restore",
        help="put a backup, and what was archived after it, in the place of the hub's file",
        description="Put a backup, and what was archived after it, in the place of the hub's file. The hub must be "
        "stopped. The file that is there is set aside. Stations and head office bring the rest when the hub runs.",
    )
    restore.add_argument("backup", type=Path, metavar="BACKUP")
    restore.add_argument(
        "--until",
        type=read_time,
        metavar="TIME",
        help="leave out what the hub came to know later: 2026-11-22T14:30 (UTC unless it says otherwise)",
    )
    rebuild = commands.add_parser(
        "rebuild",
        help="hold the books against the logs, and make them anew where they differ",
        description="Recompute the books from the logs, by the plain definition of stock, and say where those kept "
        "differ. With --compare nothing is changed and the hub may run. Without, the hub must be stopped, and books "
        "that differ are made anew; the file that is there is set aside.",
    )
    how = rebuild.add_mutually_exclusive_group()
    how.add_argument("--compare", action="store_true", help="only say where they differ; exit code 1 if they do")
    how.add_argument("--anyway", action="store_true", help="make them anew without comparing first")
    for parser in (backup, restore, rebuild):
        parser.add_argument("--config", type=Path, required=True, metavar="hub.toml")
        parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Run one of them; give its exit code."""
    try:
        if args.hub_command == "backup":
            return _backup(settings, args.to, args.json)
        if args.hub_command == "restore":
            return _restore(settings, args.backup, args.until, args.json)
        return _compare(settings, args.json) if args.compare else _rebuild(settings, args.anyway, args.json)
    except (HubError, OSError) as error:
        return _failed(str(error), args.json)


def _backup(settings: Settings, to: Path, as_json: bool) -> int:
    from hub.app import seat_of
    from hub.store.archive import current_segment
    from hub.store.backing_up import take_backup
    from hub.store.restoring import stamp

    if to.is_dir():
        to = to / f"{settings.store}-{stamp(_now_us())}.db"
    medium = settings.medium

    def segment(life: str) -> int | None:
        return None if medium is None else current_segment(medium, settings.store, life)

    manifest = take_backup(seat_of(settings), to, settings.store, _now_us, segment)
    if as_json:
        _print_json({"file": str(to), "manifest": msgspec.to_builtins(manifest)})
    else:
        print(f"{to}: {_size(manifest.bytes)}, as of {_said(manifest.at_us)}, sha256 {manifest.sha256}")
    return 0


def _restore(settings: Settings, backup: Path, until_us: int | None, as_json: bool) -> int:
    from hub.app import authority_of
    from hub.folder_copy import copy_on, put_folder_back
    from hub.store.restoring import restore

    done = asyncio.run(restore(_place(settings), backup, settings.medium, until_us, _progress(as_json)))
    authority = authority_of(settings)
    media = (backup.parent, *(() if settings.medium is None else (settings.medium,)))
    put_back = any(put_folder_back(copy_on(medium, settings.store), authority) for medium in media)
    if as_json:
        _print_json(
            {
                "authority": str(authority) if put_back else None,
                "as_of_us": done.as_of_us,
                "entries": done.entries,
                "set_aside": None if done.aside is None else str(done.aside),
                "gap": done.gap,
            }
        )
        return 0
    if done.gap:
        print(f"shelfwire: the archive was followed only so far: {done.gap}", file=sys.stderr)
    if done.aside is not None:
        print(f"set aside: {done.aside}")
    as_of = "of the backup" if done.as_of_us is None else _said(done.as_of_us)
    print(f"restored: {backup} and {done.entries} entries archived after it; the file is as of {as_of}")
    if put_back:
        print(f"put back: {authority}, which stations and certificates rest on")
    print("Start the hub: the stations bring what they have after that.")
    return 0


def _rebuild(settings: Settings, anyway: bool, as_json: bool) -> int:
    from hub.store.restoring import rebuild

    done = asyncio.run(rebuild(_place(settings), _progress(as_json), anyway=anyway))
    aside = None if done.aside is None else str(done.aside)
    if as_json:
        _print_json({"differences": msgspec.to_builtins(done.differences), "set_aside": aside})
        return 0
    for each in done.differences:
        print(f"{each.what} {each.key}: was {each.kept}, is now {each.recomputed}")
    if aside is None:
        print("The books are what the logs say; nothing was changed.")
    else:
        print(f"set aside: {aside}")
        print("The books were made anew; head office is told of all entries again.")
    return 0


def _compare(settings: Settings, as_json: bool) -> int:
    from hub.store.restoring import compare

    differences = compare(_place(settings), WAIT_FOR_FOLD_S)
    if as_json:
        _print_json({"differences": msgspec.to_builtins(differences)})
    else:
        for each in differences:
            print(f"{each.what} {each.key}: kept {each.kept}, should be {each.recomputed}")
        found = len(differences)
        print(f"differences: {found}" if found else "The books are what the logs say.")
    return 1 if differences else 0


def _progress(as_json: bool) -> Callable[[int], None]:
    def tell(entries: int) -> None:
        if not as_json:
            print(f"{entries} entries to book", flush=True)

    return tell


def _place(settings: Settings) -> Place:
    from hub.app import seat_of
    from hub.store.restoring import Place

    return Place(seat_of(settings), settings.store, settings.codes, _now_us)


def _now_us() -> int:
    return time.time_ns() // 1000


def _failed(error: str, as_json: bool) -> int:
    if as_json:
        _print_json({"error": error})
    print(f"shelfwire: {error}", file=sys.stderr)
    return 1


def _print_json(value: object) -> None:
    print(msgspec.json.encode(value).decode())


def read_time(text: str) -> int:
    """Read a time as UTC microseconds. Raises `ArgumentTypeError`."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 2026-11-22T14:30") from error
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1_000_000)


def _said(at_us: int) -> str:
    return datetime.fromtimestamp(at_us // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _size(size: int) -> str:
    return f"{size / 1_000_000:.1f} MB"
