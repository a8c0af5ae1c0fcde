"""`shelfwire edge diagnose` and `shelfwire hub diagnose`, light to load: what they gather with is loaded when asked."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_to_edge(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the station's."""
    parser = _parser(commands, "health, devices, the state of the logs")
    parser.add_argument("--config", type=Path, default=Path("edge.toml"), metavar="edge.toml")


def add_to_hub(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the hub's."""
    parser = _parser(commands, "health, figures, the state of the logs")
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="with the scope hub, where tokens were made")
    parser.add_argument("--config", type=Path, required=True, metavar="hub.toml")


def _parser(commands: argparse._SubParsersAction[argparse.ArgumentParser], what: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        "diagnose",
        help="gather in one file what a supporter needs, and nothing secret",
        description=f"Gather versions, settings, {what}, certificates and the last lines of the journal into one"
        " archive, whether it runs or not. Secrets are left out; what could not be read is named.",
    )
    parser.add_argument("file", nargs="?", metavar="FILE.zip", help='where to ("-": standard output; default: here)')
    parser.add_argument("--log", type=Path, action="append", default=[], metavar="FILE", help="the end of this log too")
    return parser


def diagnose_station(args: argparse.Namespace) -> int:
    """Gather what there is of a station, and write it; give the exit code."""
    from shelfwire.diagnosis.bundle import begun
    from shelfwire.diagnosis.station import add_station

    bundle = begun()
    add_station(bundle, args.config, args.log)
    return bundle.write(args.file, "station")


def diagnose_hub(args: argparse.Namespace) -> int:
    """Gather what there is of a hub, and write it; give the exit code."""
    from shelfwire.diagnosis.bundle import begun
    from shelfwire.diagnosis.hub import add_hub

    bundle = begun()
    add_hub(bundle, args.config, args.log, args.token_file)
    return bundle.write(args.file, "hub")
