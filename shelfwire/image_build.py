"""`shelfwire image build`: make the flashable image from Debian's packages and this checkout."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "build",
        help="make the flashable image",
        description="Make the flashable image from Debian's packages and this checkout: .img.xz with block map, "
        "checksum and bill of materials, and the two files that an update is made of. Needs root, and no loop device.",
    )
    parser.add_argument("--kind", choices=("station", "hub"), default="station", help="what the machine is to be")
    parser.add_argument(
        "--board",
        choices=("pi4-pi5", "pi3-zero2w"),
        default="pi4-pi5",
        help="Raspberry Pi 4 and 5 (two slots), or 3 and Zero 2 W (one slot)",
    )
    parser.add_argument(
        "--mirror",
        metavar="URL",
        help="where `debian` and `debian-security` are found below (default: deb.debian.org); not kept in the image",
    )
    parser.add_argument(
        "--cache", type=Path, metavar="DIR", default=Path("build/image-cache"), help="for installed bases"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", default=Path("build/image"), help="for what comes out")
    parser.add_argument(
        "--keyring", type=Path, metavar="FILE", help="certificates whose updates are taken; without it, nobody's are"
    )
    parser.add_argument("--quick", action="store_true", help="pack the root fast and large: for trying things")
    parser.add_argument("--keep-card", action="store_true", help="leave the unpacked .img there too")
    parser.set_defaults(run_image=run)


def run(args: argparse.Namespace) -> int:
    """Build it; give the exit code."""
    from image.building.base import DEFAULT_MIRROR
    from image.building.building import Order, build
    from image.building.origin import origin_of
    from image.errors import ImageError, Missing

    order = Order(
        kind=args.kind,
        board=args.board,
        mirror=args.mirror or DEFAULT_MIRROR,
        cache=args.cache.resolve(),
        out=args.out.resolve(),
        keyring=args.keyring,
        quick=args.quick,
        keep_card=args.keep_card,
    )
    try:
        build(order, origin_of(), lambda line: print(line, flush=True))
    except ImageError as error:
        print(f"shelfwire: image build: {error}", file=sys.stderr)
        return 2 if isinstance(error, Missing) else 1
    return 0
