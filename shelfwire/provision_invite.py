"""`shelfwire provision invite|renew`: an invitation as a QR code in the terminal, as a picture, and in four rows."""

from __future__ import annotations

import argparse
import sys
import time
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import msgspec
import segno

from protocol.cards import Mode
from protocol.invitation import read_invitation
from shelfwire.hub_api import HubApi, add_options, with_hub
from shelfwire.provision_answers import IdentityTold, InvitationTold
from shelfwire.stick import whole_file

MINUTES = 15
LOOK_EVERY_S = 1.0
_WHITE_ON_BLACK, _AS_BEFORE = "\x1b[97;40m", "\x1b[0m"


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands."""
    invite = commands.add_parser(
        "invite",
        help="invite a station: a QR code to scan with its own scanner, or 80 digits to type",
        description="Invite a station. The code is shown this once; whoever has it before the station does can take "
        "its place, so it is good for minutes and for one key.",
    )
    invite.add_argument("--position", required=True, metavar="NAME", help="where it is to stand: till-3")
    invite.add_argument("--place", required=True, metavar="NAME", help="the place its goods are booked in")
    invite.add_argument("--area", metavar="NAME", help="the area of that place, in a store split into some")
    invite.add_argument(
        "--mode", choices=[mode.value for mode in Mode], default=Mode.SALE.value, help="what a scan means (sale)"
    )
    invite.add_argument("--replaces", metavar="IDENTITY", help="a spare for this one, which is retired as it enrols")
    renew = commands.add_parser(
        "renew",
        help="invite an identity again, whose certificate has run out or whose key is lost",
        description="Invite an identity once more, to be what it was: its certificate ran out while it was away, or "
        "its key was lost. Stations that are in use renew their certificates by themselves.",
    )
    renew.add_argument("identity", metavar="IDENTITY")
    for each in (invite, renew):
        each.add_argument("--author", required=True, metavar="NAME", help="who invites it")
        each.add_argument("--note", required=True, metavar="TEXT", help="why")
        each.add_argument("--minutes", type=_minutes, default=MINUTES, help=f"how long it is good (default: {MINUTES})")
        each.add_argument("--svg", type=Path, metavar="FILE", help="write the QR code as a picture too")
        each.add_argument(
            "--wait", action="store_true", help="wait for the station to enrol; exit code 1 if it does not"
        )
        how = each.add_mutually_exclusive_group()
        how.add_argument("--json", action="store_true", help="print one JSON object, and no QR code")
        how.add_argument("--token-only", action="store_true", help="print the token in hex, for a stock client of EST")
        add_options(each)
        each.set_defaults(run_provision=run)


def run(args: argparse.Namespace) -> int:
    """Invite; give the exit code."""
    return with_hub(args, lambda hub: _invite(args, hub))


def qr_code(digits: str) -> segno.QRCode:
    """Make the QR code (ISO/IEC 18004) of an invitation: numeric, of the same size for each."""
    return segno.make_qr(digits, mode="numeric", error="m", boost_error=False)


def _invite(args: argparse.Namespace, hub: HubApi) -> int:
    told = hub.post("/identities", _asked(args, hub), InvitationTold)
    if args.svg is not None:
        with whole_file(args.svg, 0o600) as file:
            qr_code(told.digits).save(file, kind="svg", scale=8, border=4)
    if args.json:
        print(msgspec.json.encode(told).decode(), flush=True)
    elif args.token_only:
        print(read_invitation(told.digits).token.hex(), flush=True)
    else:
        _show(told)
    return _wait(args, hub, told) if args.wait else 0


def _asked(args: argparse.Namespace, hub: HubApi) -> dict[str, object]:
    common = {"author": args.author, "note": args.note, "valid_s": args.minutes * 60}
    if args.provision_command == "renew":
        known = hub.get(f"/identities/{quote(args.identity, safe='')}", IdentityTold)
        return common | {
            "again": known.identity,
            "position": known.position,
            "place": known.place,
            "area": known.area,
            "mode": known.mode,
        }
    return common | {
        "position": args.position,
        "place": args.place,
        "area": args.area,
        "mode": args.mode,
        "replaces": args.replaces,
    }


def _show(told: InvitationTold) -> None:
    try:
        code = _drawn(told.digits)
        code.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        code = ""  # a terminal that knows letters only: the digits do
    if code:
        print(code)
    for number, row in enumerate(told.rows, 1):
        print(f"  {number}   {' '.join(row[at : at + 4] for at in range(0, len(row), 4))}")
    identity = told.identity
    until = datetime.fromtimestamp(identity.expires_us / 1_000_000).astimezone()
    left = max(0, round((identity.expires_us / 1_000_000 - time.time()) / 60))
    print()
    print(f"{identity.identity} is to stand at {identity.position}, in {identity.place}, mode {identity.mode}.")
    if identity.replaces is not None:
        print(f"It replaces {identity.replaces}, which is retired the moment it enrols.")
    print(f"Scan the code with the station's own scanner, or type the four rows on its page, within {left} minutes:")
    print(f"it is good until {until:%H:%M} and for one station. Shown this once.", flush=True)


def _drawn(digits: str) -> str:
    from io import StringIO

    drawn = StringIO()
    qr_code(digits).terminal(out=drawn, compact=True, border=2)
    lines = drawn.getvalue().splitlines()
    if not sys.stdout.isatty():
        return "\n".join(lines)
    # A terminal of dark letters on light paper would show it inside out, which not every scanner reads.
    return "\n".join(f"{_WHITE_ON_BLACK}{line}{_AS_BEFORE}" for line in lines)


def _wait(args: argparse.Namespace, hub: HubApi, told: InvitationTold) -> int:
    given = len(told.identity.certificates)
    while True:
        time.sleep(LOOK_EVERY_S)
        now = hub.get(f"/identities/{told.identity.identity}", IdentityTold)
        if len(now.certificates) > given:
            if not args.json:
                print(f"{now.identity} has enrolled.")
            return 0
        if not now.invitation_open:
            print("shelfwire: the invitation was not used", file=sys.stderr)
            return 1


def _minutes(text: str) -> int:
    minutes = int(text)
    if not 1 <= minutes <= 7 * 24 * 60:
        raise argparse.ArgumentTypeError("1 minute to 7 days")
    return minutes
