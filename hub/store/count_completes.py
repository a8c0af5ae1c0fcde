"""The records of complete counts: an area, a time, and the items that were found there; of no other there was any."""

from __future__ import annotations

import msgspec
from sqlalchemy import bindparam, delete, select

from hub.ledger.counting import Complete, Goods
from hub.store.sql import Row, Sql
from hub.store.statements import replacing
from hub.store.tables import count_complete
from protocol.identity import ItemId, PlaceId

_to_items = msgspec.json.Decoder(frozenset[ItemId]).decode
_COMPLETES = select(count_complete)
_COMPLETE_OF = _COMPLETES.where(count_complete.c.session == bindparam("session"))
_KEEP_COMPLETE = replacing(count_complete)
_DROP_COMPLETE = delete(count_complete).where(count_complete.c.session == bindparam("session"))


def keep_complete(sql: Sql, session: str, complete: Complete | None) -> bool:
    """Keep the record of a complete count, or that there is none; say whether that is news."""
    before = sql.execute(_COMPLETE_OF, {"session": session}).fetchone()
    if complete is None:
        sql.execute(_DROP_COMPLETE, {"session": session})
        return before is not None
    if before is not None and _complete(before) == complete:
        return False
    sql.execute(
        _KEEP_COMPLETE,
        {
            "session": session,
            "area": complete.area,
            "span_us": complete.span_us,
            "t_us": complete.t_us,
            "err_us": complete.err_us,
            "closed": int(complete.closed),
            "goods": complete.goods.value,
            "spoken_for": msgspec.json.encode(sorted(complete.spoken_for)),
        },
    )
    return True


def completes(sql: Sql) -> list[Complete]:
    """Give the records of all complete counts."""
    return [_complete(row) for row in sql.execute(_COMPLETES).fetchall()]


def _complete(row: Row) -> Complete:
    session, area, span_us, t_us, err_us, closed, goods, spoken_for = row
    return Complete(session, PlaceId(area), span_us, t_us, err_us, bool(closed), _to_items(spoken_for), Goods(goods))
