"""`shelfwire hub places`: the shop floor from a CSV file."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from hub.errors import HubError
from hub.settings import Settings
from shelfwire.hub_safety import read_time


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "places",
        help="take the shop's places, and what is at home where, from a CSV file",
        description="Take the shop's places, and what is at home where, from a CSV file with the columns place, kind "
        "(area, shelf, pop-up, spot, virtual, gone), parent, area, item; the hub being stopped. What is known already "
        "is passed over; if a line is wrong, nothing is taken.",
    )
    parser.add_argument("--config", type=Path, required=True, metavar="hub.toml")
    parser.add_argument("--author", required=True, metavar="NAME", help="who decides this")
    parser.add_argument("--note", required=True, metavar="TEXT", help="why")
    parser.add_argument(
        "--from",
        dest="from_us",
        type=read_time,
        metavar="TIME",
        help="from when on it is so: 2026-11-22T14:30 (UTC unless it says otherwise); now if not said",
    )
    parser.add_argument("file", type=Path, metavar="FILE.csv")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Run it; give its exit code."""
    from hub.floor_import import import_places
    from hub.importing import read_file

    try:
        news = asyncio.run(import_places(settings, read_file(args.file), args.author, args.note, args.from_us))
    except HubError as error:
        print(f"shelfwire: {args.file}: {error}", file=sys.stderr)
        return 1
    print(f"{news} words were news")
    return 0
