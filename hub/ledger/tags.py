"""RFID tags: what is known of each, and what a sweep by a reader says of the stock.

A tag that answers is there. One that does not answer may be there all the same: behind metal, in a pocket, at the edge
of the field. So a sweep counts an interval,

    [seen, seen + not ruled out]

and a tag is ruled out by proof only: it was sold, taken out through a portal, or seen in another area since. That
nobody could read it any more is no proof.

What is known of a tag is the newest sighting of each kind and does not depend on the order in which they come. How one
station's sightings follow one another is told by its log, not by its clock (`in_log_order`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from hub.ledger.counting import Goods, Part, ShelfDone
from hub.ledger.entries import Key
from hub.ledger.timefit import RAISED_AT_MOST_US
from protocol.events import Presence
from protocol.identity import EntryId, ItemId, PlaceId, StationId


class Sign(StrEnum):
    """What somebody knows of a tag at a moment.

    `seen`: it answered there. `left`: it was carried out, or a person wrote it off. `sold`, `returned`: so says a
    till. `missed`: no reader gets an answer any more, which proves nothing.
    """

    SEEN = "seen"
    LEFT = "left"
    SOLD = "sold"
    RETURNED = "returned"
    MISSED = "missed"


SIGN: Final = {
    Presence.ARRIVED: Sign.SEEN,
    Presence.MOVED: Sign.SEEN,
    Presence.DEPARTED: Sign.MISSED,
    Presence.UNKNOWN: Sign.MISSED,
}
"""What a station's word on a tag is a sign of: departing is not observed, but concluded from silence."""


class Sighting(msgspec.Struct, frozen=True, gc=False):
    """A sign of one tag at a place, at `t_us` (UTC, ± `err_us`). `entry` is what told of it, maybe among other tags."""

    epc: str
    sign: Sign
    place: PlaceId
    t_us: int
    entry: EntryId
    err_us: int = 0

    @property
    def key(self) -> Key:
        return Key(self.t_us, self.entry)


class TagState(StrEnum):
    """Where a tag is: `present` at its place, `unseen` there since, `left` the store, or `sold`."""

    PRESENT = "present"
    UNSEEN = "unseen"
    LEFT = "left"
    SOLD = "sold"


class Tag(msgspec.Struct, frozen=True, gc=False):
    """What is known of a tag: the newest sign of where it is, of whose it is, and of its silence."""

    epc: str
    where: Sighting | None = None
    deal: Sighting | None = None
    silence: Sighting | None = None

    def is_outdone_by(self, t_us: int) -> bool:
        """Say whether a moment is no earlier than all that readers said of it."""
        return all(said is None or said.t_us <= t_us for said in (self.where, self.silence))

    def told(self, sighting: Sighting) -> Tag:
        """Take another sighting of it, which need not be the newest."""
        match sighting.sign:
            case Sign.SEEN | Sign.LEFT:
                return replace(self, where=_newer(self.where, sighting))
            case Sign.SOLD | Sign.RETURNED:
                return replace(self, deal=_newer(self.deal, sighting))
            case Sign.MISSED:
                return replace(self, silence=_newer(self.silence, sighting))

    @property
    def last(self) -> Sighting | None:
        """The newest sign of its place; a till that takes it back has it, as a reader that sees it does."""
        came_back = self.deal if self.deal is not None and self.deal.sign is Sign.RETURNED else None
        if self.where is None or came_back is None:
            return self.where or came_back or self.silence
        return _newer(self.where, came_back)

    @property
    def state(self) -> TagState:
        """Where it is. A customer's bag that a reader sees on its way out is sold all the same."""
        if self.deal is not None and self.deal.sign is Sign.SOLD:
            return TagState.SOLD
        last = self.last
        if last is None or last.sign is Sign.MISSED:
            return TagState.UNSEEN
        if last.sign is Sign.LEFT:
            return TagState.LEFT
        silent = self.silence is not None and self.silence.key > last.key
        return TagState.UNSEEN if silent else TagState.PRESENT


def in_log_order(sightings: Iterable[Sighting]) -> list[Sighting]:
    """Raise what readers said of one tag so that nothing is older than what the same station said before it.

    After a power cut a station's clock may go on from an earlier time, and what it noted of when it read a tag last may
    be by another clock than the one it tells the time by now. Silence follows the sighting that it ended, however far
    apart both seem; a sighting is raised by `RAISED_AT_MOST_US` at most: further apart, one of the two is a lie, which
    must not spread.
    """
    said: list[Sighting] = []
    newest_us: dict[StationId, int] = {}
    for one in sorted(sightings, key=lambda one: one.entry):
        by_us = newest_us.get(one.entry.station, one.t_us) - one.t_us
        is_raised = by_us > 0 and (by_us <= RAISED_AT_MOST_US or one.sign is Sign.MISSED)
        said.append(replace(one, t_us=one.t_us + by_us, err_us=one.err_us + by_us) if is_raised else one)
        newest_us[one.entry.station] = said[-1].t_us
    return said


