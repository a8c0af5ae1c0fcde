"""The `shelfwire` command: parses the command line and hands over to the part that was named."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version


def build_parser() -> argparse.ArgumentParser:
    """Make the whole command line's parser."""
    parser = argparse.ArgumentParser(
        prog="shelfwire",
        description="Appliance software between a shop's hardware and its books.",
    )
    parser.add_argument("--version", action="version", version=f"shelfwire {version('shelfwire')}")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 failed, 2 usage or configuration."""
    parser = build_parser()
    parser.parse_args(argv)
    parser.print_help(sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
