"""`shelfwire image ...`: making the flashable image, looking into it, and what the machine does with its slots."""

from __future__ import annotations

import argparse

from shelfwire import (
    image_build,
    image_bundle,
    image_inspect,
    image_layout,
    image_machine,
    image_slots,
    image_update,
)


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `image` and what it can do. The modules named here import what they need only when they run."""
    parser = subparsers.add_parser(
        "image",
        help="the flashable image: what is on a card",
        description="The flashable image of a station or a hub, and what is on a card.",
    )
    commands = parser.add_subparsers(dest="image_command", required=True, metavar="COMMAND")
    for each in (
        image_build,
        image_bundle,
        image_inspect,
        image_layout,
        image_machine,
        image_slots,
        image_update,
    ):
        each.add_parser(commands)


def run(args: argparse.Namespace) -> int:
    """Run the chosen command; give its exit code."""
    code: int = args.run_image(args)
    return code
