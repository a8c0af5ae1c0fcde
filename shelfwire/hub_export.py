"""`shelfwire hub export`: stock, counts, movements and the catalogue as files for other programs."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import msgspec

from hub.errors import HubError
from hub.settings import Settings

TABLES = ("stock", "counts", "movements", "catalogue")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "export",
        help="write stock, counts, movements and the catalogue into CSV or JSON lines files",
        description="Write stock, counts, movements and the catalogue into files of a folder, all of one moment; the "
        "hub may run. A file that is there is replaced once the new one is whole. `hub import` reads catalogue.csv.",
    )
    parser.add_argument("--config", type=Path, required=True, metavar="hub.toml")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where the files go; it has to be there")
    parser.add_argument(
        "--only", action="append", choices=TABLES, metavar="TABLE", help=f"of {', '.join(TABLES)}; again for more"
    )
    parser.add_argument("--lines", action="store_true", help="a JSON value in each line, in place of CSV")
    parser.add_argument("--json", action="store_true", help="print one JSON object about what was written")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Run it; give its exit code."""
    from hub.exporting import Form, Table, export

    tables = [Table(name) for name in TABLES if args.only is None or name in args.only]
    form = Form.JSONL if args.lines else Form.CSV
    try:
        done = export(settings, args.folder, tables, form, time.time_ns() // 1000)
    except (HubError, OSError) as error:
        if args.json:
            print(msgspec.json.encode({"error": str(error)}).decode())
        print(f"shelfwire: {error}", file=sys.stderr)
        return 1
    if args.json:
        print(msgspec.json.encode(done).decode())
        return 0
    for each in done.files:
        left_out = f", {each.left_out} catalogue rows that this form cannot tell left out" if each.left_out else ""
        print(f"{each.file}: {each.rows} rows{left_out}")
    if done.not_booked:
        print(f"shelfwire: {done.not_booked} entries were still to be booked", file=sys.stderr)
    return 0
