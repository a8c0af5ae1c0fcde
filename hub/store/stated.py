"""Head office's stock statements, what comparing them came to, and what people answered: taken, and judged.

A statement is in head office's log, the comparison and the answers are in the journal. Either may be known first: what
a conflict has come to is judged anew whenever something of it is taken, by `hub.ledger.conflicts`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import bindparam, func, select, tuple_, update

from hub.errors import BadInput, ContractBroken
from hub.ledger.conflicts import WANTED, Answered, Rank, asked_us, standing
from hub.store import chunks, tables
from hub.store.epochs import EpochRow
from hub.store.sql import Sql
from hub.store.statements import given, putting, replacing
from protocol.decisions import decode_journal_entry
from protocol.documents import StockStated, decode_document
from protocol.errors import BadInput as BadBytes
from protocol.feed_documents import Standing
from protocol.hq_decisions import ConflictAnswer, ConflictAnswered, StatementCompared
from protocol.identity import Epoch

_statement, _compared, _stated = tables.statement.c, tables.statement_compared.c, tables.stated.c
_conflict, _answer, _epoch = tables.conflict.c, tables.conflict_answer.c, tables.epoch.c
IS_STATEMENT: Final = (
    _statement.document == given("document", _statement.document),
    _statement.part == given("part", _statement.part),
)
_KEY: Final = ("document", "item", "area")
_IS_CONFLICT: Final = tuple(_conflict[name] == given(name, _conflict[name]) for name in _KEY)
_PLACE: Final = select(_statement.epoch, _statement.seq).where(*IS_STATEMENT)
_KEEP: Final = putting(tables.statement)
_KEEP_COMPARED: Final = replacing(tables.statement_compared)
IS_COMPARED: Final = (
    select(_compared.seq)
    .join(tables.epoch, _epoch.id == _compared.epoch)
    .where(_compared.document == _statement.document, _compared.part == _statement.part)
    # Of what the journal has carried into another epoch only the new row counts.
    .where(_compared.seq <= _epoch.head)
    .exists()
)
_WAS_COMPARED: Final = select(_statement.seq).where(*IS_STATEMENT, IS_COMPARED)
_IS_TAKEN: Final = select(_compared.seq).where(
    *(_compared[name] == given(name, _compared[name]) for name in ("document", "part", "epoch", "seq"))
)
_NEW_CONFLICT: Final = putting(tables.conflict).on_conflict_do_nothing()
_KEEP_ANSWER: Final = replacing(tables.conflict_answer)
_PUT_STATED: Final = putting(tables.stated)
_RANKED: Final = ("feed_generation", "feed_seq", "generation", "seq")
_STATE: Final = _PUT_STATED.on_conflict_do_update(
    index_elements=["item", "area"],
    set_={name: _PUT_STATED.excluded[name] for name in (*_RANKED, "document", "hq_milli")},
    where=tuple_(*(_PUT_STATED.excluded[name] for name in _RANKED)) > tuple_(*(_stated[name] for name in _RANKED)),
)
_ONE: Final = select(_conflict.part, _conflict.feed_epoch, _conflict.feed_seq, _conflict.standing).where(*_IS_CONFLICT)
_OF_SCOPE: Final = select(_conflict.document).where(
    _conflict.item == given("item", _conflict.item), _conflict.area == given("area", _conflict.area)
)
_ANY: Final = select(func.count()).select_from(tables.conflict)
ANSWERS: Final = (
    select(_epoch.name, _answer.seq, _answer.line)
    .join(tables.epoch, _epoch.id == _answer.epoch)
    .where(*(_answer[name] == given(name, _answer[name]) for name in _KEY))
    .where(_answer.seq <= _epoch.head)
    .order_by(_epoch.id, _answer.seq)
)
_RANK: Final = (
    select(_statement.feed_generation, _statement.feed_seq, _epoch.name, _statement.seq)
    .join(tables.epoch, _epoch.id == _statement.epoch)
    .where(*IS_STATEMENT)
)
NEWEST: Final = select(*(_stated[name] for name in _RANKED), _stated.document, _stated.hq_milli).where(
    _stated.item == given("item", _stated.item), _stated.area == given("area", _stated.area)
)
LAST_COUNT: Final = (
    select(func.max(tables.count_figure.c.t_us))
    .join(tables.scope, tables.scope.c.id == tables.count_figure.c.scope)
    .where(tables.scope.c.item == given("item", tables.scope.c.item))
    .where(tables.scope.c.area == given("area", tables.scope.c.area))
)
_JUDGE: Final = (
    update(tables.conflict)
    .where(*(_conflict[name] == given(f"at_{name}", _conflict[name]) for name in _KEY))
    .values(standing=bindparam("is"), asked_us=bindparam("asked"))
)
_WAIT_FOR_COUNT: Final = (
    select(
        *(_conflict[name] for name in _KEY),
        _conflict.standing,
        _conflict.asked_us,
        select(func.max(tables.count_figure.c.t_us))
        .join(tables.scope, tables.scope.c.id == tables.count_figure.c.scope)
        .where(tables.scope.c.item == _conflict.item, tables.scope.c.area == _conflict.area)
        .scalar_subquery(),
    )
    .where(_conflict.asked_us.is_not(None))
    .where(_conflict.standing.in_([Standing.COUNTING.value, Standing.COUNTED.value, Standing.SUPERSEDED.value]))
)


class Disputed(NamedTuple):
    """What a conflict is about: a statement, an item, an area."""

    document: str
    item: str
    area: str


class Stated:
    """Belongs to the writer's thread; `forget` after a transaction that did not happen."""

    def __init__(self) -> None:
        self._changed: set[Disputed] | None = None

    def forget(self) -> None:
        """Read everything from the file again when next asked."""
        self._changed = None

    def take_document(self, sql: Sql, epoch: EpochRow, seq: int, line: bytes, document: StockStated) -> None:
        """Take a line of head office's. Raises `BadInput` ("document-reused")."""
        known = sql.execute(_PLACE, {"document": document.document, "part": document.part}).fetchone()
        if known is not None:
            if (known[0], known[1]) != (epoch.id, seq) and _line_at(sql, *known) != line:
                raise BadBytes("document-reused", f"part {document.part} of {document.document} said something else")
            return
        at = Epoch.parse(document.epoch)
        row = {
            "document": document.document, "part": document.part, "epoch": epoch.id, "seq": seq,
            "at_us": document.at_us, "feed_epoch": document.epoch, "feed_generation": at.generation,
            "feed_seq": document.seq, "of_items": len(document.lines), "author": document.author, "note": document.note,
        }  # fmt: skip
        sql.execute(_KEEP, row)
        if sql.execute(_WAS_COMPARED, {"document": document.document, "part": document.part}).fetchone() is not None:
            self._state(sql, epoch, seq, document)

    def take(
        self, sql: Sql, teller: EpochRow, seq: int, line: bytes, word: StatementCompared | ConflictAnswered
    ) -> None:
        """Take an entry of the journal; one that was taken before changes nothing."""
        if isinstance(word, ConflictAnswered):
            about = Disputed(word.document, word.item, word.area)
            sql.executemany(_KEEP_ANSWER, [(*about, teller.id, seq, line)])
            self.judge(sql, about)
            return
        here = {"document": word.document, "part": word.part, "epoch": teller.id, "seq": seq}
        if sql.execute(_IS_TAKEN, here).fetchone() is not None:
            return
        sql.executemany(_KEEP_COMPARED, [(word.document, word.part, teller.id, seq, word.at_us, len(word.rows))])
        rows = [
            (
                *(word.document, each.item, each.area, word.part, word.at_us, word.epoch, word.seq),
                *(each.hq_milli, each.ours_milli, each.pending_milli, Standing.OPEN.value, None),
            )
            for each in word.rows
        ]
        sql.executemany(_NEW_CONFLICT, rows)
        for each in word.rows:
            self.judge(sql, Disputed(word.document, each.item, each.area))
        place = sql.execute(_RANK, {"document": word.document, "part": word.part}).fetchone()
        if place is not None:
            row, at = sql.execute(_PLACE, {"document": word.document, "part": word.part}).fetchone()
            document = decode_document(_line_at(sql, row, at))
            if isinstance(document, StockStated):
                self._put(sql, document, Rank(place[0], place[1], Epoch.parse(place[2]).generation, place[3]))

    def judge_counted(self, sql: Sql) -> None:
        """Judge the conflicts that a recount was asked for; to be called when all is folded."""
        for *about, is_now, asked, counted_us in sql.execute(_WAIT_FOR_COUNT).fetchall():
            counted = counted_us is not None and counted_us > asked
            if counted != (is_now == Standing.COUNTED.value):
                self.judge(sql, Disputed(*about))

    def judge(self, sql: Sql, about: Disputed) -> None:
        """Write down how a conflict stands."""
        asked = about._asdict()
        row = sql.execute(_ONE, asked).fetchone()
        if row is None:
            return
        answers = answers_to(sql, about)
        newest = sql.execute(NEWEST, {"item": about.item, "area": about.area}).fetchone()
        counted = sql.execute(LAST_COUNT, {"item": about.item, "area": about.area}).fetchone()
        is_other = newest is not None and newest[4] != about.document
        now = standing(
            self._rank(sql, about, row), answers, Rank(*newest[:4]) if is_other and newest else None, counted[0]
        )
        if now.value != row[3] or answers:
            values = {"at_document": about.document, "at_item": about.item, "at_area": about.area}
            sql.execute(_JUDGE, {"is": now.value, "asked": asked_us(answers), **values})
        if self._changed is not None:
            self._changed.add(about)

    def changed(self) -> set[Disputed] | None:
        """Give the conflicts that may stand otherwise than when this was last asked; None: any."""
        changed, self._changed = self._changed, set()
        return changed

    def _state(self, sql: Sql, epoch: EpochRow, seq: int, document: StockStated) -> None:
        at = Epoch.parse(document.epoch)
        self._put(sql, document, Rank(at.generation, document.seq, epoch.epoch.generation, seq))
        for each in document.lines:
            self.judge(sql, Disputed(document.document, each.item, each.area))

    def _put(self, sql: Sql, document: StockStated, rank: Rank) -> None:
        """Note what was said last of each item and area; conflicts about them may be superseded now."""
        rows = [(each.item, each.area, *rank, document.document, each.on_hand_milli) for each in document.lines]
        sql.executemany(_STATE, rows)
        if sql.execute(_ANY).fetchone()[0] == 0:
            return
        for each in document.lines:
            for (name,) in sql.execute(_OF_SCOPE, {"item": each.item, "area": each.area}).fetchall():
                if name != document.document:
                    self.judge(sql, Disputed(name, each.item, each.area))

    @staticmethod
    def _rank(sql: Sql, about: Disputed, row: tuple[int, str, int, str]) -> Rank:
        part, feed_epoch, feed_seq, _ = row
        found = sql.execute(_RANK, {"document": about.document, "part": part}).fetchone()
        if found is None:
            return Rank(Epoch.parse(feed_epoch).generation, feed_seq)
        return Rank(found[0], found[1], Epoch.parse(found[2]).generation, found[3])


