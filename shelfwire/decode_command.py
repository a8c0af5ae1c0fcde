"""`shelfwire decode`: says what a scanned code or an RFID tag means, as JSON, by the rules of till and hub."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from edge.codecs.aim import split_aim
from edge.errors import BadSettings
from protocol.cards import parse_card
from protocol.codes import CodeKind, ScannedCode, read_code
from protocol.epc.reading import read_epc_hex
from protocol.errors import BadInput
from protocol.gs1.digital_link import CANONICAL, digital_link
from protocol.gs1.measures import net_weight_g
from protocol.variable_measure import CodeRules, parse_patterns

_RESTRICTED = ("02", "04", "2")
"""How EAN-13 begin that mean something only within a store or country (General Specifications, section 1.4.2)."""


class Trouble(msgspec.Struct, frozen=True):
    """Why a code was not understood."""

    name: str
    detail: str


class Decoded(msgspec.Struct, frozen=True, kw_only=True):
    """What is printed. `price` is in minor units, `ais` by application identifier; null is what the code does not say.

    `epc_uri` is the pure identity; the schemes of TDS 2 have none, and a barcode does not tell its company prefix.
    `digital_link` is canonical, or under the tag's own hostname.
    """

    kind: str | None = None
    gtin: str | None = None
    ais: dict[str, str] | None = None
    weight_g: int | None = None
    price: int | None = None
    serial: str | None = None
    epc_uri: str | None = None
    digital_link: str | None = None
    filter: int | None = None
    error: Trouble | None = None


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `decode`."""
    parser = subparsers.add_parser(
        "decode",
        help="what a scanned code or an RFID tag means, as JSON",
        description="Say what a scanned code or an RFID tag means, as JSON. Exit code 1 if one had an error.",
        epilog="<GS> in a text is the separator of GS1 element strings. A text may begin with its ]xy.",
    )
    parser.add_argument("text", nargs="?", metavar="TEXT", help="a code; - for one a line from standard input")
    parser.add_argument("--aim", metavar="AIM", help="the symbology identifier, as ]E0, where the text has none itself")
    parser.add_argument("--epc", metavar="HEX", help="the EPC memory of a tag; - for one a line from standard input")
    parser.add_argument("--pattern", action="append", metavar="P", help="of the store's own labels: 21IIIIIWW.WWWC")
    parser.add_argument("--currency", metavar="EUR", help="of prices that name none")
    parser.add_argument("--config", type=Path, metavar="edge.toml", help="take patterns and currency from there")
    parser.set_defaults(decode_parser=parser)


def run(args: argparse.Namespace) -> int:
    """Print what the code means; give 1 if it (or one of the lines) could not be understood."""
    if (args.text is None) == (args.epc is None):
        args.decode_parser.error("give either TEXT or --epc HEX")
    if args.aim is not None and split_aim(args.aim) != (args.aim, ""):
        args.decode_parser.error(f"{args.aim!r} is no symbology identifier like ]E0")
    try:
        rules = _rules(args)
    except BadSettings as error:
        print(f"shelfwire: {args.config}: {error}", file=sys.stderr)
        return 2
    except BadInput as error:
        args.decode_parser.print_usage(sys.stderr)
        print(f"shelfwire: {error.detail}", file=sys.stderr)
        return 2
    lines = "-" in (args.text, args.epc)
    failed = False
    for text in _lines() if lines else (args.text or args.epc,):
        decoded = decode_epc(text) if args.epc is not None else decode(text, args.aim, rules)
        failed = failed or decoded.error is not None
        told = msgspec.json.encode(decoded)
        print((msgspec.json.format(told) if sys.stdout.isatty() and not lines else told).decode(), flush=lines)
    return 1 if failed else 0


def _rules(args: argparse.Namespace) -> CodeRules:
    patterns, currency = args.pattern or [], args.currency or "EUR"
    if args.config is None:
        return parse_patterns(patterns, currency)
    from edge.settings import load_machine

    settings = load_machine(args.config).codes
    if not patterns and args.currency is None:
        return settings
    kept = [pattern.text for ones in settings.patterns.values() for pattern in ones]
    return parse_patterns([*patterns, *kept], args.currency or settings.currency)


def _lines() -> Iterator[str]:
    for line in sys.stdin.buffer:
        text = line.decode("utf-8", "surrogateescape").rstrip("\r\n")
        if text:
            yield text


def decode(text: str, aim: str | None, rules: CodeRules) -> Decoded:
    """Say what a code means; `aim` holds unless the text brings its own."""
    own, code = split_aim(text.replace("<GS>", "\x1d"))
    try:
        if parse_card(code) is not None:
            return Decoded(kind="card")
        read = read_code(code, own or aim, rules)
    except BadInput as error:
        return Decoded(error=Trouble(error.name, error.detail))
    return Decoded(
        kind=read.kind.value,
        gtin=read.gtin,
        ais=dict(read.ais) or None,
        weight_g=read.weight_g,
        price=None if read.price is None else read.price.minor,
        serial=read.serial,
        digital_link=_link(read),
    )


def _link(read: ScannedCode) -> str | None:
    if read.ais:
        return digital_link(dict(read.ais))
    if read.gtin is None or read.kind is CodeKind.MEASURED:
        return None
    # An EAN-8 has 000 to 099 and 200 to 299 for the store's own use.
    digits = read.gtin[6:] if read.kind is CodeKind.EAN8 else read.gtin[1:]
    restricted = digits.startswith(("0", "2") if read.kind is CodeKind.EAN8 else _RESTRICTED)
    return None if restricted else digital_link({"01": read.gtin})


def decode_epc(text: str) -> Decoded:
    """Say what the EPC memory of a tag means."""
    try:
        epc = read_epc_hex(text.strip())
        ais = dict(epc.ais)
        weight_g = net_weight_g(ais)
    except BadInput as error:
        return Decoded(error=Trouble(error.name, error.detail))
    return Decoded(
        kind=epc.scheme,
        gtin=epc.gtin,
        ais=ais or None,
        weight_g=weight_g,
        serial=epc.serial,
        epc_uri=epc.pure_uri,
        digital_link=digital_link(ais, CANONICAL if epc.hostname is None else f"https://{epc.hostname}"),
        filter=epc.filter,
    )