def tags_of(sightings: Iterable[Sighting], until_us: int) -> dict[str, Tag]:
    """Give what was known of each tag at a moment, by sightings in any order, some of them twice."""
    tags: dict[str, Tag] = {}
    for sighting in sightings:
        if sighting.t_us <= until_us:
            tags[sighting.epc] = tags.get(sighting.epc, Tag(sighting.epc)).told(sighting)
    return tags


class Sweep(msgspec.Struct, frozen=True, gc=False):
    """The tags that answered at a place from `from_us` to `to_us` (UTC, ± `err_us`), in one pass of a count session."""

    entry: EntryId
    session: str
    place: PlaceId
    epcs: frozenset[str]
    from_us: int
    to_us: int
    err_us: int = 0
    pass_: int = 1
    person: str = ""


class Tagged(msgspec.Struct, frozen=True, gc=False):
    """What a tag is on: so much of an item."""

    item: ItemId
    qty_milli: int


class Swept(NamedTuple):
    """What one pass found by radio: `parts` of a count, and that the places were swept, also where nothing answered."""

    parts: list[Part]
    done: list[ShelfDone]


def swept(
    sweeps: Collection[Sweep],
    tags: Mapping[str, Tag],
    on: Callable[[str], Tagged | None],
    area: Callable[[PlaceId], PlaceId],
    items: Collection[ItemId],
) -> Swept:
    """Say what one pass of a session found by radio, by the tags as they were known at its end.

    `on` says what a tag is on, if anybody knows. Only `items` are counted of which every piece has a tag that was read
    once, as on receipt: of others, a sweep cannot say how many there are at most. A tag that answered at two places is
    counted at the later one; one that did not answer, where it was seen last, or, if nobody swept there, at any place
    of the area that was swept.
    """
    seen_at: dict[str, Sweep] = {}
    of_place: dict[PlaceId, list[Sweep]] = defaultdict(list)
    for sweep in sorted(sweeps, key=lambda sweep: (sweep.to_us, sweep.entry)):
        of_place[sweep.place].append(sweep)
        seen_at.update(dict.fromkeys(sweep.epcs, sweep))
    any_of_area = {area(place): place for place in sorted(of_place, reverse=True)}

    least: dict[tuple[PlaceId, ItemId], int] = defaultdict(int)
    most: dict[tuple[PlaceId, ItemId], int] = defaultdict(int)
    for epc in seen_at.keys() | tags.keys():
        means = on(epc)
        if means is None or means.item not in items:
            continue
        tag, sweep_of = tags.get(epc, Tag(epc)), seen_at.get(epc)
        is_sold = tag.state is TagState.SOLD
        if sweep_of is not None:
            where = (sweep_of.place, means.item)
            most[where] += means.qty_milli
            if not is_sold:
                least[where] += means.qty_milli
        elif not is_sold and tag.state is not TagState.LEFT and tag.last is not None:
            last = tag.last.place
            place = last if last in of_place else any_of_area.get(area(last))
            if place is not None:
                most[place, means.item] += means.qty_milli
    return Swept(
        [_part(of_place[place], item, least[place, item], most[place, item]) for place, item in sorted(most)],
        [_done(of_place[place]) for place in sorted(of_place)],
    )


def _part(sweeps: list[Sweep], item: ItemId, least_milli: int, most_milli: int) -> Part:
    last = sweeps[-1]
    return Part(
        last.entry,
        last.session,
        item,
        last.place,
        least_milli,
        min(sweep.from_us for sweep in sweeps),
        max(sweep.to_us for sweep in sweeps),
        max(sweep.err_us for sweep in sweeps),
        last.pass_,
        last.person,
        most_milli,
    )


def _done(sweeps: list[Sweep]) -> ShelfDone:
    last = sweeps[-1]
    return ShelfDone(
        last.entry,
        last.session,
        last.place,
        min(sweep.from_us for sweep in sweeps),
        max(sweep.to_us for sweep in sweeps),
        max(sweep.err_us for sweep in sweeps),
        last.pass_,
        last.person,
        Goods.TAGGED,
    )


def _newer(one: Sighting | None, other: Sighting) -> Sighting:
    return other if one is None or other.key > one.key else one
