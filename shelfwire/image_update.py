"""`shelfwire image update`: a round of updating this machine from its hub."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from image.slots.fetching import Hub

STATION = "data/shelfwire/station"


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "update",
        help="ask the hub for an update, and take it as far as that may be now",
        description="Asks the hub, downloads, checks, and, while the shop is closed, installs and restarts.",
    )
    parser.add_argument("--now", action="store_true", help="restart also in opening hours")
    parser.add_argument(
        "--root", type=Path, default=Path("/"), metavar="FOLDER", help="take a folder for the machine's root"
    )
    parser.set_defaults(run_image=_run)


def _run(args: argparse.Namespace) -> int:
    from image.errors import ImageError
    from image.slots.machine import Machine
    from image.slots.updating import update

    try:
        hub = _hub(args.root / STATION)
        if hub is None:
            print("this station is not enrolled: there is no hub to ask")
            return 0
        update(Machine(args.root), hub, lambda text: print(text, flush=True), at_once=args.now)
    except (ImageError, OSError) as error:
        print(f"shelfwire: {error}", file=sys.stderr)
        return 1
    return 0


def _hub(data_dir: Path) -> Hub | None:
    """Find the hub that a station is enrolled at; its identity is read, and never written here."""
    from edge.enrol.est import EstClient
    from edge.enrol.folder import keys_in
    from edge.enrol.kept import FOLDER, IN_USE, read_record
    from edge.enrol.moment import Moment
    from edge.errors import EdgeError
    from image.slots.fetching import NotNow

    record = read_record(data_dir)
    if record.held is None or not record.host:
        return None
    folder = data_dir / FOLDER
    moment = Moment(folder / "floor", 0, lambda: time.time_ns() // 1000)
    moment.open()
    client, keys = EstClient(record.host, record.port, moment, timeout_s=60.0), keys_in(folder / IN_USE)

    class Asked:
        def get(self, path: str, first: int | None = None) -> tuple[int, str, bytes]:
            try:
                return client.fetch(keys, path, first)
            except (EdgeError, OSError) as error:
                raise NotNow(str(error)) from error

    return Asked()
