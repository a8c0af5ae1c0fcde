"""The `shelfwire` command: finds the subcommand that was named and hands over to its module."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from shelfwire.loading import load_undisturbed

SUBCOMMANDS = {
    "demo": ("shelfwire.demo_commands", "a whole store on this machine, books balanced at the end"),
    "decode": ("shelfwire.decode_command", "what a scanned code or an RFID tag means, as JSON"),
    "edge": ("shelfwire.edge_commands", "the agent of a station"),
    "hub": ("shelfwire.hub_commands", "the store's hub"),
    "image": ("shelfwire.image_commands", "the flashable image: what is on a card"),
    "provision": ("shelfwire.provision_commands", "who may join the store: authority, invitations, identities"),
}
"""By name: the module, which has `add_parser(subparsers)` and `run(args) -> int`, and what it is for.

Only the module that was named is imported, so that an agent on a small machine does not load a web framework.
"""


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(f"shelfwire {installed_version()}")
        parser.exit()


def installed_version() -> str:
    """Tell the version of the installed distribution."""
    from importlib.metadata import version

    return version("shelfwire")


def build_parser(named: str | None) -> argparse.ArgumentParser:
    """Make the parser, with the subcommand `named` in full and the others by their one line."""
    parser = argparse.ArgumentParser(
        prog="shelfwire",
        description="Appliance software between a shop's hardware and its books.",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and leave")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module, purpose) in SUBCOMMANDS.items():
        if name == named:
            importlib.import_module(module).add_parser(subparsers)
        else:
            subparsers.add_parser(name, help=purpose, add_help=False)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 failed, 2 usage or configuration."""
    load_undisturbed()
    arguments = list(sys.argv[1:] if argv is None else argv)
    named = next((argument for argument in arguments if not argument.startswith("-")), None)
    args = build_parser(named).parse_args(arguments)
    try:
        code: int = importlib.import_module(SUBCOMMANDS[args.command][0]).run(args)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read what we print has had enough, as `head` has. Python would complain once more when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    return code


if __name__ == "__main__":
    sys.exit(main())
