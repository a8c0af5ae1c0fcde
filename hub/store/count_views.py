"""What the store tells of count sessions: how each stands, what it found, what it waits for, what a person is asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, func, select, tuple_

from hub.errors import BadInput
from hub.ledger.asking import Question, Tolerance, questions
from hub.ledger.counting import UNKNOWN_ITEM, Complete, Floor, Part, ShelfDone, ShelfResult, session_entry
from hub.ledger.entries import Scope
from hub.ledger.sessions import compose
from hub.store import count_rows
from hub.store.count_rows import Material
from hub.store.epochs import EpochRows
from hub.store.page_tokens import from_token, token
from hub.store.reading import NO_ITEM
from hub.store.sql import Sql
from hub.store.statements import one_of
from hub.store.tables import count_figure, count_part, count_said, count_session, epoch, live, scope
from protocol.catalogue import Item, RowKind, Unit, decode_row
from protocol.count_decisions import CountPlanned, CountRuled
from protocol.identity import EntryId, ItemId, PlaceId

MAX_PAGE: Final = 500
FloorOf = Callable[[Sql], Floor]


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session among others. `composed`: its counts are one; else each of its `readings` counts by itself.

    `counted` items are covered, `open` ones wait for a shelf. `at_us` is the newest that is known of it (UTC).
    """

    session: str
    at_us: int
    planned: bool
    composed: bool
    readings: int
    counted: int
    open: int


