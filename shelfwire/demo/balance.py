"""The balance sheet: four counts of every station's scans, three of every item's stock, and one catalogue. Pure.

scanned by hardware = durable at the edge = committed at the hub = folded into stock         for each station
on the shelves      = stock at the hub    = stock as HQ was told                             for each item
HQ's set hash       = the hub's           = each station's                                   the catalogue
what HQ states      = what the hub had told it by then                                       for each item
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StationLine:
    """One station, in scans: readings that move or count goods, and what takes them back.

    `scanned` were said yes to at the scanner. `entries` and `hub_entries` are all entries of the station's log, as the
    station and the hub have them; `quarantined` those that the hub could not take into the books.
    """

    station: str
    scanned: int
    durable: int
    committed: int
    folded: int
    entries: int
    hub_entries: int
    quarantined: int = 0

    @property
    def balanced(self) -> bool:
        """Whether every scan is everywhere, once."""
        same = self.scanned == self.durable == self.committed == self.folded
        return same and self.entries == self.hub_entries and self.quarantined == 0


@dataclass(frozen=True, slots=True)
class StockLine:
    """One item, in milli-units: what lies on the shelves, what the hub says, and what HQ was told; None: not told."""

    item: str
    name: str
    unit: str
    tally_milli: int
    hub_milli: int | None
    hq_milli: int | None

    @property
    def balanced(self) -> bool:
        """Whether all three agree; nothing told of what is not there is right, too."""
        return self.tally_milli == (self.hub_milli or 0) == (self.hq_milli or 0)


@dataclass(frozen=True, slots=True)
class CatalogueLine:
    """Who holds which catalogue, as set hashes; None: not told."""

    hq: str
    hub: str | None
    stations: Mapping[str, str | None]
    rows: int

    @property
    def balanced(self) -> bool:
        """Whether all hold HQ's."""
        return all(held == self.hq for held in (self.hub, *self.stations.values()))


@dataclass(frozen=True, slots=True)
class FeedLine:
    """What HQ received: different entries of the store told of, and what it could not take or had to own up to.

    `journal` are the decisions made at the hub that HQ, the journal's second medium, holds.
    """

    entries: int
    expected: int
    journal: int = 0
    journal_expected: int = 0
    unreadable: int = 0
    losses: int = 0
    forks: int = 0

    @property
    def balanced(self) -> bool:
        """Whether HQ was told of every movement and count, and holds every decision, once each."""
        same = self.entries == self.expected and self.journal == self.journal_expected
        return same and self.unreadable == self.losses == self.forks == 0


@dataclass(frozen=True, slots=True)
class StatementLine:
    """HQ's own statement of stock at the day's end: so many figures, of which the hub found so many to differ.

    `differing` is None if the hub did not come to compare it.
    """

    figures: int
    differing: int | None

    @property
    def balanced(self) -> bool:
        """Whether the hub had told HQ exactly what HQ says it had."""
        return self.differing == 0


NOTHING_STATED = StatementLine(0, 0)


@dataclass(frozen=True, slots=True)
class Balance:
    """The whole sheet."""

    stations: tuple[StationLine, ...]
    stock: tuple[StockLine, ...]
    catalogue: CatalogueLine
    feed: FeedLine
    statement: StatementLine = NOTHING_STATED

    @property
    def balanced(self) -> bool:
        """Whether all of it agrees. A sheet without stations, scans or stock proves nothing and is not."""
        something = bool(self.stations) and bool(self.stock) and any(line.scanned for line in self.stations)
        agreed = [self.catalogue.balanced, self.feed.balanced, self.statement.balanced]
        agreed += [line.balanced for line in self.stations]
        agreed += [line.balanced for line in self.stock]
        return something and all(agreed)

    @property
    def differences(self) -> tuple[str, ...]:
        """Say in words what does not agree."""
        return (
            *(_station_difference(line) for line in self.stations if not line.balanced),
            *(_stock_difference(line) for line in self.stock if not line.balanced),
            *_catalogue_differences(self.catalogue),
            *_feed_differences(self.feed),
            *_statement_differences(self.statement),
        )


def stock_lines(
    tally: Iterable[tuple[str, str, str, int]], hub: Mapping[str, int], hq: Mapping[str, int]
) -> tuple[StockLine, ...]:
    """Put three counts of all items side by side.

    `tally` gives (item, name, unit, milli-units). What the hub or HQ has beyond it is a line too, of 0 on the shelves.
    """
    lines = {item: StockLine(item, name, unit, milli, hub.get(item), hq.get(item)) for item, name, unit, milli in tally}
    for item in sorted({*hub, *hq} - lines.keys()):
        lines[item] = StockLine(item, "(not sold here)", "each", 0, hub.get(item), hq.get(item))
    return tuple(lines.values())


def _station_difference(line: StationLine) -> str:
    return (
        f"{line.station}: {line.scanned} scanned, {line.durable} durable, {line.committed} committed, "
        f"{line.folded} folded; log of {line.entries}, at the hub {line.hub_entries}; {line.quarantined} quarantined"
    )


def _stock_difference(line: StockLine) -> str:
    hub, hq = (("nothing" if milli is None else f"{milli / 1000:g}") for milli in (line.hub_milli, line.hq_milli))
    return f"{line.name}: {line.tally_milli / 1000:g} on the shelves, {hub} at the hub, {hq} at HQ"


def _catalogue_differences(line: CatalogueLine) -> Iterable[str]:
    for holder, held in (("the hub", line.hub), *line.stations.items()):
        if held != line.hq:
            yield f"catalogue: {holder} holds {(held or 'none')[:12]}, HQ {line.hq[:12]}"


def _feed_differences(line: FeedLine) -> Iterable[str]:
    if line.entries != line.expected:
        yield f"feed: HQ was told of {line.entries} movements and counts, the shop made {line.expected}"
    if line.journal != line.journal_expected:
        yield f"journal: HQ holds {line.journal} decisions, {line.journal_expected} were made"
    if line.unreadable or line.losses or line.forks:
        yield f"feed: {line.unreadable} lines unreadable, {line.losses} losses, {line.forks} forks at HQ"


def _statement_differences(line: StatementLine) -> Iterable[str]:
    if line.differing is None:
        yield f"statement: the hub did not compare the {line.figures} figures that HQ stated"
    elif line.differing:
        yield f"statement: {line.differing} of the {line.figures} figures that HQ stated are not the hub's"
