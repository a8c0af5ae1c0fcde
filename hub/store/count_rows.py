"""The rows of count sessions: what was told of each, whole, since a session is always composed of all of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from operator import itemgetter
from typing import NamedTuple

from sqlalchemy import bindparam, delete, func, or_, select, union
from sqlalchemy.dialects.postgresql import insert

from hub.ledger.counting import Goods, Part, Plan, Ruling, ShelfDone, Verdict
from hub.ledger.floorplan import SHELVES
from hub.store.count_reading import plan_of, ruling_of
from hub.store.epochs import EpochRows
from hub.store.reading import NO_ITEM
from hub.store.sql import Sql
from hub.store.statements import greatest, one_of, replacing
from hub.store.tables import (
    count_part,
    count_said,
    count_session,
    count_shelf,
    entry,
    epoch,
    place_given,
    recount,
    scope,
)
from protocol.count_decisions import CountPlanned, CountRuled
from protocol.decisions import decode_journal_entry
from protocol.identity import EntryId, ItemId, PlaceId

_AT_ONCE = 500

_KEEP_PART = replacing(count_part)
_DROP_PARTS = delete(count_part).where(count_part.c.epoch == bindparam("epoch"), count_part.c.seq == bindparam("seq"))
_DROP_SHELVES = delete(count_shelf).where(
    count_shelf.c.epoch == bindparam("epoch"), count_shelf.c.seq == bindparam("seq")
)

_KEEP_SHELF = replacing(count_shelf)
_KEEP_SAID = replacing(count_said)
_SESSIONS_OF = union(
    select(count_part.c.session).where(count_part.c.epoch == bindparam("epoch"), count_part.c.seq == bindparam("seq")),
    select(count_shelf.c.session).where(
        count_shelf.c.epoch == bindparam("epoch"), count_shelf.c.seq == bindparam("seq")
    ),
)
_PARTS = select(count_part).where(count_part.c.session == bindparam("session"))
_SHELVES = select(count_shelf).where(count_shelf.c.session == bindparam("session"))
# What a later epoch of the journal carries on counts there, and not here as well.
_SAID = (
    select(count_said.c.epoch, count_said.c.seq, count_said.c.line)
    .join(epoch, epoch.c.id == count_said.c.epoch)
    .where(count_said.c.session == bindparam("session"), count_said.c.seq <= epoch.c.head)
)
_UNDONE = select(entry.c.epoch, entry.c.seq, entry.c.reverses).where(
    entry.c.kind == 2, one_of(entry.c.reverses, "names")
)
_SIZE = select(func.count()).where(count_part.c.session == bindparam("session"))
_put_session = insert(count_session).values(
    name=bindparam("name"), at_us=bindparam("at_us"), composed=0, counted=0, open=0
)
_NOTE_PLAIN = _put_session.on_conflict_do_update(
    index_elements=["name"], set_={"at_us": greatest(count_session.c.at_us, _put_session.excluded.at_us)}
)
_NOTE = replacing(count_session)
_COMPOSED = select(count_session.c.name).where(count_session.c.composed != 0)
_RECOUNT = (
    insert(recount)
    .from_select(["session"], select(count_session.c.name).where(count_session.c.at_us >= bindparam("from_us")))
    .on_conflict_do_nothing()
)
_DIVIDED = select(place_given.c.place).where(or_(*(place_given.c.kind == kind.value for kind in SHELVES))).limit(1)
_RECOUNTS = select(recount.c.session).order_by(recount.c.session).limit(bindparam("most"))
_RECOUNTED = delete(recount).where(recount.c.session == bindparam("session"))
_ITEMS_IN = select(scope.c.item).where(scope.c.area == bindparam("area"), scope.c.item != NO_ITEM)


class Material(NamedTuple):
    """All that is known of a session, in the order of `compose`'s arguments."""

    plan: Plan | None
    parts: list[Part]
    done: list[ShelfDone]
    rulings: list[Ruling]

    @property
    def entries(self) -> set[EntryId]:
        """The entries that are parts of it."""
        return {part.entry for part in self.parts} | {done.entry for done in self.done}


class Standing(NamedTuple):
    """How a session stands, for lists; `composed`: its counts are one, else each of them stands by itself."""

    at_us: int
    composed: bool
    counted: int
    open: int


def keep_part(sql: Sql, row: int, seq: int, part: Part) -> None:
    """Keep a part as it is read now. A station's count is one part, whatever its item was before."""
    if part.soft_hi_milli is None:
        drop_parts(sql, row, seq)
    sql.execute(
        _KEEP_PART,
        {
            "epoch": row,
            "seq": seq,
            "item": part.item,
            "session": part.session,
            "place": part.place,
            "qty_milli": part.qty_milli,
            "from_us": part.from_us,
            "to_us": part.to_us,
            "err_us": part.err_us,
            "pass": part.pass_,
            "person": part.person,
            "soft_hi_milli": part.soft_hi_milli,
        },
    )


def drop_parts(sql: Sql, row: int, seq: int) -> None:
    """Forget the parts of an entry."""
    sql.execute(_DROP_PARTS, {"epoch": row, "seq": seq})