@dataclass(frozen=True, slots=True)
class SessionPage:
    """Sessions, the newest first; `next` asks for the page after, None at the end."""

    rows: tuple[SessionRow, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Named:
    """An item as the catalogue names it: "" and "each" if it does not."""

    item: ItemId
    name: str
    unit: str
    category: str


@dataclass(frozen=True, slots=True)
class Counted:
    """What a session found of an item in an area. Soft: no less than `qty_milli` and no more than `hi_milli`.

    `expected_milli` is what the books held then, None while it is not booked yet. `settled`: a person accepted it.
    """

    item: Named
    area: PlaceId
    entry: EntryId
    qty_milli: int
    hi_milli: int
    t_us: int
    expected_milli: int | None
    settled: bool
    shelves: tuple[ShelfResult, ...]
    asked: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """An item that was found or is to be counted, and the shelves still to go to; none: goods of unknown codes."""

    item: Named
    area: PlaceId
    shelves: tuple[PlaceId, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """One count of a station, or what a sweep saw; `undone`: it was taken back."""

    part: Part
    item: Named | None
    undone: bool


@dataclass(frozen=True, slots=True)
class ShelfRow:
    """A shelf of a session: what was said of it, pass by pass; nobody was there if that is empty."""

    place: PlaceId
    said: tuple[ShelfDone, ...]


@dataclass(frozen=True, slots=True)
class SessionView:
    """All that is known of a session and what it comes to."""

    session: str
    planned: tuple[EntryId, CountPlanned] | None
    rulings: tuple[tuple[EntryId, CountRuled], ...]
    shelves: tuple[ShelfRow, ...]
    counted: tuple[Counted, ...]
    waiting: tuple[Waiting, ...]
    readings: tuple[Reading, ...]
    complete: Complete | None

    @property
    def is_blind(self) -> bool:
        """Whether those who count go on and are not to be told what the books expect."""
        blind = self.planned is not None and self.planned[1].blind
        return blind and bool(self.waiting or self.open_shelves)

    @property
    def open_shelves(self) -> tuple[PlaceId, ...]:
        """The shelves at which nobody said that they are counted."""
        return tuple(shelf.place for shelf in self.shelves if not shelf.said)


@dataclass(frozen=True, slots=True)
class Expected:
    """What the books hold of an item that a session is to count, and where it is kept."""

    item: Named
    on_hand_milli: int
    homes: tuple[PlaceId, ...]


def sessions(sql: Sql, after: str | None, limit: int) -> SessionPage:
    """See `Counts.sessions`."""
    limit = max(1, min(limit, MAX_PAGE))
    at_us, name = (1 << 62, "") if after is None else from_token(after, int, str)
    rows = sql.execute(_SESSIONS, {"at_us": at_us, "name": name, "most": limit + 1}).fetchall()
    found = tuple(
        SessionRow(name, at_us, bool(said), bool(composed), readings, counted, waiting)
        for name, at_us, composed, counted, waiting, readings, said in rows[:limit]
    )
    return SessionPage(found, token(found[-1].at_us, found[-1].session) if len(rows) > limit else None)


def session(
    sql: Sql, epochs: EpochRows, floor_of: FloorOf, name: str, tolerances: Mapping[str, Tolerance]
) -> SessionView | None:
    """See `Counts.session`."""
    known = count_rows.material(sql, epochs, name)
    said = count_rows.decisions(sql, epochs, name)
    if not (known.parts or known.done or said):
        return None
    floor = floor_of(sql)
    composed = compose(*known, floor)
    items = names(sql, {each.item for each in (*composed.results, *composed.open)} | {p.item for p in known.parts})
    expected = _expected(sql, name)
    asked: dict[Scope, list[Question]] = defaultdict(list)
    for question in questions(known.plan, composed, lambda item: _tolerance(items[item], tolerances), expected):
        asked[question.scope].append(question)
    voided = {ruling.target for ruling in known.rulings if ruling.target is not None}
    plans = [(entry, each) for entry, each in said if isinstance(each, CountPlanned)]
    return SessionView(
        session=name,
        planned=plans[-1] if plans else None,
        rulings=tuple((entry, each) for entry, each in said if isinstance(each, CountRuled)),
        shelves=_shelves(known, floor),
        counted=tuple(
            Counted(
                item=items[where.item],
                area=where.area,
                entry=result.count.id,
                qty_milli=result.count.qty_milli,
                hi_milli=result.count.qty_milli if result.count.hi_milli is None else result.count.hi_milli,
                t_us=result.count.t_us,
                expected_milli=expected.get(where),
                settled=result.settled,
                shelves=result.shelves,
                asked=tuple(asked[where]),
            )
            for where, result in composed.results.items()
        ),
        waiting=tuple(
            Waiting(items[where.item], where.area, tuple(sorted(shelves))) for where, shelves in composed.open.items()
        ),
        readings=tuple(
            Reading(part, None if part.item == UNKNOWN_ITEM else items[part.item], part.entry in voided)
            for part in sorted(known.parts, key=lambda part: (part.to_us, part.entry))
        ),
        complete=composed.complete,
    )


def expected(sql: Sql, epochs: EpochRows, floor_of: FloorOf, name: str, now_us: int) -> tuple[Expected, ...]:
    """See `Counts.expected`."""
    plan = count_rows.material(sql, epochs, name).plan
    if plan is None:
        raise BadInput("count-unplanned", f"nobody has planned what {name[:80]!r} is to count")
    rows = sql.execute(_ON_HAND, {"area": plan.area}).fetchall()
    on_hand = {ItemId(item): milli for item, milli in rows}
    wanted = on_hand.keys() if plan.items is None else plan.items
    items, floor = names(sql, wanted), floor_of(sql)
    return tuple(
        Expected(items[item], on_hand.get(item, 0), tuple(sorted(floor.homes(item, plan.area, now_us))))
        for item in sorted(wanted)
    )


def names(sql: Sql, items: Iterable[ItemId]) -> dict[ItemId, Named]:
    """Look items up in the catalogue."""
    wanted = sorted(set(items))
    found = {item: Named(item, "", Unit.EACH.value, "") for item in wanted}
    for (line,) in sql.execute(_ITEMS, {"items": wanted}).fetchall():
        row = decode_row(line)
        if isinstance(row, Item):
            found[ItemId(row.item)] = Named(ItemId(row.item), row.name, row.unit.value, row.category)
    return found


def _shelves(known: Material, floor: Floor) -> tuple[ShelfRow, ...]:
    """List the shelves a session is about: those of its plan, or all of the areas it was in, and where anybody was."""
    said: dict[PlaceId, list[ShelfDone]] = {}
    ends: dict[PlaceId, int] = {}
    for done in sorted(known.done, key=lambda done: (done.pass_, done.to_us)):
        said.setdefault(done.place, []).append(done)
    read = [(part.place, part.to_us) for part in known.parts] + [(done.place, done.to_us) for done in known.done]
    for place, to_us in read:
        area = floor.area(place, to_us)
        ends[area] = max(ends.get(area, to_us), to_us)
    plan = known.plan
    if plan is not None:
        ends.setdefault(plan.area, plan.at_us)
    places = set(said) | {part.place for part in known.parts}
    for area, end_us in ends.items():
        its_own = plan is not None and plan.area == area and bool(plan.shelves)
        places |= plan.shelves if plan is not None and its_own else floor.shelves(area, end_us)
    return tuple(ShelfRow(place, tuple(said.get(place, ()))) for place in sorted(places))


def _expected(sql: Sql, name: str) -> dict[Scope, int]:
    """Give what the books held at the counts made of a session."""
    named = str(session_entry(name, Scope(NO_ITEM, PlaceId(""))).epoch)
    rows = sql.execute(_FIGURES, {"name": named}).fetchall()
    return {Scope(ItemId(item), PlaceId(area)): milli for item, area, milli in rows}


def _tolerance(item: Named, tolerances: Mapping[str, Tolerance]) -> Tolerance:
    return tolerances.get(item.category) or tolerances.get("") or Tolerance()


_SESSIONS: Final = (
    select(
        count_session.c.name,
        count_session.c.at_us,
        count_session.c.composed,
        count_session.c.counted,
        count_session.c.open,
        select(func.count()).where(count_part.c.session == count_session.c.name).scalar_subquery(),
        select(func.count()).where(count_said.c.session == count_session.c.name).scalar_subquery(),
    )
    .where(tuple_(count_session.c.at_us, count_session.c.name) < tuple_(bindparam("at_us"), bindparam("name")))
    .order_by(count_session.c.at_us.desc(), count_session.c.name.desc())
    .limit(bindparam("most"))
)
_ITEMS: Final = select(live.c.line).where(
    live.c.kind == RowKind.ITEM.value, one_of(live.c.owner, "items"), live.c.member == ""
)
_FIGURES: Final = (
    select(scope.c.item, scope.c.area, count_figure.c.expected_milli)
    .join(count_figure, count_figure.c.scope == scope.c.id)
    .join(epoch, epoch.c.id == count_figure.c.epoch)
    .where(epoch.c.name == bindparam("name"))
)
_ON_HAND: Final = select(scope.c.item, scope.c.on_hand_milli).where(
    scope.c.area == bindparam("area"), scope.c.item != NO_ITEM
)
