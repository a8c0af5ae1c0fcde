"""`shelfwire image inspect`: what a finished image holds, and whether it may leave the house."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from image.building.inspecting import Contents


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "inspect",
        help="look into a finished image",
        description="Tell what a finished image (.img or .img.xz) holds: version, packages, units, accounts, ports, "
        "sizes. Leaves with 1 if there is something in it that must not be.",
    )
    parser.add_argument("image", type=Path, metavar="IMAGE")
    parser.add_argument("--packages", action="store_true", help="list every package and wheel")
    parser.add_argument("--json", action="store_true", help="print one JSON object with all of it")
    parser.set_defaults(run_image=run)


def run(args: argparse.Namespace) -> int:
    """Look into it; give 0, or 1 if it is not fit."""
    from image.building.inspecting import inspect
    from image.errors import ImageError

    try:
        contents = inspect(args.image)
    except (ImageError, OSError) as error:
        print(f"shelfwire: image inspect: {error}", file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(asdict(contents)))
    else:
        _print(contents, packages=args.packages)
    return 1 if contents.wrong else 0


def _print(contents: Contents, *, packages: bool) -> None:
    print(f"shelfwire {contents.version} for {contents.kind} on {contents.board} ({contents.layout})")
    print(f"commit       {contents.commit}")
    print(f"kernel       {contents.kernel}")
    print(
        f"card         {contents.card_mib} MiB; root {contents.root_tree_mib} MiB, packed {contents.squashfs_mib} MiB"
    )
    print(f"packages     {len(contents.packages)} of Debian, {len(contents.wheels)} wheels")
    print(f"units        {', '.join(contents.units)}")
    print(f"may log in   {', '.join(contents.may_log_in)} (none has a password)")
    print(f"open ports   {', '.join(contents.ports) or 'none'}")
    print(f"boot files   {', '.join(contents.boot_files)}")
    if packages:
        for name, version in (*contents.packages.items(), *contents.wheels.items()):
            print(f"  {name} {version}")
    for each in contents.wrong:
        print(f"WRONG        {each}")
    print("not fit to leave" if contents.wrong else "fit to leave: no keys, identities, passwords or leftovers")
