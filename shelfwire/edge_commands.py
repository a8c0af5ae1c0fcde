"""`shelfwire edge ...`: run the agent of a station, check its settings, look into its logs."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

import msgspec

from edge.errors import BadSettings, EdgeError
from edge.settings import Settings, load_settings


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `edge` and what it can do."""
    parser = subparsers.add_parser("edge", help="the agent of a station", description="The agent of a station.")
    commands = parser.add_subparsers(dest="edge_command", required=True, metavar="COMMAND")
    run_parser = commands.add_parser("run", help="read the devices and talk to the hub until stopped")
    check_parser = commands.add_parser("check", help="say whether the settings can be used")
    buffer_parser = commands.add_parser("buffer", help="look into the station's logs")
    buffer_commands = buffer_parser.add_subparsers(dest="buffer_command", required=True, metavar="COMMAND")
    status_parser = buffer_commands.add_parser("status", help="say what is kept, and what the hub has not got")
    status_parser.add_argument("--json", action="store_true", help="one JSON object")
    for one in (run_parser, check_parser, status_parser):
        one.add_argument("--config", type=Path, default=Path("edge.toml"), metavar="edge.toml")


def run(args: argparse.Namespace) -> int:
    """Run the chosen command; give its exit code."""
    try:
        settings = load_settings(args.config)
        match args.edge_command:
            case "run":
                return _run(settings)
            case "check":
                return _check(args.config, settings)
            case _:
                return _buffer_status(settings, as_json=args.json)
    except BadSettings as error:
        print(f"shelfwire: {args.config}: {error}", file=sys.stderr)
        return 2
    except EdgeError as error:
        print(f"shelfwire: {error}", file=sys.stderr)
        return 1


def _run(settings: Settings) -> int:
    from edge.agent import Agent, Ready
    from shelfwire.cli import installed_version
    from shelfwire.logs import log_json_lines

    def tell(ready: Ready) -> None:
        print(msgspec.json.encode({"event": "ready", **msgspec.to_builtins(ready)}).decode(), flush=True)

    agent = Agent(settings, installed_version(), tell)
    log_json_lines()
    asyncio.run(agent.run())
    return 0


def _check(path: Path, settings: Settings) -> int:
    from edge.agent import build_devices

    peripherals, _ = build_devices(settings)
    devices = ", ".join(f"{one.id} ({one.kind})" for one in peripherals) or "no devices"
    print(f"{path}: station {settings.station} of {settings.store}, {settings.mode} at {settings.place}; {devices}")
    return 0


def _buffer_status(settings: Settings, *, as_json: bool) -> int:
    from shelfwire.buffer_status import buffer_status

    status = buffer_status(settings)
    if as_json:
        print(msgspec.json.encode(status).decode())
        return 0
    print(f"station {status.station}, agent {'running' if status.running else 'stopped'}")
    for log in status.logs:
        told = "the hub has all of it" if log.unacked == 0 else f"{log.unacked} not known to be at the hub"
        print(f"{log.stream:8} epoch {log.epoch}  seq {log.head}  {log.entries} entries, {log.bytes} bytes; {told}")
    return 0
