"""`shelfwire image bundle` and `image keys`: signed updates, and keys to try them out with."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands."""
    bundle = commands.add_parser(
        "bundle",
        help="make a signed update of a root and a boot partition",
        description="Version, and what the update is compatible with, are read out of the root.",
    )
    bundle.add_argument("target", type=Path, metavar="UPDATE.raucb")
    for name, said in (("root", "root.squashfs"), ("boot", "boot.vfat"), ("key", "key.pem"), ("cert", "cert.pem")):
        bundle.add_argument(f"--{name}", type=Path, required=True, metavar=said)
    bundle.add_argument("--version", help="refuse a root of another version")
    bundle.add_argument(
        "--intermediate", type=Path, action="append", default=[], metavar="ca.pem", help="between signer and keyring"
    )
    bundle.set_defaults(run_image=_bundle)
    keys = commands.add_parser(
        "keys",
        help="make keys for trying updates out",
        description="Writes keyring.pem (for images), signer.pem and signer.key. Not for shops: see docs/updates.md.",
    )
    keys.add_argument("folder", type=Path)
    keys.set_defaults(run_image=_keys)


def _bundle(args: argparse.Namespace) -> int:
    from image.bundle import Signer, make_bundle
    from image.errors import ImageError

    try:
        made = make_bundle(
            args.root, args.boot, Signer(args.cert, args.key, tuple(args.intermediate)), args.target, args.version
        )
    except (ImageError, OSError) as error:
        print(f"shelfwire: {error}", file=sys.stderr)
        return 1
    print(f"{made.path}: {made.compatible} {made.version}, {made.size} bytes")
    return 0


def _keys(args: argparse.Namespace) -> int:
    from image.errors import ImageError
    from image.signing import CERTIFICATE, KEY, KEYRING, make_keys

    try:
        make_keys(args.folder)
    except (ImageError, OSError) as error:
        print(f"shelfwire: {error}", file=sys.stderr)
        return 1
    print(f"{args.folder / KEYRING} goes into images; {CERTIFICATE} and {KEY} sign updates")
    return 0
