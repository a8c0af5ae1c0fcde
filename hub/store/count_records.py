"""What planning asks of the books about all items at once: how wrong their counts were, and what customers took."""

from __future__ import annotations

from typing import Final

from sqlalchemy import case, func, select

from hub.planning.standing import CountRecord
from hub.store.reading import NO_ITEM
from hub.store.sql import Sql
from hub.store.statements import total
from hub.store.tables import count_figure, scope
from protocol.identity import ItemId, PlaceId

Records = dict[tuple[ItemId, PlaceId], tuple[CountRecord, int]]
"""By item and area: the record of the counts, and what was sold and not brought back, in milli-units."""

_counts = count_figure.c
_RECORDS: Final = (
    select(
        scope.c.item,
        scope.c.area,
        scope.c.customer_milli,
        func.count(_counts.seq),
        total(case((_counts.opening == 0, func.abs(_counts.qty_milli - _counts.expected_milli)), else_=0)),
        func.coalesce(func.max(_counts.t_us) - func.min(_counts.t_us), 0),
    )
    .select_from(scope.outerjoin(count_figure, _counts.scope == scope.c.id))
    .where(scope.c.item != NO_ITEM)
    .group_by(scope.c.id)
)


def count_records(connection: Sql) -> Records:
    """Give the records of all items that have books."""
    rows = connection.execute(_RECORDS).fetchall()
    return {
        (ItemId(item), PlaceId(area)): (CountRecord(counts, wrong, over_us), sold)
        for item, area, sold, counts, wrong, over_us in rows
    }
