"""`shelfwire provision acceptance`: what a station found at its hand-over checks, its signatures checked once more."""

from __future__ import annotations

import argparse
import base64
import sys
from pathlib import Path
from urllib.parse import quote

import msgspec

from protocol.acceptance import SignedAcceptance, StepDone, read_record
from protocol.errors import BadInput
from protocol.identity_words import Certificate
from shelfwire.hub_api import HubApi, add_options, inert, with_hub
from shelfwire.provision_answers import IdentityTold, minute


class CheckTold(msgspec.Struct, frozen=True):
    """A hand-over check as the hub tells of it (`hub.web.identity_models.HandOver`), as far as it is looked at here."""

    check: str
    received_us: int
    record: str
    signature: str
    public_key: str


class ChecksTold(msgspec.Struct, frozen=True):
    """All of a station, the newest first."""

    checks: tuple[CheckTold, ...]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "acceptance",
        help="show a station's hand-over checks, and check their signatures",
        description="Show a station's hand-over checks, and check here that each was signed by the key of a "
        "certificate that the station was given. Exit code 1 if one was not, or there is none.",
    )
    parser.add_argument("identity", metavar="IDENTITY")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--save",
        type=Path,
        metavar="FOLDER",
        help="write each record, its signature (DER) and public key (PEM) there, as `openssl dgst -verify` takes them",
    )
    add_options(parser)
    parser.set_defaults(run_provision=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; give its exit code."""
    return with_hub(args, lambda hub: _run(args, hub))


def _run(args: argparse.Namespace, hub: HubApi) -> int:
    name = quote(args.identity, safe="")
    one = hub.get(f"/identities/{name}", IdentityTold)
    checks = hub.get(f"/identities/{name}/checks", ChecksTold).checks
    given = [Certificate(each.serial, each.key_sha256, 0, 0) for each in one.certificates]
    judged = [(check, _fault(check, given)) for check in checks]
    if args.json:
        told = [{"signed": fault == "", "fault": fault, **msgspec.to_builtins(check)} for check, fault in judged]
        print(msgspec.json.encode({"identity": one.identity, "checks": told}).decode())
    elif not checks:
        print(f"{inert(one.identity)} at {inert(one.position)}: not accepted yet")
    else:
        for check, fault in judged:
            print("\n".join(_lines(check, fault)))
    if args.save is not None:
        for check in checks:
            _save(args.save, check)
    return 0 if checks and not any(fault for _, fault in judged) else 1


def _fault(check: CheckTold, given: list[Certificate]) -> str:
    """Say what is wrong with a record's signature, "" if nothing is."""
    from provisioning.acceptance import check_signed

    try:
        serial = read_record(check.record.encode()).serial
        certificate = next((each for each in given if each.serial == serial), None)
        if certificate is None:
            return f"certificate-unknown: the station was given no certificate {serial}"
        check_signed(SignedAcceptance(check.record, check.signature, check.public_key), certificate)
    except BadInput as error:
        return f"{error.name}: {error.detail}"
    return ""


def _lines(check: CheckTold, fault: str) -> list[str]:
    try:
        record = read_record(check.record.encode())
    except BadInput as error:
        return [f"check {inert(check.check)}: {inert(str(error))}"]
    by = f" by {inert(record.person)}" if record.person else ""
    where = f"{inert(record.position)} of {inert(record.store)}, as {record.station}"
    off = "by its own clock" if record.clock_error_us is None else f"± {record.clock_error_us / 1000:.1f} ms"
    return [
        f"{minute(record.ended_us)} ({off}): {where}{by}",
        *(f"  {_step(step)}" for step in record.steps),
        f"  software {inert(record.software)}; at the hub {minute(check.received_us)}; "
        + ("signature good" if not fault else f"SIGNATURE NOT GOOD: {inert(fault)}"),
    ]


def _step(step: StepDone) -> str:
    shown = [step.fault.replace("-", " "), step.note, step.seen]
    shown += [f"{step.grams} g"] if step.grams is not None else []
    shown += [f"{step.tags} tags"] if step.tags is not None else []
    said = ", ".join(inert(each) for each in shown if each)
    model = f" [{inert(step.model)}]" if step.model else ""
    return f"{step.result.value:8} {inert(step.device)} ({inert(step.driver)}){model}" + (f": {said}" if said else "")


def _save(folder: Path, check: CheckTold) -> None:
    if not (check.check.isalnum() and check.check.isascii()):
        print("shelfwire: a check of no good name was not saved", file=sys.stderr)
        return
    folder.mkdir(parents=True, exist_ok=True)
    lines = "\n".join(check.public_key[at : at + 64] for at in range(0, len(check.public_key), 64))
    pem = f"-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n"
    (folder / f"{check.check}.json").write_text(check.record, "utf-8")
    (folder / f"{check.check}.sig").write_bytes(base64.b64decode(check.signature))
    (folder / f"{check.check}.pem").write_text(pem, "ascii")
