"""`shelfwire provision hq init|issue|revoke|list|broker FOLDER`: who may speak at head office's broker."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from protocol.errors import BadInput
from protocol.identity import parse_store
from shelfwire.hub_api import inert
from shelfwire.provision_answers import day

if TYPE_CHECKING:
    from provisioning.head_office import Given, HeadOffice


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands."""
    parser = commands.add_parser(
        "hq",
        help="certificates of head office, of the hubs that dial it, and of its broker",
        description="Head office's own authority, in a folder there: it gives each store's hub, head office itself and"
        " its broker their certificates, takes them back, and writes what mosquitto is started with.",
    )
    actions = parser.add_subparsers(dest="hq_command", required=True, metavar="ACTION")
    init = actions.add_parser("init", help="make the authority, once")
    init.add_argument("--offline-root", type=Path, metavar="FILE", help="keep the root's key here, on a stick")
    issue = actions.add_parser("issue", help="give a key and a certificate, in a folder to be carried there")
    whom = issue.add_mutually_exclusive_group(required=True)
    whom.add_argument("--hub", metavar="STORE", help="to the hub of this store")
    whom.add_argument("--office", action="store_true", help="to head office itself")
    issue.add_argument("--days", type=int, default=730, help="how long it is good (default: 730)")
    issue.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="for own.pem and ca.pem")
    revoke = actions.add_parser("revoke", help="take back all that was given to a name")
    revoke.add_argument("name", metavar="NAME", help="hub-STORE, or hq")
    listing = actions.add_parser("list", help="list what was given and taken back, by whom and why")
    listing.add_argument("--json", action="store_true", help="print one JSON object")
    broker = actions.add_parser("broker", help="write what mosquitto is started with; run it daily")
    broker.add_argument("--host", action="append", required=True, metavar="NAME", help="by which hubs call it; again")
    broker.add_argument("--port", type=int, default=8883)
    broker.add_argument("--listen", default="", metavar="ADDRESS", help="one address; default: all of them")
    broker.add_argument("--user", help="the account that mosquitto changes to when root starts it")
    for each in (issue, revoke):
        each.add_argument("--author", required=True, metavar="NAME", help="who decides this")
        each.add_argument("--note", required=True, metavar="TEXT", help="why")
    for each in (init, issue, revoke, listing, broker):
        each.add_argument("--folder", type=Path, required=True, metavar="FOLDER", help="of head office's authority")
        each.set_defaults(run_provision=run)


def run(args: argparse.Namespace) -> int:
    """Run one of them; give its exit code."""
    from provisioning.errors import ProvisioningError
    from provisioning.head_office import HeadOffice

    office = HeadOffice(args.folder, lambda: time.time_ns() // 1000, os.urandom)
    try:
        _run(args, office)
    except BadInput as error:
        print(f"shelfwire: provision hq: {error}", file=sys.stderr)
        return 2
    except (ProvisioningError, OSError) as error:
        print(f"shelfwire: provision hq: {error}", file=sys.stderr)
        return 1
    return 0


def _run(args: argparse.Namespace, office: HeadOffice) -> None:
    match args.hq_command:
        case "init":
            authority = office.begin(args.offline_root)
            print(f"fingerprint  {authority.fingerprint.hex(' ', 4)}")
        case "issue":
            store = None if args.office else parse_store(args.hub)
            given = office.give(args.output, store, args.author, args.note, args.days)
            print(f"{args.output}/own.pem: {_line(given)}")
            print("It holds the key: carry it there, and leave no copy. Then write the broker's files anew (`broker`).")
        case "revoke":
            for given in office.revoke(args.name, args.author, args.note):
                print(_line(given))
            print("Write the broker's files anew (`broker`) and restart mosquitto: until then it is let in.")
        case "list":
            if args.json:
                print(msgspec.json.encode({"given": office.given}).decode())
            for given in () if args.json else office.given:
                print(_line(given))
        case _:
            new = office.write_broker(args.host, args.port, args.listen, args.user)
            print(", ".join(new) or "nothing new")
            print(f"start it by: mosquitto -c {args.folder / 'broker' / 'mosquitto.conf'}")


def _line(given: Given) -> str:
    said = f"{given.name}  {given.serial}  until {day(given.until_us)}, by {given.author}: {given.note}"
    if given.revoked_us is not None:
        said += f"; taken back {day(given.revoked_us)} by {given.revoked_by}: {given.revoked_why}"
    return inert(said)
