"""`shelfwire hub ...`: run the store's hub; bring items in from a file; keep it safe."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from pathlib import Path

import msgspec

from hub.errors import BadInput, HubError, TryAgain
from hub.settings import Settings, load_settings
from hub.store.folder import make_folder
from shelfwire import hub_export, hub_places, hub_releases, hub_safety, hub_tokens, station_log_import
from shelfwire.diagnosis import commands as diagnosis


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `hub` and what it can do."""
    parser = subparsers.add_parser("hub", help="the store's hub", description="The store's hub.")
    commands = parser.add_subparsers(dest="hub_command", required=True, metavar="COMMAND")
    run_parser = commands.add_parser("run", help="serve stations, HQ and the web page until stopped")
    run_parser.add_argument("--config", type=Path, required=True, metavar="hub.toml")
    import_parser = commands.add_parser(
        "import",
        help="take items, codes and prices from a CSV file, or a station's log from a stick",
        description="Take items, codes and prices from a CSV file (OSPOS's, or item,name,unit,code,price,currency), the"
        " hub being stopped; or with --station-log a station's log that was carried here, the hub running or not.",
    )
    import_parser.add_argument("--config", type=Path, required=True, metavar="hub.toml")
    import_parser.add_argument("file", type=Path, nargs="?", metavar="FILE.csv")
    station_log_import.add_options(import_parser)
    hub_export.add_parser(commands)
    diagnosis.add_to_hub(commands)
    hub_places.add_parser(commands)
    hub_releases.add_parser(commands)
    hub_safety.add_parsers(commands)
    hub_tokens.add_parser(commands)


def run(args: argparse.Namespace) -> int:
    """Run the chosen command; give its exit code."""
    if args.hub_command == "diagnose":
        # Also by settings that nothing else can be done by.
        return diagnosis.diagnose_hub(args)
    try:
        settings = load_settings(args.config)
    except BadInput as error:
        print(f"shelfwire: {args.config}: {error.detail}", file=sys.stderr)
        return 2
    try:
        make_folder(settings.data_dir)
        if args.hub_command in hub_safety.COMMANDS:
            return hub_safety.run(args, settings)
        if args.hub_command == "export":
            return hub_export.run(args, settings)
        if args.hub_command == "release":
            return hub_releases.run(args, settings)
        if args.hub_command == "places":
            return hub_places.run(args, settings)
        if args.hub_command == "token":
            return hub_tokens.run(args, settings)
        if args.hub_command == "import" and args.station_log is not None:
            return station_log_import.run(args, settings)
        if args.hub_command == "import":
            if args.file is None:
                print("shelfwire: hub import: name a FILE.csv, or --station-log FILE", file=sys.stderr)
                return 2
            return asyncio.run(_import(settings, args.file))
        return asyncio.run(_run(settings))
    except (TryAgain, BadInput, OSError) as error:
        print(f"shelfwire: {error}", file=sys.stderr)
        return 1


async def _run(settings: Settings) -> int:
    from hub.app import Hub, Ready
    from shelfwire.loading import serve_evenly
    from shelfwire.logs import log_json_lines
    from shelfwire.supervised import our_supervisor, watched
    from shelfwire.turns import take_short_turns

    log_json_lines()
    take_short_turns()
    supervisor = our_supervisor()

    def tell(ready: Ready) -> None:
        serve_evenly()
        supervisor.ready(f"the hub of {ready.store}")
        print(msgspec.json.encode({"event": "ready", **msgspec.to_builtins(ready)}).decode(), flush=True)

    hub = Hub(settings, tell)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, hub.stop)
    await watched(hub.run(), supervisor, hub.stopping, hub.answers)
    return 0


async def _import(settings: Settings, file: Path) -> int:
    from hub.importing import import_catalogue, read_file

    try:
        report = await import_catalogue(settings, read_file(file))
    except HubError as error:
        print(f"shelfwire: {error}", file=sys.stderr)
        return 1
    for problem in report.problems:
        print(f"{file}: {problem}", file=sys.stderr)
    print(f"{report.items} items read, {report.rows} catalogue rows changed, {len(report.problems)} lines refused")
    return 1 if report.problems else 0
