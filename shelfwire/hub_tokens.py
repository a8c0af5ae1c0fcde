"""`shelfwire hub token create|list|revoke`: who may use the hub's REST interface and pages; it may run meanwhile."""

from __future__ import annotations

import argparse
import json
import os
import pwd
import secrets
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from hub.errors import BadInput
from hub.settings import Settings
from hub.tokens import Scope, Token, TokenFile

DAYS = 365
_DAY_US = 86_400_000_000


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "token",
        help="make, list or revoke tokens for programs and people",
        description="Tokens for programs and people. While none was ever made, everything is open to whoever is on the "
        "hub's own machine and to nobody else. A running hub knows of changes within a second.",
    )
    actions = parser.add_subparsers(dest="token_command", required=True, metavar="ACTION")
    create = actions.add_parser("create", help="make a token; it is shown once and kept nowhere")
    create.add_argument("--name", required=True, help="whose it is, for the list")
    create.add_argument(
        "--scope", required=True, action="append", type=Scope, choices=list(Scope), metavar="SCOPE", dest="scopes",
        help=f"what it allows, again for each: {', '.join(Scope)}",
    )  # fmt: skip
    lasts = create.add_mutually_exclusive_group()
    lasts.add_argument("--days", type=_days, default=DAYS, help=f"how long it lasts (default: {DAYS})")
    lasts.add_argument("--no-end", action="store_true", help="it lasts until it is revoked")
    listing = actions.add_parser("list", help="list all tokens ever made, without their secrets")
    revoke = actions.add_parser("revoke", help="end a token for ever")
    revoke.add_argument("id", metavar="ID", help="the second part of the token, as listed")
    for each in (create, revoke):
        each.add_argument(
            "--by", type=_author, metavar="NAME",
            help="who does it: it stands in the hub's journal (default: the account that this runs as)",
        )  # fmt: skip
    for each in (create, listing, revoke):
        each.add_argument("--config", required=True, metavar="hub.toml", type=Path)
        each.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Run one of them; give its exit code."""
    file = TokenFile(settings.data_dir)
    now_us = time.time_ns() // 1000
    try:
        match args.token_command:
            case "create":
                until_us = None if args.no_end else now_us + args.days * _DAY_US
                token, presented = file.create(
                    args.name, args.scopes, until_us, now_us, secrets.token_urlsafe, args.by or _account()
                )
                if args.json:
                    print(json.dumps(_told(token, now_us) | {"token": presented}))
                else:
                    print(presented)
                    print(f"Shown this once. {_line(token, now_us)}", file=sys.stderr)
            case "list":
                tokens = file.load().all
                if args.json:
                    print(json.dumps({"tokens": [_told(token, now_us) for token in tokens]}))
                else:
                    for token in tokens:
                        print(_line(token, now_us))
            case _:
                token = file.revoke(args.id, now_us, args.by or _account())
                print(json.dumps(_told(token, now_us)) if args.json else _line(token, now_us))
    except (BadInput, OSError) as error:
        print(f"shelfwire: hub token: {error}", file=sys.stderr)
        return 1
    return 0


def _account() -> str:
    """Name the account that this process runs as, whatever its environment says."""
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"uid {number}"


def _author(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("say who it is")
    return text.strip()


def _told(token: Token, now_us: int) -> dict[str, object]:
    told: dict[str, object] = msgspec.to_builtins(token)
    del told["sha256"]
    return told | {"state": _state(token, now_us)}


def _line(token: Token, now_us: int) -> str:
    ends = "no end" if token.until_us is None else f"until {_date(token.until_us)}"
    return f"{token.id}  {_state(token, now_us):<7}  {ends:<16}  {','.join(token.scopes)}  {token.name}"


def _state(token: Token, now_us: int) -> str:
    if token.revoked_us is not None:
        return "revoked"
    return "valid" if token.valid(now_us) else "ended"


def _date(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1_000_000, UTC).date().isoformat()


def _days(text: str) -> int:
    days = int(text)
    if not 1 <= days <= 36_500:
        raise argparse.ArgumentTypeError("1 to 36500 days")
    return days
