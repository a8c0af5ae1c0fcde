"""`shelfwire provision broker`: the files that mosquitto is started with, at a store or at head office."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from hub.errors import BadInput as HubBadInput
from protocol.enrolment import Role
from protocol.errors import BadInput
from protocol.identity import parse_station, parse_store


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "broker",
        help="write what mosquitto is started with",
        description="Write what a store's mosquitto is started with: its configuration, its certificate, and the lists "
        "of who may say what, which the hub then keeps current. Into the folder of the table [mosquitto] in hub.toml, "
        "which must be there. With --hq, that of head office's, where certificates are made otherwise.",
    )
    parser.add_argument("--config", type=Path, metavar="hub.toml", help="of the store whose broker it is")
    hq = parser.add_argument_group("head office")
    hq.add_argument("--hq", type=Path, metavar="FOLDER", help="write mosquitto.conf and acl for head office, here")
    hq.add_argument("--port", type=int, default=8883)
    hq.add_argument("--listen", default="", metavar="ADDRESS", help="one address; default: all of them")
    hq.add_argument("--user", help="the account that mosquitto changes to when root starts it; default: mosquitto")
    for name, what in (
        ("ca", "whose certificates are let in"),
        ("certificate", "the broker's own, with what leads to its root"),
        ("key", "its key"),
        ("crl", "the certificates that are no longer good"),
    ):
        hq.add_argument(f"--{name}", type=Path, metavar="FILE", help=what)
    hq.add_argument(
        "--hub",
        action="append",
        default=[],
        metavar="NAME=STORE",
        help="the name in the certificate of a store's hub; once for each store",
    )
    hq.add_argument("--office", default="hq", metavar="NAME", help="the name in head office's certificate; default: hq")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run_provision=run)


def run(args: argparse.Namespace) -> int:
    """Run it; give its exit code."""
    from provisioning.errors import ProvisioningError

    if (args.config is None) == (args.hq is None):
        print("shelfwire: provision broker: say --config hub.toml, or --hq FOLDER", file=sys.stderr)
        return 2
    try:
        folder, new = _hq(args) if args.hq is not None else _store(args.config)
    except (HubBadInput, BadInput) as error:
        print(f"shelfwire: provision broker: {error.detail}", file=sys.stderr)
        return 2
    except (ProvisioningError, OSError) as error:
        print(f"shelfwire: provision broker: {error}", file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps({"folder": str(folder), "configuration": str(folder / "mosquitto.conf"), "written": new}))
    else:
        print(f"{', '.join(new) if new else 'nothing new'}\nstart it by: mosquitto -c {folder / 'mosquitto.conf'}")
    return 0


def _store(config: Path) -> tuple[Path, list[str]]:
    from hub.app import broker_place
    from hub.settings import load_settings
    from provisioning.authority_folder import load_authority

    settings = load_settings(config)
    place = broker_place(settings)
    if place is None:
        raise BadInput("bad-settings", f"{config} has no table [mosquitto]")
    authority = load_authority(settings.data_dir, settings.store)
    return place.folder, list(place.prepare(authority, time.time_ns() // 1000))


def _hq(args: argparse.Namespace) -> tuple[Path, list[str]]:
    from provisioning.broker_config import CONFIG, PERMISSIONS, Listening, Member, configuration, hq_permissions
    from provisioning.broker_files import write_files

    missing = [f"--{name}" for name in ("ca", "certificate", "key", "crl") if getattr(args, name) is None]
    if missing or not args.hub:
        raise BadInput(
            "bad-broker-setting", f"--hq also needs {', '.join([*missing, *(() if args.hub else ['--hub'])])}"
        )
    members = [Member(parse_station(args.office), parse_store("hq"), Role.HQ)]
    for told in args.hub:
        name, _, store = told.partition("=")
        members.append(Member(parse_station(name), parse_store(store), Role.HUB))
    folder: Path = args.hq.absolute()
    listening = Listening(
        port=args.port,
        address=args.listen,
        ca=str(args.ca.absolute()),
        certificate=str(args.certificate.absolute()),
        key=str(args.key.absolute()),
        revoked=str(args.crl.absolute()),
        permissions=str(folder / PERMISSIONS),
        user=args.user,
    )
    files = {CONFIG: configuration(listening).encode(), PERMISSIONS: hq_permissions(members).encode()}
    return folder, list(write_files(folder, files))
