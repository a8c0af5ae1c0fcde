"""Brings the places of a shop, and what is at home where, from a CSV file into the journal: what is news of it.

    place,kind,parent,area,item     "place" is required; all others may be left out or blank
    front,area,,,
    rack-1,shelf,front,,
    rack-1-a,shelf,rack-1,,tea      a place, and what is at home there
    rack-1-a,,,,jam                 one more item at home there

A blank area is the parent's, or the one that a store starts as. A line with a kind says what the place is from the
moment of the import on (or from `--from`), if it is not so already.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hub.app import seat_of
from hub.clock import wall_us
from hub.errors import BadInput
from hub.ledger.floorplan import OF_THEIR_OWN
from hub.settings import Settings
from hub.store.places import STORE_AREA
from hub.store.store import HubStore
from protocol.dated_words import FloorWord, HomeGiven, PlaceGiven, PlaceKind
from protocol.errors import BadInput as BadName
from protocol.identity import parse_place

_COLUMNS: Final = ("place", "kind", "parent", "area", "item")


@dataclass(frozen=True, slots=True)
class Said:
    """Who imports, why, and from when on it holds (UTC)."""

    author: str
    note: str
    from_us: int


def read_places(data: bytes, said: Said, at_us: int, known: Mapping[str, str]) -> list[FloorWord]:
    """Read a file: places first, parents before what is a part of them. Raises `BadInput` ("bad-line") for the first
    line that is wrong, or ("bad-file"). `known` are the places there are, and their areas.
    """
    try:
        lines = csv.DictReader(io.StringIO(data.decode("utf-8-sig")), strict=True, restval="")
        columns = {name.strip().lower() for name in lines.fieldnames or ()}
        if "place" not in columns or not columns <= set(_COLUMNS):
            raise BadInput("bad-file", f"its columns are to be among {','.join(_COLUMNS)}, place being one")
        rows = [
            (number, {name.strip().lower(): (text or "").strip() for name, text in row.items() if name is not None})
            for number, row in enumerate(lines, 2)
        ]
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput("bad-file", str(error)[:200]) from error
    given: dict[str, tuple[int, PlaceKind, str, str]] = {}
    homes: list[HomeGiven] = []
    for number, row in rows:
        place, item = row["place"], row.get("item", "")
        try:
            parse_place(place)
            if kind := row.get("kind", ""):
                given[place] = (number, _kind(kind), row.get("parent", ""), row.get("area", ""))
        except BadName as error:
            raise BadInput("bad-line", f"line {number}: {error.detail}") from error
        if item:
            homes.append(HomeGiven(at_us, item, place, said.from_us, None, said.author, said.note))
    words = {name: _word(name, given, said, at_us, known) for name in given}
    laid: list[PlaceGiven] = sorted(words.values(), key=lambda word: _depth(word, words))
    return [*laid, *homes]


async def import_places(settings: Settings, data: bytes, author: str, note: str, from_us: int | None) -> int:
    """Import a file's bytes into the stopped hub's store, all of it or nothing; count the words that were news.

    Raises `BadInput` (as `read_places` and `HubStore.lay_out` do), `TryAgain` while the hub runs.
    """
    now_us = wall_us()
    said = Said(author, note, now_us if from_us is None else from_us)
    async with HubStore(seat_of(settings).engine(), settings.store, wall_us, settings.codes) as store:
        known = {str(row.place): str(row.area) for row in await store.places(said.from_us)}
        return await store.lay_out(read_places(data, said, now_us, known))


def _kind(text: str) -> PlaceKind:
    try:
        return PlaceKind(text.lower())
    except ValueError:
        raise BadName("bad-kind", f"{text[:40]!r} is none of {', '.join(PlaceKind)}") from None


def _word(
    name: str, given: Mapping[str, tuple[int, PlaceKind, str, str]], said: Said, at_us: int, known: Mapping[str, str]
) -> PlaceGiven:
    _, kind, parent, area = given[name]
    seen = {name}
    above = parent
    found = name if kind in OF_THEIR_OWN else area
    while not found and above in given and above not in seen:
        seen.add(above)
        _, kind_above, parent_above, area_above = given[above]
        found = above if kind_above in OF_THEIR_OWN else area_above
        above = parent_above
    if not found and above in seen:
        raise BadInput("bad-line", f"line {given[name][0]}: {name} would be a part of itself")
    found = found or known.get(above, STORE_AREA)
    return PlaceGiven(at_us, name, parent, found, kind, said.from_us, said.author, said.note)


def _depth(word: PlaceGiven, words: dict[str, PlaceGiven]) -> int:
    depth = 0
    above: PlaceGiven | None = word
    while above is not None and above.parent and depth <= len(words):
        above, depth = words.get(above.parent), depth + 1
    return depth
