"""`shelfwire provision ...`: the store's authority, invitations to stations, and what became of them."""

from __future__ import annotations

import argparse

from shelfwire import (
    provision_acceptance,
    provision_broker,
    provision_ca,
    provision_cards,
    provision_enrol,
    provision_fleet,
    provision_hq,
    provision_identities,
    provision_invite,
    provision_labels,
    provision_settings,
)


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `provision` and what it can do."""
    parser = subparsers.add_parser(
        "provision",
        help="who may join the store: authority, invitations, identities",
        description="Who may join the store: its certificate authority, invitations to stations, and what became of "
        "them. `ca` works on the hub's data folder, and cards and labels can "
        "be printed anywhere; the others ask the running hub.",
    )
    commands = parser.add_subparsers(dest="provision_command", required=True, metavar="COMMAND")
    for each in (
        provision_ca,
        provision_invite,
        provision_identities,
        provision_acceptance,
        provision_settings,
        provision_broker,
        provision_hq,
        provision_enrol,
        provision_fleet,
        provision_cards,
        provision_labels,
    ):
        each.add_parser(commands)


def run(args: argparse.Namespace) -> int:
    """Run the chosen command; give its exit code."""
    code: int = args.run_provision(args)
    return code
