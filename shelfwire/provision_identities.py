"""`shelfwire provision list|show|revoke|retire|drain|audit`: the store's identities, ended ones too."""

from __future__ import annotations

import argparse
from urllib.parse import quote

import msgspec

from protocol.topics import Stream
from shelfwire.hub_api import HubApi, add_options, inert, with_hub
from shelfwire.provision_answers import Audit, IdentityTold, Said, day, identities_of, minute

_ENDS = {"retire": "retired", "revoke": "revoked"}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands."""
    listing = commands.add_parser("list", help="list all identities, with their state")
    show = commands.add_parser("show", help="show an identity, its certificates, and what was said of it")
    retire = commands.add_parser(
        "retire", help="take an identity out of service for ever", description="Take an identity out of service. "
        "Its certificates are good no more, and its name is never used again."
    )  # fmt: skip
    revoke = commands.add_parser(
        "revoke", help="trust an identity no more: its key was stolen, say", description="Trust an identity no more. "
        "Broker and hub refuse it within a minute, and a connection it has is dropped."
    )  # fmt: skip
    audit = commands.add_parser(
        "audit", help="list what was said of identities and service tokens, by whom and why, the newest first"
    )
    audit.add_argument("--limit", type=int, default=100, help="how many words at most (default: 100)")
    drain = commands.add_parser(
        "drain", help="let the log of a retired station come in, once", description="Let the log of a station that "
        "was retired come in, once, by `shelfwire hub import --station-log`, within so many minutes. The file that is "
        "imported may be imported again until it is whole; no other."
    )  # fmt: skip
    drain.add_argument("--minutes", type=int, default=60, help="how long it may begin to come in (default: 60)")
    drain.add_argument(
        "--stream",
        choices=[each.value for each in Stream],
        default=Stream.STOCK.value,
        help="which of its logs (default: stock)",
    )
    for each in (show, retire, revoke, drain):
        each.add_argument("identity", metavar="IDENTITY")
    for each in (retire, revoke, drain):
        each.add_argument("--author", required=True, metavar="NAME", help="who decides this")
        each.add_argument("--note", required=True, metavar="TEXT", help="why")
    for each in (listing, show, retire, revoke, drain, audit):
        each.add_argument("--json", action="store_true", help="print one JSON object")
        add_options(each)
        each.set_defaults(run_provision=run)


def run(args: argparse.Namespace) -> int:
    """Run one of them; give its exit code."""
    return with_hub(args, lambda hub: _run(args, hub))


def _run(args: argparse.Namespace, hub: HubApi) -> int:
    match args.provision_command:
        case "list":
            found = identities_of(hub)
            if args.json:
                _print_json({"identities": found})
            for each in () if args.json else sorted(found, key=lambda each: (each.position, each.identity)):
                print(_line(each))
        case "show":
            one = hub.get(f"/identities/{quote(args.identity, safe='')}", IdentityTold)
            words = _audit(hub, 1000, one.identity)
            if args.json:
                _print_json({"identity": one, "words": words})
            else:
                _show(one, words)
        case "audit":
            words = _audit(hub, args.limit)
            if args.json:
                _print_json({"words": words})
            for word in () if args.json else words:
                print(_said(word))
        case "drain":
            asked = {
                "stream": args.stream,
                "valid_s": args.minutes * 60,
                "author": args.author,
                "note": args.note,
            }
            one = hub.post(f"/identities/{quote(args.identity, safe='')}/drain", asked, IdentityTold)
            if args.json:
                _print_json(one)
            else:
                print(_line(one))
                _tell_drains(one)
        case _:
            asked = {"end": _ENDS[args.provision_command], "author": args.author, "note": args.note}
            one = hub.post(f"/identities/{quote(args.identity, safe='')}/end", asked, IdentityTold)
            _print_json(one) if args.json else print(_line(one))
    return 0


def _audit(hub: HubApi, limit: int, identity: str | None = None) -> list[Said]:
    words: list[Said] = []
    asked = "" if identity is None else f"&identity={quote(identity, safe='')}"
    while len(words) < limit:
        page = hub.get(f"/identities/audit?limit={min(100, limit - len(words))}{asked}", Audit)
        words += page.words
        if page.next is None:
            break
        asked = f"{asked.partition('&after=')[0]}&after={quote(page.next, safe='')}"
    return words


def _show(one: IdentityTold, words: list[Said]) -> None:
    print(_line(one))
    print(f"  in {inert(one.place)}{'' if one.area is None else f' of {inert(one.area)}'}, mode {inert(one.mode)}")
    if one.replaces is not None:
        print(f"  took over from {inert(one.replaces)}")
    if one.invitation_open:
        print(f"  invited, until {minute(one.expires_us)}")
    if one.last_heard_us is not None:
        print(f"  last heard {minute(one.last_heard_us)}")
    for each in one.certificates:
        print(f"  certificate {inert(each.serial)}  {day(each.not_before_us)} to {day(each.not_after_us)}")
    _tell_drains(one)
    for word in words:
        print(f"  {_said(word)}")


def _tell_drains(one: IdentityTold) -> None:
    for each in one.drains:
        if each.up_to is not None:
            print(f"  its {inert(each.stream)} log was taken in, up to {inert(each.up_to)}")
        else:
            print(f"  its {inert(each.stream)} log may come in until {minute(each.until_us)}")


def _line(each: IdentityTold) -> str:
    until = f"until {day(each.certificates[-1].not_after_us)}" if each.certificates else ""
    late = "  not renewed in time" if each.renewal_late else ""
    return f"{inert(each.identity)}  {inert(each.state):<9}  {inert(each.position):<20}  {until}{late}".rstrip()


def _said(word: Said) -> str:
    if word.token is not None:
        return inert(f"{minute(word.at_us)}  token {word.token}  {_said_of_token(word)}")
    what = {
        "invited": f"invited to {word.position}",
        "certified": f"certified {word.serial}",
        "drain-opened": f"drain of its {word.stream} log opened until {minute(word.until_us or 0)}",
        "drain-taken": f"its {word.stream} log taken in, up to {word.up_to}",
    }.get(word.kind, word.end or word.kind)
    why = f": {word.note}" if word.note else ""
    return inert(f"{minute(word.at_us)}  {word.identity}  {what}, by {word.author}{why}")


def _said_of_token(word: Said) -> str:
    by = f"by {word.author}" if word.author else "by whom was not kept"
    if word.kind == "token-revoked":
        return f"revoked, {by}: of {word.name}"
    ends = "with no end" if word.until_us is None else f"until {day(word.until_us)}"
    return f"made for {word.name}, {by}: {', '.join(word.scopes or ())}, {ends}"


def _print_json(value: object) -> None:
    print(msgspec.json.encode(value).decode())
