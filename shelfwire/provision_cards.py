"""`shelfwire provision cards`: the command cards of a store as a PDF to print, cut and laminate."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from protocol.cards import CountCard, ModeCard, PlaceCard, PluCard, QuantityCard, WhoCard, parse_card
from protocol.errors import BadInput
from protocol.identity import PlaceId
from shelfwire.provision_printing import add_options, add_store, list_of, named, store_of, told, write_pdf

if TYPE_CHECKING:
    from provisioning.labels.cards import PrintedCard


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "cards",
        help="print the store's command cards as PDF: modes, quantities, undo, end, places, people, scale numbers",
        description="Print the store's command cards as PDF, to be cut and laminated: those that every store has, and "
        "those asked for. NAME=SHOWN prints a name as people write it beside the one in the code.",
    )
    add_store(parser)
    parser.add_argument("--config", type=Path, metavar="hub.toml", help="take the store's name from these settings")
    parser.add_argument("--paper", choices=("a4", "letter"), default="a4", help="the sheet (default: a4)")
    parser.add_argument("--only", action="store_true", help="leave out the cards that every store has")
    parser.add_argument(
        "--check", action="store_true", help="the cards of the hand-over check, for who mounts stations"
    )
    parser.add_argument("--quantity", type=int, action="extend", nargs="+", metavar="N", help="quantities, 1 to 9999")
    parser.add_argument(
        "--document", action="append", default=[], metavar="MODE:NAME", help="a mode for a document: receive:PO-17"
    )
    parser.add_argument(
        "--place", action="append", default=[], type=named, metavar="NAME[=SHOWN]", help="a place goods are moved to"
    )
    parser.add_argument(
        "--places", type=Path, metavar="FILE.csv", help="all places of a list as `hub places` takes it, - for a pipe"
    )
    parser.add_argument("--session", metavar="NAME", help="the places are to be counted for this session, not moved to")
    parser.add_argument("--passes", type=int, default=1, metavar="N", help="how often each is counted (default: 1)")
    parser.add_argument("--person", action="append", default=[], type=named, metavar="NAME[=SHOWN]", help="who counts")
    parser.add_argument(
        "--plu", type=Path, metavar="FILE.csv", help="numbers at the scales, with the columns plu and name"
    )
    add_options(parser)
    parser.set_defaults(run_provision=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; give its exit code."""
    return told(lambda: _print(args), args.places or args.plu)


def _print(args: argparse.Namespace) -> int:
    from provisioning.labels.cards import QUANTITIES, PrintedCard, card_sheets, check_cards, everyday_cards
    from provisioning.labels.wording import Languages

    cards = [] if args.only else everyday_cards()
    cards += [PrintedCard(QuantityCard(pieces)) for pieces in args.quantity or (() if args.only else QUANTITIES)]
    cards += _asked(args)
    cards += check_cards() if args.check else ()
    if not cards:
        raise BadInput("no-cards", "no card was asked for")
    write_pdf(args.output, card_sheets(store_of(args), cards, Languages(args.lang), args.paper))
    print(f"{len(cards)} cards")
    return 0


def _asked(args: argparse.Namespace) -> Iterable[PrintedCard]:
    from provisioning.labels.cards import PrintedCard
    from provisioning.labels.lists import read_places, read_plus

    for text in args.document:
        mode, _, document = text.partition(":")
        read = parse_card(f"SW1:MODE:{mode.upper()}:{document}")
        assert isinstance(read, ModeCard)
        yield PrintedCard(read)
    places: list[tuple[str, str]] = list(args.place)
    if args.places is not None:
        places += [(label.place, "") for label in read_places(list_of(args.places))]
    for name, shown in places:
        place = PlaceId(name)
        if args.session is None:
            yield PrintedCard(PlaceCard(place), shown)
        else:
            for number in range(1, args.passes + 1):
                yield PrintedCard(CountCard(args.session.lower(), place, number), shown)
    for name, shown in args.person:
        yield PrintedCard(WhoCard(name), shown)
    if args.plu is not None:
        for plu, shown in read_plus(list_of(args.plu)):
            yield PrintedCard(PluCard(plu), shown)
