"""What REST takes and gives of count sessions.

Beyond 300 lines because each field is told to those who read the OpenAPI document.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from hub.ledger.asking import Asked
from hub.ledger.counting import PassResult, ShelfDone, ShelfResult
from hub.store.count_views import Counted, Expected, Reading, SessionRow, SessionView, ShelfRow, Waiting
from hub.store.entry_bounds import MAX_PASS
from hub.web.floor_models import PlaceName
from hub.web.models import Line, Next, Word
from protocol.count_decisions import MAX_ITEMS, MAX_SHELVES, CountPlanned, CountRuled, CountVerdict
from protocol.identity import EntryId

SessionName = Annotated[
    str, Field(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$", description="as it stands on the count's cards")
]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class NewCount(_Model):
    """What a session is to count. `items` null: all there is, so that what is not found is known to be gone.

    `shelves` are those to be gone to; none: all that the area has. `closed`: nobody else is there meanwhile, and
    nothing in trolleys or hands, so that no movement is in doubt.
    """

    session: SessionName
    area: PlaceName = "store"
    items: Annotated[list[Word] | None, Field(min_length=1, max_length=MAX_ITEMS)] = None
    shelves: Annotated[list[PlaceName], Field(max_length=MAX_SHELVES)] = []
    blind: bool = False
    closed: bool = False
    two_passes: bool = False
    author: Line
    note: Line


class NewRuling(_Model):
    """Accept what was found, or of several passes one; reject a pass, or all; or say that it never was.

    Of one item, or, with `item` null, of all. With `target`, an entry, only that one is void.
    """

    verdict: CountVerdict
    item: Word | None = None
    pass_number: Annotated[int | None, Field(ge=1, le=MAX_PASS)] = None
    target: Word | None = None
    author: Line
    note: Line


class Count(_Model):
    """A session among others. `composed`: its counts are one; else each of its readings counts by itself."""

    session: str
    at_us: int
    planned: bool
    composed: bool
    readings: int
    counted: Annotated[int, Field(description="items that it covers")]
    open: Annotated[int, Field(description="items that wait for a shelf")]

    @classmethod
    def of(cls, row: SessionRow) -> Count:
        return cls(
            session=row.session,
            at_us=row.at_us,
            planned=row.planned,
            composed=row.composed,
            readings=row.readings,
            counted=row.counted,
            open=row.open,
        )


class Counts(_Model):
    """Sessions, the newest first."""

    counts: list[Count]
    next: Next


class Planned(_Model):
    """A plan, and by whose word."""

    entry: str
    at_us: int
    area: str
    items: list[str] | None
    shelves: list[str]
    blind: bool
    closed: bool
    two_passes: bool
    author: str
    note: str

    @classmethod
    def of(cls, entry: EntryId, said: CountPlanned) -> Planned:
        return cls(
            entry=str(entry),
            at_us=said.at_us,
            area=said.area,
            items=None if said.items is None else list(said.items),
            shelves=list(said.shelves),
            blind=said.blind,
            closed=said.closed,
            two_passes=said.two_passes,
            author=said.author,
            note=said.note,
        )


class Ruled(_Model):
    """A ruling, and by whose word."""

    entry: str
    at_us: int
    verdict: CountVerdict
    item: str | None
    pass_number: int | None
    target: str | None
    author: str
    note: str

    @classmethod
    def of(cls, entry: EntryId, said: CountRuled) -> Ruled:
        return cls(
            entry=str(entry),
            at_us=said.at_us,
            verdict=said.verdict,
            item=said.item,
            pass_number=said.pass_,
            target=said.target,
            author=said.author,
            note=said.note,
        )


class ShelfSaid(_Model):
    """Somebody, or a reader, said that a shelf is counted."""

    entry: str
    pass_number: int
    person: str | None
    from_us: int
    to_us: int
    goods: str

    @classmethod
    def of(cls, done: ShelfDone) -> ShelfSaid:
        return cls(
            entry=str(done.entry),
            pass_number=done.pass_,
            person=done.person or None,
            from_us=done.from_us,
            to_us=done.to_us,
            goods=done.goods.value,
        )


class CountShelf(_Model):
    """A shelf of the session; nobody said that it is counted if `said` is empty."""

    place: str
    said: list[ShelfSaid]

    @classmethod
    def of(cls, row: ShelfRow) -> CountShelf:
        return cls(place=row.place, said=[ShelfSaid.of(done) for done in row.said])


class PassFound(_Model):
    """What one pass found of an item at a shelf, and who went."""

    pass_number: int
    qty_milli: int
    persons: list[str]

    @classmethod
    def of(cls, found: PassResult) -> PassFound:
        return cls(pass_number=found.pass_, qty_milli=found.qty_milli, persons=sorted(found.persons))


class ShelfFound(_Model):
    """What the passes found of an item at a shelf; `counts` is the pass that counts."""

    place: str
    counts: int
    passes: list[PassFound]

    @classmethod
    def of(cls, found: ShelfResult) -> ShelfFound:
        return cls(place=found.place, counts=found.counts, passes=[PassFound.of(each) for each in found.passes])


class Dispute(_Model):
    """What a person is asked about a count; of a shelf, or of the whole. The count stands meanwhile."""

    asked: Asked
    place: str | None


class CountedItem(_Model):
    """What a session found of an item: no less than `qty_milli`, no more than `hi_milli`, which differ for sweeps.

    `expected_milli` is what the books held then; null while it is not booked, and of a blind count that goes on.
    """

    item: str
    name: str
    unit: str
    area: str
    entry: str
    qty_milli: int
    hi_milli: int
    t_us: int
    expected_milli: int | None
    settled: Annotated[bool, Field(description="a person accepted it")]
    shelves: list[ShelfFound]
    disputes: list[Dispute]

    @classmethod
    def of(cls, row: Counted, *, shown: bool) -> CountedItem:
        return cls(
            item=row.item.item,
            name=row.item.name,
            unit=row.item.unit,
            area=row.area,
            entry=str(row.entry),
            qty_milli=row.qty_milli,
            hi_milli=row.hi_milli,
            t_us=row.t_us,
            expected_milli=row.expected_milli if shown else None,
            settled=row.settled,
            shelves=[ShelfFound.of(each) for each in row.shelves],
            disputes=[Dispute(asked=each.asked, place=each.place) for each in row.asked] if shown else [],
        )


class WaitingItem(_Model):
    """An item that waits for shelves; for none: goods of unknown codes have to be looked at first."""

    item: str
    name: str
    area: str
    shelves: list[str]

    @classmethod
    def of(cls, row: Waiting) -> WaitingItem:
        return cls(item=row.item.item, name=row.item.name, area=row.area, shelves=list(row.shelves))


class CountReading(_Model):
    """One count of a station, or what a sweep saw; `item` null: its code means none."""

    entry: str
    item: str | None
    place: str
    qty_milli: int
    hi_milli: int
    pass_number: int
    person: str | None
    t_us: int
    undone: bool

    @classmethod
    def of(cls, row: Reading) -> CountReading:
        part = row.part
        return cls(
            entry=str(part.entry),
            item=None if row.item is None else row.item.item,
            place=part.place,
            qty_milli=part.qty_milli,
            hi_milli=part.qty_milli if part.soft_hi_milli is None else part.soft_hi_milli,
            pass_number=part.pass_,
            person=part.person or None,
            t_us=part.to_us,
            undone=row.undone,
        )


class CountSession(_Model):
    """All that is known of a session. `complete`: all of its area was counted, so what it did not find is gone."""

    session: str
    planned: Planned | None
    rulings: list[Ruled]
    shelves: list[CountShelf]
    open_shelves: list[str]
    counted: list[CountedItem]
    waiting: list[WaitingItem]
    readings: list[CountReading]
    complete: bool

    @classmethod
    def of(cls, view: SessionView) -> CountSession:
        return cls(
            session=view.session,
            planned=None if view.planned is None else Planned.of(*view.planned),
            rulings=[Ruled.of(*each) for each in view.rulings],
            shelves=[CountShelf.of(each) for each in view.shelves],
            open_shelves=list(view.open_shelves),
            counted=[CountedItem.of(each, shown=not view.is_blind) for each in view.counted],
            waiting=[WaitingItem.of(each) for each in view.waiting],
            readings=[CountReading.of(each) for each in view.readings],
            complete=view.complete is not None,
        )


class ExpectedItem(_Model):
    """What the books hold of an item that is to be counted, and the shelves it is at home on."""

    item: str
    name: str
    unit: str
    on_hand_milli: int
    homes: list[str]

    @classmethod
    def of(cls, row: Expected) -> ExpectedItem:
        return cls(
            item=row.item.item,
            name=row.item.name,
            unit=row.item.unit,
            on_hand_milli=row.on_hand_milli,
            homes=list(row.homes),
        )


class ExpectedList(_Model):
    """What the books hold of what a session is to count."""

    items: list[ExpectedItem]
