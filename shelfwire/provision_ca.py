"""`shelfwire provision ca init|show`: the store's certificate authority, in the hub's data folder."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from hub.errors import BadInput
from hub.settings import Settings, load_settings
from hub.store.folder import make_folder


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands."""
    parser = commands.add_parser(
        "ca",
        help="make the store's certificate authority, or show it",
        description="The store's certificate authority: a root that stations trust, and below it the authority on the "
        "hub that gives each its certificate. Its folder is `authority` in the hub's data folder; back it up with it.",
    )
    actions = parser.add_subparsers(dest="ca_command", required=True, metavar="ACTION")
    init = actions.add_parser("init", help="make it, once; a power cut leaves none or all of it")
    init.add_argument(
        "--offline-root",
        type=Path,
        metavar="FILE",
        help="write the root's key and certificate here, on a stick for a safe, and keep none of the key; "
        "a root of this store that is there already is used",
    )
    show = actions.add_parser("show", help="tell its fingerprint and how long it lasts")
    how = show.add_mutually_exclusive_group()
    how.add_argument("--pem", action="store_true", help="print the root's certificate instead")
    for each in (init, show):
        each.add_argument("--config", type=Path, required=True, metavar="hub.toml")
        (how if each is show else each).add_argument("--json", action="store_true", help="print one JSON object")
        each.set_defaults(run_provision=run)


def run(args: argparse.Namespace) -> int:
    """Run one of them; give its exit code."""
    from provisioning.errors import ProvisioningError

    try:
        settings = load_settings(args.config)
    except BadInput as error:
        print(f"shelfwire: {args.config}: {error.detail}", file=sys.stderr)
        return 2
    try:
        if args.ca_command == "init":
            return _init(settings, args.offline_root, args.json)
        return _show(settings, args.json, args.pem)
    except (ProvisioningError, OSError) as error:
        print(f"shelfwire: provision ca: {error}", file=sys.stderr)
        return 1


def _init(settings: Settings, offline_root: Path | None, as_json: bool) -> int:
    from provisioning.authority_folder import make_authority

    make_folder(settings.data_dir)
    make_authority(settings.data_dir, settings.store, time.time_ns() // 1000, os.urandom, offline_root)
    _show(settings, as_json, as_pem=False)
    if not as_json:
        where = "on the hub; a copy in a safe helps if its disk dies" if offline_root is None else f"in {offline_root}"
        print(f"The root's key is {where}.", file=sys.stderr)
    return 0


def _show(settings: Settings, as_json: bool, as_pem: bool) -> int:
    from cryptography.hazmat.primitives.serialization import Encoding

    from provisioning.authority_folder import keeps_root_key, load_authority

    authority = load_authority(settings.data_dir, settings.store)
    root, issuing = authority.root, authority.issuing
    if as_pem:
        print(root.public_bytes(Encoding.PEM).decode(), end="")
        return 0
    offline = not keeps_root_key(settings.data_dir)
    if as_json:
        told = {
            "store": authority.store,
            "fingerprint": authority.fingerprint.hex(),
            "root_until_us": _us(root.not_valid_after_utc),
            "issuing_until_us": _us(issuing.not_valid_after_utc),
            "root_key_offline": offline,
        }
        print(json.dumps(told))
        return 0
    print(f"store        {authority.store}")
    print(f"fingerprint  {authority.fingerprint.hex(' ', 4)}")
    print(f"root         until {root.not_valid_after_utc.date()}, its key {'offline' if offline else 'on the hub'}")
    left = issuing.not_valid_after_utc - datetime.now(UTC)
    print(f"issuing      until {issuing.not_valid_after_utc.date()}{'' if left.days > 365 else ': less than a year'}")
    return 0


def _us(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000
