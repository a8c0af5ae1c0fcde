"""What REST takes and gives of head office's word: statements, conflicts, answers, and fields that the store owns."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from hub.store.entry_bounds import MAX_BOOKED_MILLI
from hub.store.feed_then import Reach
from hub.store.own_fields import FieldRow, FieldState
from hub.store.stated_queries import AnswerRow, ConflictRow, StatementRow
from hub.web.floor_models import PlaceName
from hub.web.models import Line, Model, Next, Word
from protocol.feed_documents import Standing
from protocol.hq_decisions import ConflictAnswer, OwnField


class Statement(Model):
    """A part of a stock statement: as of which entry of the store feed, and what comparing it came to.

    `compared_us` is null until the feed has come to it (`reach` "ahead"), and for good where the feed never had that
    position ("never").
    """

    document: str
    part: int
    at_us: int
    epoch: str
    seq: int
    items: int
    author: str
    note: str
    compared_us: int | None
    differing: int
    reach: Reach

    @classmethod
    def of(cls, row: StatementRow) -> Statement:
        return cls(**{name: getattr(row, name) for name in cls.model_fields if name != "epoch"}, epoch=str(row.epoch))


class Statements(Model):
    """Stock statements, the last said first."""

    statements: list[Statement]
    next: Next


class Answer(Model):
    """What somebody answered."""

    answer: ConflictAnswer
    at_us: int
    entry: str
    author: str
    note: str

    @classmethod
    def of(cls, row: AnswerRow) -> Answer:
        return cls(answer=row.answer, at_us=row.at_us, entry=str(row.entry), author=row.author, note=row.note)


class Conflict(Model):
    """An item and area of which head office says something else than the feed had told by entry `seq` of `epoch`.

    `difference_milli` = `hq_milli` - `ours_milli` - `pending_milli` is what accepting it posts; pending is what was
    posted for an earlier statement and had not been told by then. `on_hand_milli` is the books' figure now.
    """

    document: str
    item: str
    area: str
    part: int
    at_us: int
    epoch: str
    seq: int
    hq_milli: int
    ours_milli: int
    pending_milli: int
    difference_milli: int
    standing: Standing
    on_hand_milli: int
    counted_us: int | None
    superseded_by: str | None
    answers: list[Answer]

    @classmethod
    def of(cls, row: ConflictRow) -> Conflict:
        own = ("epoch", "superseded_by", "answers")
        return cls(
            **{name: getattr(row, name) for name in cls.model_fields if name not in own},
            epoch=str(row.epoch),
            superseded_by=None if row.later is None else row.later[0],
            answers=[Answer.of(each) for each in row.answers],
        )


class Conflicts(Model):
    """Conflicts, those found last first."""

    conflicts: list[Conflict]
    next: Next


class NewAnswer(Model):
    """Who is right about an item and area of a statement, or that somebody is to count."""

    document: Word
    item: Word
    area: PlaceName
    answer: ConflictAnswer
    author: Line
    note: Line


class Written(Model):
    """What somebody wrote into a field; `document` is head office's, null for the store's own word."""

    milli: int | None
    place: str | None
    at_us: int
    entry: str
    document: str | None
    author: str
    note: str

    @classmethod
    def of(cls, row: FieldRow) -> Written:
        return cls(
            milli=row.milli,
            place=row.place or None,
            at_us=row.at_us,
            entry=str(row.entry),
            document=row.document or None,
            author=row.author,
            note=row.note,
        )


class OwnedField(Model):
    """A field as it is now, and what it was before, the last first."""

    item: str
    area: str
    field: OwnField
    now: Written
    before: list[Written]

    @classmethod
    def of(cls, state: FieldState) -> OwnedField:
        now = state.now
        before = [Written.of(each) for each in state.before]
        return cls(item=now.item, area=now.area, field=now.field, now=Written.of(now), before=before)


class OwnedFields(Model):
    """The fields of an item that the store owns, by area."""

    fields: list[OwnedField]


class NewField(Model):
    """From now on a field is so: `milli` of a bound, `place` of a shelf; null for none."""

    item: Word
    area: PlaceName
    field: OwnField
    milli: Annotated[int | None, Field(ge=0, le=MAX_BOOKED_MILLI)] = None
    place: PlaceName | None = None
    author: Line
    note: Line

    @model_validator(mode="after")
    def _of_its_kind(self) -> NewField:
        if (self.field is OwnField.SHELF and self.milli is not None) or (
            self.field is not OwnField.SHELF and self.place is not None
        ):
            raise ValueError("a shelf has a place, a bound has milli-units")
        return self


class NewRestore(Model):
    """What a field was before, by the journal's `entry`, is to hold again."""

    item: Word
    entry: Word
    author: Line
    note: Line