def answers_to(sql: Sql, about: Disputed) -> list[Answered]:
    """Give the answers to a conflict."""
    found: list[Answered] = []
    for name, seq, line in sql.execute(ANSWERS, about._asdict()).fetchall():
        word = decode_journal_entry(line)
        if isinstance(word, ConflictAnswered):
            found.append(Answered((Epoch.parse(name).generation, seq), word.answer, word.at_us))
    return found


def check(sql: Sql, word: ConflictAnswered) -> int:
    """Hold an answer against what is known; give what accepting would post, in milli-units.

    Raises `BadInput`: "conflict-unknown", "conflict-answered", "conflict-superseded".
    """
    about = Disputed(word.document, word.item, word.area)
    row = sql.execute(_DIFFERENCE, about._asdict()).fetchone()
    if row is None:
        raise BadInput("conflict-unknown", f"{word.document} is in no conflict about {word.item} in {word.area}")
    now = Standing(row[0])
    if now is Standing.SUPERSEDED:
        raise BadInput("conflict-superseded", "head office has said something else since")
    if now not in WANTED:
        raise BadInput("conflict-answered", f"it is {now.value} already")
    if now is Standing.COUNTING and word.answer is ConflictAnswer.RECOUNT:
        raise BadInput("conflict-answered", "a recount is asked for already")
    return int(row[1])


_DIFFERENCE: Final = select(
    _conflict.standing, _conflict.hq_milli - _conflict.ours_milli - _conflict.pending_milli
).where(*_IS_CONFLICT)


def line_of(sql: Sql, document: str, part: int) -> StockStated:
    """Give a part of a statement that was taken."""
    row = sql.execute(_PLACE, {"document": document, "part": part}).fetchone()
    said = None if row is None else decode_document(_line_at(sql, row[0], row[1]))
    if not isinstance(said, StockStated):
        raise ContractBroken(f"part {part} of {document} is no statement")
    return said


def _line_at(sql: Sql, epoch: int, seq: int) -> bytes:
    chunk = chunks.holding(sql, epoch, seq)
    if chunk is None:
        raise ContractBroken(f"entry {seq} of epoch row {epoch} was taken and is not stored")
    return chunk.lines[seq - chunk.first]
