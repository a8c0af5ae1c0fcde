"""Lists of what is to be printed, as CSV: places, stations, numbers at the scales. Pure."""

from __future__ import annotations

import re
from typing import Final

from protocol.enrolment import parse_identity
from protocol.errors import BadInput
from provisioning.errors import ListWrong, Wrong
from provisioning.labels.places import PlaceLabel, StationLabel
from provisioning.listed import read_csv, wrong_name

_NOT_THERE: Final = ("gone", "virtual")
_PLU: Final = re.compile(r"[1-9][0-9]{0,4}")


def read_places(data: bytes) -> list[PlaceLabel]:
    """Read the shop floor as `shelfwire hub places` takes it, each place once, but those nobody can go to.

    Raises `ListWrong`.
    """
    rows = read_csv(data, ("place", "kind", "parent", "area", "item"), ("place",))
    wrong = [each for row in rows if (each := wrong_name(row.line, "place", row["place"])) is not None]
    if wrong:
        raise ListWrong(wrong)
    found: dict[str, PlaceLabel] = {}
    for row in rows:
        # A place has a line for each item that is at home there; the one with its kind says what it is.
        if row["kind"] or row["place"] not in found:
            found[row["place"]] = PlaceLabel(row["place"], row["kind"].lower(), row["area"])
    return [label for label in found.values() if label.kind not in _NOT_THERE]


def read_stations(data: bytes) -> list[StationLabel]:
    """Read the columns identity and position. Raises `ListWrong`."""
    labels: list[StationLabel] = []
    wrong: list[Wrong] = []
    for row in read_csv(data, ("identity", "position"), ("identity", "position")):
        try:
            labels.append(StationLabel(parse_identity(row["identity"]), row["position"]))
        except BadInput as error:
            wrong.append(Wrong(row.line, f"identity: {error.detail}"))
        if (named := wrong_name(row.line, "position", row["position"])) is not None:
            wrong.append(named)
    if wrong:
        raise ListWrong(wrong)
    return labels


def read_plus(data: bytes) -> list[tuple[int, str]]:
    """Read the columns plu (1 to 99999) and name. Raises `ListWrong`."""
    rows = read_csv(data, ("plu", "name"), ("plu",))
    wrong = [
        Wrong(row.line, f"plu: {row['plu'][:40]!a} is no number from 1 to 99999")
        for row in rows
        if not _PLU.fullmatch(row["plu"])
    ]
    if wrong:
        raise ListWrong(wrong)
    return [(int(row["plu"]), row["name"]) for row in rows]
