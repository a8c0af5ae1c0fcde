"""What REST takes and gives of declared sources and of evidence."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from hub.store.entry_bounds import MAX_WORD
from hub.store.source_queries import Compared, DeclaredRow, Evidence, EvidencePage
from hub.web.floor_models import Moment
from hub.web.models import Line, Next
from hub.web.tag_models import TaggedGoods
from protocol.dated_words import DeclaredFor, Source
from protocol.events import Reason

Zone = Annotated[str, Field(min_length=1, max_length=MAX_WORD, description="a place, or a zone of RFID antennas")]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class NewSource(_Model):
    """From `from_us` (null: now) on, `source` alone says what moves at `place` for `reason`.

    `scanner`: scans; `till`: what till software tells; `portal`: tags that cross, and are back when they are seen
    inside again; `reader`: tags that answer there, handed over for good.
    """

    place: Zone
    reason: DeclaredFor
    source: Source
    from_us: Moment | None = None
    author: Line
    note: Line


class DeclaredSource(_Model):
    """What is declared; `holds` if nothing later has begun to hold and it has itself."""

    place: str
    reason: DeclaredFor
    source: Source
    from_us: int
    holds: bool
    entry: str
    author: str
    note: str

    @classmethod
    def of(cls, row: DeclaredRow) -> DeclaredSource:
        return cls(
            place=row.place,
            reason=row.reason,
            source=row.source,
            from_us=row.from_us,
            holds=row.holds,
            entry=str(row.entry),
            author=row.author,
            note=row.note,
        )


class DeclaredSources(_Model):
    """All that is declared, in the order of place and reason, the newest first."""

    sources: list[DeclaredSource]


class EvidenceSaid(_Model):
    """What a source told where another one counts; `epc` is the tag's that told it, "" for a scan."""

    entry: str
    place: str
    reason: Reason
    source: Source
    goods: TaggedGoods
    qty_milli: int
    epc: str
    t_us: int

    @classmethod
    def of(cls, row: Evidence) -> EvidenceSaid:
        return cls(
            entry=str(row.entry),
            place=row.place,
            reason=row.reason,
            source=row.source,
            goods=TaggedGoods.of(row.goods),
            qty_milli=row.qty_milli,
            epc=row.epc,
            t_us=row.t_us,
        )


class EvidenceRows(_Model):
    """Evidence, the newest first; `total` is how much there is in all."""

    rows: list[EvidenceSaid]
    next: Next
    total: int

    @classmethod
    def of(cls, page: EvidencePage) -> EvidenceRows:
        return cls(rows=[EvidenceSaid.of(row) for row in page.rows], next=page.next, total=page.total)


class EvidenceCompared(_Model):
    """What the evidence of a source says moved of an item in an area, and what the books moved there meanwhile."""

    goods: TaggedGoods
    area: str
    reason: Reason
    source: Source
    places: list[str]
    told: int
    evidence_milli: int
    books_milli: int
    differs: bool

    @classmethod
    def of(cls, row: Compared) -> EvidenceCompared:
        return cls(
            goods=TaggedGoods.of(row.goods),
            area=row.area,
            reason=row.reason,
            source=row.source,
            places=list(row.places),
            told=row.told,
            evidence_milli=row.evidence_milli,
            books_milli=row.books_milli,
            differs=row.differs,
        )


class Comparison(_Model):
    """Evidence beside the books since a time, what differs most first."""

    since_us: int
    rows: list[EvidenceCompared]
