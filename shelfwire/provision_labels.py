"""`shelfwire provision labels places|stations`: labels for shelves and for the stations themselves, as PDF."""

from __future__ import annotations

import argparse
from pathlib import Path

import msgspec

from protocol.errors import BadInput
from shelfwire.hub_api import HubApi, with_hub
from shelfwire.hub_api import add_options as add_hub
from shelfwire.provision_answers import identities_of
from shelfwire.provision_printing import add_options, add_store, list_of, store_of, told, write_pdf

STOCKS = ("avery-l7160", "avery-l7163", "tape-62", "a4", "letter")
"""`provisioning.labels.stock.LABELS`, told without loading what draws."""
_NOWHERE = ("gone", "virtual")


class _Place(msgspec.Struct, frozen=True):
    place: str
    kind: str
    area: str


class _Places(msgspec.Struct, frozen=True):
    places: tuple[_Place, ...]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "labels",
        help="print labels of places, or of stations, as PDF",
        description="Print labels as PDF, for label stock or to be cut: of places, each with the code that moves goods "
        "there, or of stations. Print at 100 %, without fitting to the page.",
    )
    kinds = parser.add_subparsers(dest="labels", required=True, metavar="KIND")
    places = kinds.add_parser("places", help="of places: from a list, by name, or as the hub knows them")
    places.add_argument("--list", type=Path, metavar="FILE.csv", help="as `hub places` takes it, - for a pipe")
    places.add_argument("--place", action="append", default=[], metavar="NAME", help="a place, by its name")
    stations = kinds.add_parser("stations", help="of stations: from a list, or as the hub knows them")
    stations.add_argument(
        "--list", type=Path, metavar="FILE.csv", help="with the columns identity and position, - for a pipe"
    )
    for each in (places, stations):
        each.add_argument("--stock", choices=STOCKS, default=STOCKS[0], help=f"what is printed on ({STOCKS[0]})")
        each.add_argument("--skip", type=int, default=0, metavar="N", help="labels used up on the first sheet")
        add_store(each)
        add_options(each)
        add_hub(each)
        each.set_defaults(run_provision=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; give its exit code."""
    if args.list is None and not getattr(args, "place", ()):
        return with_hub(args, lambda hub: told(lambda: _print(args, hub)))
    return told(lambda: _print(args, None), args.list)


def _print(args: argparse.Namespace, hub: HubApi | None) -> int:
    from provisioning.labels.lists import read_places, read_stations
    from provisioning.labels.places import PlaceLabel, StationLabel, place_labels, station_labels
    from provisioning.labels.stock import LABELS
    from provisioning.labels.wording import Languages

    if not 0 <= args.skip < LABELS[args.stock].a_page:
        raise BadInput("bad-skip", f"a page of {args.stock} has {LABELS[args.stock].a_page}; skip fewer")
    store, languages = store_of(args), Languages(args.lang)
    if args.labels == "places":
        places = [] if args.list is None else read_places(list_of(args.list))
        places += [PlaceLabel(name.lower()) for name in args.place]
        if hub is not None:
            known = hub.get("/places", _Places).places
            places += [PlaceLabel(each.place, each.kind, each.area) for each in known if each.kind not in _NOWHERE]
        count = len(places)
        made = place_labels(store, places, languages, args.stock, args.skip) if places else b""
    else:
        stations = [] if args.list is None else read_stations(list_of(args.list))
        if hub is not None:
            stations += [
                StationLabel(each.identity, each.position)
                for each in identities_of(hub)
                if each.certificates and each.ended_us is None
            ]
        count = len(stations)
        made = station_labels(store, stations, languages, args.stock, args.skip) if stations else b""
    if not count:
        raise BadInput("no-labels", "there is nothing to print a label of")
    write_pdf(args.output, made)
    print(f"{count} labels")
    return 0
