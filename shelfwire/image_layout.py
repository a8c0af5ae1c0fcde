"""`shelfwire image layout`: the partitions of a card, for people and for scripts."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from image.layout import ONE_SLOT, TWO_SLOTS


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser("layout", help="the partitions of a card, their sizes, labels and PARTUUIDs")
    parser.add_argument("--one-slot", action="store_true", help="of a Raspberry Pi 3 or Zero 2 W")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run_image=run)


def run(args: argparse.Namespace) -> int:
    """Print it; give 0."""
    layout = ONE_SLOT if args.one_slot else TWO_SLOTS
    partitions = sorted(layout.partitions, key=lambda each: each.number)
    if args.json:
        rows = [asdict(each) | {"partuuid": each.partuuid} for each in partitions]
        print(json.dumps({"layout": layout.name, "size_mib": layout.size_mib, "partitions": rows}))
        return 0
    for each in partitions:
        print(
            f"p{each.number}  {each.name:<9} {each.kind:<9} {each.start_mib:>5} MiB + {each.size_mib:>4} MiB  "
            f"{each.partuuid}  {each.label:<9} {each.mount}".rstrip()
        )
    return 0
