"""What REST takes and gives of the shop floor: places and homes."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from hub.store.entry_bounds import MAX_TIME_US
from hub.store.floor import HomeRow, PlaceRow
from hub.web.models import Line, Word
from protocol.dated_words import PlaceKind

PlaceName = Annotated[str, Field(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$")]
Moment = Annotated[int, Field(ge=0, le=MAX_TIME_US, description="UTC microseconds")]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class NewPlace(_Model):
    """A word on a place. `area` null: its parent's, or the one that a store starts as. `from_us` null: now."""

    place: PlaceName
    kind: PlaceKind
    parent: PlaceName | None = None
    area: PlaceName | None = None
    from_us: Moment | None = None
    author: Line
    note: Line


class NewHome(_Model):
    """A shelf holds an item from `from_us` (null: now) until before `to_us` (null: until a later word).

    Of two words on one item, place and moment the later one holds; one that ends where it begins takes the other back.
    """

    item: Word
    place: PlaceName
    from_us: Moment | None = None
    to_us: Moment | None = None
    author: Line
    note: Line


class Decided(_Model):
    """The journal entry; `repeated` if the same key had made it before."""

    entry: str
    repeated: bool


class Place(_Model):
    """What a place is from `from_us` on, by whose word."""

    place: str
    kind: PlaceKind
    parent: str | None
    area: str
    from_us: int
    entry: str
    author: str
    note: str

    @classmethod
    def of(cls, row: PlaceRow) -> Place:
        return cls(
            place=row.place,
            kind=row.kind,
            parent=row.parent or None,
            area=row.area,
            from_us=row.from_us,
            entry=str(row.entry),
            author=row.author,
            note=row.note,
        )


class Places(_Model):
    """Places, parents before what is a part of them; or what one was and will be, the newest first."""

    places: list[Place]


class Home(_Model):
    """An item's home, by whose word."""

    item: str
    place: str
    from_us: int
    to_us: int | None
    entry: str
    author: str
    note: str

    @classmethod
    def of(cls, row: HomeRow) -> Home:
        return cls(
            item=row.item,
            place=row.place,
            from_us=row.from_us,
            to_us=row.to_us,
            entry=str(row.entry),
            author=row.author,
            note=row.note,
        )


class Homes(_Model):
    """Homes in the order of item and place, as many as are told at once."""

    homes: list[Home]
