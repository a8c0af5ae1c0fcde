"""What the commands that print have in common: which languages and paper, and into which file."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from hub.errors import HubError
from hub.settings import load_settings
from protocol.errors import BadInput
from protocol.identity import parse_store
from provisioning.errors import ListWrong
from shelfwire.hub_api import inert
from shelfwire.stick import whole_file

MAX_LIST_BYTES = 1 << 20


def add_options(parser: argparse.ArgumentParser) -> None:
    """Let it be said what is printed on, in which languages, and where the PDF goes."""
    parser.add_argument(
        "--lang", choices=("en", "zh", "both"), default="both", help="the languages printed (default: both)"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.pdf", help="where the PDF goes")


def add_store(parser: argparse.ArgumentParser) -> None:
    """Let the store be named, which stands on everything printed; without it, the settings of `--config` name it."""
    parser.add_argument("--store", metavar="NAME", help="the store's name, as it is in the hub's settings")


def store_of(args: argparse.Namespace) -> str:
    """Give the store that was named. Raises `BadInput`."""
    if args.store is not None:
        return parse_store(args.store)
    if args.config is None:
        raise BadInput("bad-store", "name it: --store NAME, or --config hub.toml")
    return load_settings(args.config).store


def named(text: str) -> tuple[str, str]:
    """Take "anna" or "anna=Anna Müller": the name on the card, and what people call it."""
    name, _, shown = text.partition("=")
    return name.strip().lower(), shown.strip()


def list_of(file: Path) -> bytes:
    """Read a list, more of it than may be taken at most; "-" is what is piped in."""
    if str(file) == "-":
        return sys.stdin.buffer.read(MAX_LIST_BYTES + 1)
    with file.open("rb") as opened:
        return opened.read(MAX_LIST_BYTES + 1)


def write_pdf(file: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a document, whole or not at all."""
    with whole_file(file, mode) as opened:
        os.fchmod(opened.fileno(), mode)
        opened.write(content)


def told(job: Callable[[], int], what: object = "provision") -> int:
    """Run a command; tell what is wrong of what was given to it, a line each, and give its exit code."""
    try:
        return job()
    except ListWrong as error:
        for each in error.wrong:
            print(f"{inert(str(what))}: {inert(str(each))}", file=sys.stderr)
        print("nothing was taken", file=sys.stderr)
        return 2
    except BadInput as error:
        print(f"shelfwire: {inert(error.detail)}", file=sys.stderr)
        return 2
    except (HubError, OSError) as error:
        print(f"shelfwire: {inert(str(error))}", file=sys.stderr)
        return 1