def drop_shelves(sql: Sql, row: int, seq: int) -> None:
    """Forget the word of an entry that a shelf was counted."""
    sql.execute(_DROP_SHELVES, {"epoch": row, "seq": seq})


def keep_shelf(sql: Sql, row: int, seq: int, done: ShelfDone) -> None:
    """Keep the word that a shelf was counted."""
    sql.execute(
        _KEEP_SHELF,
        {
            "epoch": row,
            "seq": seq,
            "goods": done.goods.value,
            "session": done.session,
            "place": done.place,
            "from_us": done.from_us,
            "to_us": done.to_us,
            "err_us": done.err_us,
            "pass": done.pass_,
            "person": done.person,
        },
    )


def keep_said(sql: Sql, row: int, seq: int, session: str, line: bytes) -> None:
    """Keep a decision about a session."""
    sql.execute(_KEEP_SAID, {"session": session, "epoch": row, "seq": seq, "line": line})


def sessions_of(sql: Sql, row: int, seq: int) -> set[str]:
    """Name the sessions that an entry is a part of."""
    return {session for (session,) in sql.execute(_SESSIONS_OF, {"epoch": row, "seq": seq})}


def size_of(sql: Sql, session: str) -> int:
    """Count the parts of a session."""
    return int(sql.execute(_SIZE, {"session": session}).fetchone()[0])


def material(sql: Sql, epochs: EpochRows, session: str) -> Material:
    """Give all that is known of a session. A count that was taken back, by whomever, is ruled void."""
    parts = [
        Part(
            epochs.by_id(sql, row).entry(seq),
            session,
            ItemId(item),
            PlaceId(place),
            qty_milli,
            from_us,
            to_us,
            err_us,
            pass_,
            person,
            soft_hi_milli,
        )
        for row, seq, item, _, place, qty_milli, from_us, to_us, err_us, pass_, person, soft_hi_milli in sql.execute(
            _PARTS, {"session": session}
        ).fetchall()
    ]
    done = [
        ShelfDone(
            epochs.by_id(sql, row).entry(seq),
            session,
            PlaceId(place),
            from_us,
            to_us,
            err_us,
            pass_,
            person,
            Goods(goods),
        )
        for row, seq, goods, _, place, from_us, to_us, err_us, pass_, person in sql.execute(
            _SHELVES, {"session": session}
        ).fetchall()
    ]
    found = Material(None, parts, done, [])
    plan = None
    for identity, said in decisions(sql, epochs, session):
        if isinstance(said, CountPlanned):
            plan = plan_of(said)
        else:
            found.rulings.append(ruling_of(identity, said))
    found.rulings.extend(_undone(sql, epochs, session, found.entries))
    return found._replace(plan=plan)


def decisions(sql: Sql, epochs: EpochRows, session: str) -> list[tuple[EntryId, CountPlanned | CountRuled]]:
    """Give what was decided about a session, in the order of the journal."""
    rows = sql.execute(_SAID, {"session": session}).fetchall()
    found = [(epochs.by_id(sql, row).entry(seq), decode_journal_entry(line)) for row, seq, line in rows]
    ours = [(identity, said) for identity, said in found if isinstance(said, CountPlanned | CountRuled)]
    return sorted(ours, key=itemgetter(0))


def _undone(sql: Sql, epochs: EpochRows, session: str, entries: Collection[EntryId]) -> Iterable[Ruling]:
    names = sorted(map(str, entries))
    for start in range(0, len(names), _AT_ONCE):
        rows = sql.execute(_UNDONE, {"names": names[start : start + _AT_ONCE]}).fetchall()
        for row, seq, target in rows:
            undo = epochs.by_id(sql, row).entry(seq)
            yield Ruling(undo, Verdict.VOID, session, target=EntryId.parse(target))


def note_plain(sql: Sql, session: str, at_us: int) -> None:
    """Note a session of which each count stands by itself."""
    sql.execute(_NOTE_PLAIN, {"name": session, "at_us": at_us})


def note(sql: Sql, session: str, standing: Standing) -> None:
    """Note how a session stands."""
    values = {**standing._asdict(), "composed": int(standing.composed)}
    sql.execute(_NOTE, {"name": session, **values})


def composed_sessions(sql: Sql) -> set[str]:
    """Name the sessions whose counts are composed."""
    return {name for (name,) in sql.execute(_COMPOSED)}


def recount_since(sql: Sql, from_us: int) -> None:
    """Have the sessions composed again, some at a time, that were read at `from_us` or later: since then places, homes
    or tags are known otherwise.
    """
    sql.execute(_RECOUNT, {"from_us": from_us})


def is_divided(sql: Sql) -> bool:
    """Say whether any area ever had shelves."""
    return sql.execute(_DIVIDED).fetchone() is not None


def take_recounts(sql: Sql, most: int) -> list[str]:
    """Give sessions to be composed again, and forget that they are."""
    names = [name for (name,) in sql.execute(_RECOUNTS, {"most": most}).fetchall()]
    sql.executemany(_RECOUNTED, [(name,) for name in names], ("session",))
    return names


def items_in(sql: Sql, area: PlaceId) -> list[ItemId]:
    """List the items that an area has books of."""
    return [ItemId(item) for (item,) in sql.execute(_ITEMS_IN, {"area": area}).fetchall()]
