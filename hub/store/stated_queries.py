"""What the pages and REST ask of head office's statements and the conflicts about them, on the reader's connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import func, select, tuple_

from hub.errors import ContractBroken
from hub.ledger.conflicts import WANTED
from hub.store import tables
from hub.store.feed_then import Reach, reach
from hub.store.page_tokens import from_token, token
from hub.store.sql import Sql
from hub.store.stated import ANSWERS, IS_COMPARED, LAST_COUNT, NEWEST, Disputed
from hub.store.statements import given, total
from protocol.decisions import decode_journal_entry
from protocol.feed_documents import Standing
from protocol.hq_decisions import ConflictAnswer, ConflictAnswered
from protocol.identity import HUB_STATION, EntryId, Epoch, ItemId, PlaceId
from protocol.replication.ports import LogView

MAX_PAGE: Final = 500
_statement, _compared, _conflict, _epoch = (
    tables.statement.c,
    tables.statement_compared.c,
    tables.conflict.c,
    tables.epoch.c,
)
_IS_WANTED: Final = _conflict.standing.in_([each.value for each in WANTED])
_COLUMNS: Final = select(
    *(_conflict.document, _conflict.item, _conflict.area, _conflict.part, _conflict.at_us),
    *(_conflict.feed_epoch, _conflict.feed_seq, _conflict.hq_milli, _conflict.ours_milli, _conflict.pending_milli),
    _conflict.standing,
)
_ORDER: Final = (_conflict.at_us, _conflict.document, _conflict.item, _conflict.area)
_BELOW: Final = (
    _COLUMNS.where(
        tuple_(*_ORDER)
        < tuple_(
            *(given(name, _conflict[name]) for name in ("at_us", "document", "item", "area")),
        )
    )
    .order_by(*(column.desc() for column in _ORDER))
    .limit(given("limit", _conflict.at_us))
)
_WANTED_BELOW: Final = _BELOW.where(_IS_WANTED)
_ONE: Final = _COLUMNS.where(
    *(_conflict[name] == given(name, _conflict[name]) for name in ("document", "item", "area"))
)
_ASKED: Final = select(
    _conflict.item, _conflict.area, _conflict.hq_milli - _conflict.ours_milli - _conflict.pending_milli
).where(_conflict.standing == Standing.COUNTING.value)
_OPEN: Final = select(func.count()).where(_IS_WANTED)
_STATEMENTS: Final = (
    select(
        *(_statement.document, _statement.part, _statement.at_us, _statement.feed_epoch, _statement.feed_seq),
        *(_statement.of_items, _statement.author, _statement.note),
        select(func.max(_compared.at_us))
        .join(tables.epoch, _epoch.id == _compared.epoch)
        .where(_compared.document == _statement.document, _compared.part == _statement.part)
        .where(_compared.seq <= _epoch.head)
        .scalar_subquery(),
        select(total(_compared.differing))
        .join(tables.epoch, _epoch.id == _compared.epoch)
        .where(_compared.document == _statement.document, _compared.part == _statement.part)
        .where(_compared.seq <= _epoch.head)
        .scalar_subquery(),
    )
    .where(
        tuple_(_statement.at_us, _statement.document, _statement.part)
        < tuple_(*(given(name, _statement[name]) for name in ("at_us", "document", "part")))
    )
    .order_by(_statement.at_us.desc(), _statement.document.desc(), _statement.part.desc())
    .limit(given("limit", _statement.at_us))
)
_UNCOMPARED: Final = select(_statement.feed_epoch, _statement.feed_seq).where(~IS_COMPARED)
_ON_HAND: Final = select(tables.scope.c.on_hand_milli).where(
    tables.scope.c.item == given("item", tables.scope.c.item), tables.scope.c.area == given("area", tables.scope.c.area)
)


@dataclass(frozen=True, slots=True)
class StatementRow:
    """A part of a statement: at which position of the feed head office says it is, and what comparing it came to.

    `compared_us` is None until it was; then `differing` of its `items` differed. `reach` says whether the feed has that
    position.
    """

    document: str
    part: int
    at_us: int
    epoch: Epoch
    seq: int
    items: int
    author: str
    note: str
    compared_us: int | None
    differing: int
    reach: Reach


@dataclass(frozen=True, slots=True)
class StatementPage:
    """Statements, the last said first."""

    rows: tuple[StatementRow, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """What somebody answered."""

    answer: ConflictAnswer
    at_us: int
    entry: EntryId
    author: str
    note: str


@dataclass(frozen=True, slots=True)
class ConflictRow:
    """An item and area of which head office says something else than the feed had told by its position.

    To accept head office's word posts `difference_milli`. `on_hand_milli` is what the books hold now, `counted_us` when
    it was counted last, `later` the newest statement that says something of it (and what), if that is another.
    """

    document: str
    item: ItemId
    area: PlaceId
    part: int
    at_us: int
    epoch: Epoch
    seq: int
    hq_milli: int
    ours_milli: int
    pending_milli: int
    standing: Standing
    answers: tuple[AnswerRow, ...]
    on_hand_milli: int
    counted_us: int | None
    later: tuple[str, int] | None

    @property
    def difference_milli(self) -> int:
        """By how much head office's figure is greater than the store's."""
        return self.hq_milli - self.ours_milli - self.pending_milli

    @property
    def is_wanted(self) -> bool:
        """Whether it may still be answered."""
        return self.standing in WANTED


@dataclass(frozen=True, slots=True)
class ConflictPage:
    """Conflicts, those found last first."""

    rows: tuple[ConflictRow, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class HqWord:
    """How many conflicts want somebody, and how many parts of statements wait for a position or name none we had."""

    conflicts: int = 0
    ahead: int = 0
    never: int = 0


NO_WORD: Final = HqWord()


def conflicts(sql: Sql, after: str | None, limit: int, *, wanted: bool) -> ConflictPage:
    """See `HeadOffice.conflicts`."""
    at = (1 << 62, "", "", "") if after is None else from_token(after, int, str, str, str)
    limit = max(1, min(limit, MAX_PAGE))
    bound = {**dict(zip(("at_us", "document", "item", "area"), at, strict=True)), "limit": limit + 1}
    rows = sql.execute(_WANTED_BELOW if wanted else _BELOW, bound).fetchall()
    found = tuple(_row(sql, row) for row in rows[:limit])
    last = found[-1] if found else None
    more = len(rows) > limit and last is not None
    return ConflictPage(found, token(last.at_us, last.document, last.item, last.area) if more and last else None)


def conflict(sql: Sql, about: Disputed) -> ConflictRow | None:
    """See `HeadOffice.conflict`."""
    row = sql.execute(_ONE, about._asdict()).fetchone()
    return None if row is None else _row(sql, row)


def statements(sql: Sql, feed: LogView, after: str | None, limit: int) -> StatementPage:
    """See `HeadOffice.statements`."""
    at = (1 << 62, "", 0) if after is None else from_token(after, int, str, int)
    limit = max(1, min(limit, MAX_PAGE))
    bound = {**dict(zip(("at_us", "document", "part"), at, strict=True)), "limit": limit + 1}
    rows = sql.execute(_STATEMENTS, bound).fetchall()
    found = tuple(_statement_row(row, feed) for row in rows[:limit])
    return StatementPage(
        found, token(found[-1].at_us, found[-1].document, found[-1].part) if len(rows) > limit else None
    )


def hq_word(sql: Sql, feed: LogView) -> HqWord:
    """See `HeadOffice.word`."""
    where = [reach(feed, Epoch.parse(epoch), seq) for epoch, seq in sql.execute(_UNCOMPARED).fetchall()]
    return HqWord(sql.execute(_OPEN).fetchone()[0], where.count(Reach.AHEAD), where.count(Reach.NEVER))


def recounts_asked(sql: Sql) -> dict[tuple[ItemId, PlaceId], int]:
    """See `HeadOffice.recounts_asked`."""
    return {(ItemId(item), PlaceId(area)): milli for item, area, milli in sql.execute(_ASKED).fetchall()}


def _row(sql: Sql, row: Any) -> ConflictRow:
    document, item, area, part, at_us, epoch, seq, hq_milli, ours_milli, pending_milli, is_now = row
    about = Disputed(document, item, area)
    scope = {"item": item, "area": area}
    on_hand = sql.execute(_ON_HAND, scope).fetchone()
    newest = sql.execute(NEWEST, scope).fetchone()
    later = None if newest is None or newest[4] == document else (newest[4], newest[5])
    return ConflictRow(
        document,
        ItemId(item),
        PlaceId(area),
        part,
        at_us,
        Epoch.parse(epoch),
        seq,
        hq_milli,
        ours_milli,
        pending_milli,
        Standing(is_now),
        tuple(_answer(*each) for each in sql.execute(ANSWERS, about._asdict()).fetchall()),
        0 if on_hand is None else on_hand[0],
        sql.execute(LAST_COUNT, scope).fetchone()[0],
        later if Standing(is_now) is Standing.SUPERSEDED else None,
    )


def _answer(name: str, seq: int, line: bytes) -> AnswerRow:
    word = decode_journal_entry(line)
    if not isinstance(word, ConflictAnswered):
        raise ContractBroken(f"entry {seq} of the journal's {name} is no answer")
    entry = EntryId(HUB_STATION, Epoch.parse(name), seq)
    return AnswerRow(word.answer, word.at_us, entry, word.author, word.note)


def _statement_row(row: Any, feed: LogView) -> StatementRow:
    document, part, at_us, epoch, seq, items, author, note, compared_us, differing = row
    at = Epoch.parse(epoch)
    return StatementRow(
        document, part, at_us, at, seq, items, author, note, compared_us, differing, reach(feed, at, seq)
    )
