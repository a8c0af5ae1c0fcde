"""`shelfwire provision fleet`: invites the stations of a manifest that are not there yet, and prints their sheet."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from hub.errors import HubError
from protocol.errors import BadInput
from provisioning.fleet import Holder, Passed, Plan, Step, plan
from provisioning.manifest import Post, read_manifest
from shelfwire.hub_api import HubApi, add_options, inert, with_hub
from shelfwire.provision_answers import InvitationTold, identities_of, minute
from shelfwire.provision_printing import add_options as add_printing
from shelfwire.provision_printing import add_store, list_of, store_of, told
from shelfwire.stick import whole_file

HOURS = 8
_SECRET = 0o600


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "fleet",
        help="invite all stations of a manifest, and print their invitations as PDF",
        description="Invite all stations of a manifest (CSV or TOML: position, place, area, mode, note) and print the "
        "sheet their invitations are scanned from. Positions whose station has enrolled, or is still awaited, are "
        "passed over. The sheet is a secret, readable by its owner alone, until all of it was used or has expired.",
    )
    parser.add_argument("manifest", type=Path, metavar="MANIFEST", help="a .csv or .toml file")
    parser.add_argument("--author", required=True, metavar="NAME", help="who invites them")
    parser.add_argument("--note", required=True, metavar="TEXT", help="why")
    parser.add_argument("--hours", type=_hours, default=HOURS, help=f"how long they are good (default: {HOURS})")
    parser.add_argument("--paper", choices=("a4", "letter"), default="a4", help="the sheet (default: a4)")
    parser.add_argument(
        "--again", action="store_true", help="invite anew who is still awaited: the sheet was lost, and is good no more"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--digits", action="store_true", help="with --json: the invitations' digits too, a secret")
    add_store(parser)
    add_printing(parser)
    add_options(parser)
    parser.set_defaults(run_provision=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; give its exit code."""

    def job() -> int:
        store = store_of(args)
        posts = read_manifest(list_of(args.manifest), toml=args.manifest.suffix.lower() == ".toml")
        if args.digits and not args.json:
            raise BadInput("bad-usage", "--digits goes with --json")
        if args.output.exists() or args.output.is_symlink():
            raise BadInput("sheet-there", f"{args.output} is there already, and may still be needed: name another file")
        return with_hub(args, lambda hub: _enrol(args, store, posts, hub))

    return told(job, args.manifest)


def _enrol(args: argparse.Namespace, store: str, posts: list[Post], hub: HubApi) -> int:
    planned = plan(posts, _holders(hub), awaited_again=args.again)
    invited: list[tuple[Step, InvitationTold]] = []
    failed: HubError | None = None
    if planned.invite:
        # Opened before anybody is invited: digits that cannot be written are lost.
        with whole_file(args.output, _SECRET) as file:
            os.fchmod(file.fileno(), _SECRET)
            for step in planned.invite:
                try:
                    invited.append((step, hub.post("/identities", _asked(args, step), InvitationTold)))
                except HubError as error:
                    failed = error
                    break
            if not invited:
                assert failed is not None
                raise failed
            file.write(_sheet(args, store, invited))
    _tell(args, planned, invited, failed)
    return 0 if failed is None else 1


def _holders(hub: HubApi) -> list[Holder]:
    return [
        Holder(
            identity=each.identity,
            position=each.position,
            place=each.place,
            area=each.area or "",
            mode=each.mode,
            enrolled=bool(each.certificates),
            awaited=each.invitation_open,
            until_us=each.expires_us,
        )
        for each in identities_of(hub)
        if each.ended_us is None
    ]


def _asked(args: argparse.Namespace, step: Step) -> dict[str, object]:
    post = step.post
    return {
        "position": post.position,
        "place": post.place,
        "area": post.area or None,
        "mode": post.mode.value,
        "again": step.again,
        "valid_s": args.hours * 3600,
        "author": args.author,
        "note": args.note,
    }


def _sheet(args: argparse.Namespace, store: str, invited: list[tuple[Step, InvitationTold]]) -> bytes:
    from provisioning.labels.fleet_sheet import Invited, fleet_sheet
    from provisioning.labels.wording import Languages

    return fleet_sheet(
        store,
        [
            Invited(
                position=step.post.position,
                about=", ".join(part for part in (step.post.place, step.post.area, step.post.mode.value) if part),
                note=step.post.note,
                identity=told.identity.identity,
                digits=told.digits,
                expires_us=told.identity.expires_us,
            )
            for step, told in invited
        ],
        Languages(args.lang),
        args.paper,
    )


def _tell(
    args: argparse.Namespace, planned: Plan, invited: list[tuple[Step, InvitationTold]], failed: HubError | None
) -> None:
    left = [step.post.position for step in planned.invite[len(invited) :]]
    if args.json:
        print(json.dumps({
            "invited": [_told(step, told, digits=args.digits) for step, told in invited],
            "passed": [
                {
                    "position": each.post.position,
                    "identity": each.holder.identity,
                    "why": _why(each),
                    "differs": each.differs,
                }
                for each in planned.passed
            ],
            "left": left,
            "sheet": str(args.output) if invited else None,
            "error": None if failed is None else str(failed),
        }))  # fmt: skip
    else:
        for each in planned.passed:
            differs = f"; it is {', '.join(each.differs)}" if each.differs else ""
            print(inert(f"{each.post.position}: passed over, {each.holder.identity} {_why(each)}{differs}"))
        for step, told in invited:
            print(
                inert(
                    f"{step.post.position}: invited, {told.identity.identity}, until {minute(told.identity.expires_us)}"
                )
            )
        if invited:
            print(f"{len(invited)} invited; their codes are in {inert(str(args.output))}, a secret")
        else:
            print("nobody was to be invited, and no sheet was written")
    if failed is not None:
        print(f"shelfwire: not invited: {', '.join(left)}: {inert(str(failed))}", file=sys.stderr)


def _told(step: Step, told: InvitationTold, *, digits: bool) -> dict[str, object]:
    said: dict[str, object] = {
        "position": step.post.position,
        "identity": told.identity.identity,
        "again": step.again is not None,
        "expires_us": told.identity.expires_us,
    }
    return said | {"digits": told.digits} if digits else said


def _why(passed: Passed) -> str:
    return "has enrolled" if passed.holder.enrolled else f"is awaited until {minute(passed.holder.until_us)}"


def _hours(text: str) -> int:
    hours = int(text)
    if not 1 <= hours <= 7 * 24:
        raise argparse.ArgumentTypeError("1 to 168 hours")
    return hours
