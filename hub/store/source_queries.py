"""What the store answers about declared sources: what is declared, and the evidence beside what moves stock."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, func, select

from hub.store import timelines
from hub.store.entry_rows import DELTA
from hub.store.epochs import EpochRows
from hub.store.page_tokens import from_token, token
from hub.store.places import days_of
from hub.store.sql import Sql
from hub.store.tables import entry, source, sourced
from hub.store.tag_queries import Goods, goods_of
from protocol.catalogue import WHOLE_MILLI
from protocol.dated_words import DeclaredFor, Source
from protocol.events import Reason
from protocol.identity import EntryId, PlaceId

MAX_PAGE: Final = 500
MOST_COMPARED: Final = 200
"""Items compared with the books at most, those that differ in the most pieces first."""
_MOST_READ: Final = 5000
_ALL: Final = select(source).order_by(source.c.place, source.c.reason, source.c.from_us.desc())
_HELD: Final = sourced.join(
    entry, (entry.c.epoch == sourced.c.epoch) & (entry.c.seq == sourced.c.seq) & (sourced.c.epc == ""), isouter=True
)
_STANDS: Final = (sourced.c.counts == 0) & entry.c.reversed_by.is_(None)
_GROUPS: Final = (
    select(
        sourced.c.place, sourced.c.reason, sourced.c.source, sourced.c.code, func.count(), func.sum(sourced.c.qty_milli)
    )
    .select_from(_HELD)
    .where(_STANDS, sourced.c.t_us >= bindparam("since"))
    .group_by(sourced.c.place, sourced.c.reason, sourced.c.source, sourced.c.code)
)
_NEWEST: Final = (
    select(sourced)
    .select_from(_HELD)
    .where(_STANDS, sourced.c.t_us <= bindparam("until"))
    .order_by(
        sourced.c.t_us.desc(), sourced.c.epoch.desc(), sourced.c.seq.desc(), sourced.c.epc.desc(), sourced.c.leg.desc()
    )
)
_COUNT: Final = select(func.count()).select_from(_HELD).where(_STANDS)


@dataclass(frozen=True, slots=True)
class DeclaredRow:
    """What is declared at a place for a reason from a time on, by whose word. `holds`: at the time of asking."""

    place: PlaceId
    reason: DeclaredFor
    source: Source
    from_us: int
    holds: bool
    entry: EntryId
    author: str
    note: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a source told where another one counts; `epc` is the tag that told it, "" for a scan."""

    entry: EntryId
    place: PlaceId
    reason: Reason
    source: Source
    goods: Goods
    qty_milli: int
    epc: str
    t_us: int


@dataclass(frozen=True, slots=True)
class EvidencePage:
    """Evidence, the newest first; `next` asks for the page after. `total` is how much there is in all."""

    rows: tuple[Evidence, ...]
    next: str | None
    total: int


@dataclass(frozen=True, slots=True)
class Compared:
    """What the evidence of one source says moved of an item in an area, beside what the books moved there meanwhile.

    `places` are where it was told, `told` how often.
    """

    goods: Goods
    area: PlaceId
    reason: Reason
    source: Source
    places: tuple[PlaceId, ...]
    told: int
    evidence_milli: int
    books_milli: int

    @property
    def differs(self) -> bool:
        """Whether it contradicts the books."""
        return self.evidence_milli != self.books_milli


def declared(sql: Sql, epochs: EpochRows, now_us: int) -> tuple[DeclaredRow, ...]:
    """See `TagDoor.sources`."""
    rows: list[DeclaredRow] = []
    held: set[tuple[str, str]] = set()
    for place, reason, name, from_us, told_by, author, note in (
        (row[0], row[1], row[3], row[2], (row[4], row[5]), row[7], row[8]) for row in sql.execute(_ALL).fetchall()
    ):
        holds = from_us <= now_us and (place, reason) not in held
        if holds:
            held.add((place, reason))
        identity = epochs.by_id(sql, told_by[0]).entry(told_by[1])
        rows.append(
            DeclaredRow(PlaceId(place), DeclaredFor(reason), Source(name), from_us, holds, identity, author, note)
        )
    return tuple(rows)


def evidence(sql: Sql, epochs: EpochRows, after: str | None, limit: int) -> EvidencePage:
    """See `TagDoor.evidence`."""
    limit = max(1, min(limit, MAX_PAGE))
    bound = None if after is None else from_token(after, int, int, int, str, int)
    rows: list[Evidence] = []
    place: tuple[int, int, int, str, int] | None = None
    more = False
    for row in sql.execute(_NEWEST, {"until": 1 << 62 if bound is None else bound[0]}):
        at = (row[9], row[0], row[1], row[7], row[2])
        if bound is not None and at >= bound:
            continue
        if len(rows) == limit:
            more = True
            break
        place = at
        goods = goods_of(sql, row[6], row[9])
        identity = epochs.by_id(sql, row[0]).entry(row[1])
        qty_milli = row[8] * goods.qty_milli // WHOLE_MILLI
        rows.append(
            Evidence(identity, PlaceId(row[3]), Reason(row[4]), Source(row[5]), goods, qty_milli, row[7], row[9])
        )
    total: int = sql.execute(_COUNT).fetchone()[0]
    return EvidencePage(tuple(rows), token(*place) if more and place is not None else None, total)


def compared(sql: Sql, since_us: int, now_us: int) -> tuple[Compared, ...]:
    """See `TagDoor.compared_evidence`."""
    groups: dict[tuple[str, PlaceId, Reason, Source], list[tuple[Goods, str, int, int]]] = defaultdict(list)
    for place, reason, name, code, told, qty_milli in sql.execute(_GROUPS, {"since": since_us}).fetchall():
        goods = goods_of(sql, code, now_us)
        about = (goods.item or "", days_of(sql, place).area(now_us), Reason(reason), Source(name))
        groups[about].append((goods, place, told, int(qty_milli) * goods.qty_milli // WHOLE_MILLI))
    found: list[Compared] = []
    for (item, area, why, teller), group in groups.items():
        goods = group[0][0]
        found.append(
            Compared(
                goods,
                area,
                why,
                teller,
                tuple(sorted({PlaceId(place) for _, place, _, _ in group})),
                sum(told for _, _, told, _ in group),
                sum(milli for *_, milli in group),
                _moved(sql, goods, area, why, since_us) if item else 0,
            )
        )
    found.sort(key=lambda each: (-abs(each.evidence_milli - each.books_milli), each.goods.item or "", each.area))
    return tuple(found[:MOST_COMPARED])


def _moved(sql: Sql, goods: Goods, area: PlaceId, reason: Reason, since_us: int) -> int:
    """Add up what the books moved of an item for a reason since a time."""
    if goods.item is None:
        return 0
    moved = 0
    for behind in timelines.newest_first(sql, goods.item, area, (1 << 62, 0, 0), _MOST_READ):
        if behind.place[0] < since_us:
            break
        if behind.kind == DELTA and behind.reversed_by is None and behind.reason == reason.value:
            moved += behind.qty_milli
    return moved
