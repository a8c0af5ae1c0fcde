"""`shelfwire provision ...`: the store's certificate authority, and who may join by it."""

from __future__ import annotations

import argparse

from shelfwire import provision_ca


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `provision` and what it can do."""
    parser = subparsers.add_parser(
        "provision",
        help="the store's certificate authority, and who may join by it",
        description="The store's certificate authority, and who may join by it.",
    )
    commands = parser.add_subparsers(dest="provision_command", required=True, metavar="COMMAND")
    provision_ca.add_parser(commands)


def run(args: argparse.Namespace) -> int:
    """Run the chosen command; give its exit code."""
    code: int = args.run_provision(args)
    return code
