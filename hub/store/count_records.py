"""What planning asks of the books about all items at once: how wrong their counts were, and what customers took."""

from __future__ import annotations

from hub.planning.standing import CountRecord
from hub.store.reading import NO_ITEM
from hub.store.sql import Sql
from protocol.identity import ItemId, PlaceId

Records = dict[tuple[ItemId, PlaceId], tuple[CountRecord, int]]
"""By item and area: the record of the counts, and what was sold and not brought back, in milli-units."""


def count_records(connection: Sql) -> Records:
    """Give the records of all items that have books."""
    rows = connection.execute(
        """SELECT item, area, customer_milli, count(seq),
                  coalesce(sum(abs(qty_milli - expected_milli)) FILTER (WHERE NOT opening), 0),
                  coalesce(max(t_us) - min(t_us), 0)
           FROM scope LEFT JOIN count_figure ON count_figure.scope = scope.id WHERE item <> ? GROUP BY scope.id""",
        (NO_ITEM,),
    )
    return {
        (ItemId(item), PlaceId(area)): (CountRecord(counts, wrong, over_us), sold)
        for item, area, sold, counts, wrong, over_us in rows
    }
