"""What of an epoch is in the books, wherever it is kept there."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge

from hub.store import pages
from hub.store.sql import Sql


def times_before(connection: Sql, epoch: int, seq: int) -> Iterator[tuple[int, int, int]]:
    """Walk the entries of an epoch row below `seq` from the last on: seq, time, error."""
    rows: Iterator[tuple[int, int, int]] = connection.execute(
        "SELECT seq, t_us, err_us FROM entry WHERE epoch = ? AND seq < ? ORDER BY seq DESC", (epoch, seq)
    )
    plain = (
        (page.first + place, *page.time(place))
        for page in pages.newest_first(connection, epoch, seq)
        for place in range(min(page.n, seq - page.first) - 1, -1, -1)
        if page.sort(place)
    )
    return merge(rows, plain, reverse=True)


def last_seq(connection: Sql, epoch: int) -> int | None:
    """Give the seq of the last entry of an epoch row in the books, or of one passed after it; None if there is none."""
    last: int | None = connection.execute(
        """SELECT max(seq) FROM (SELECT max(seq) AS seq FROM entry WHERE epoch = ?1
           UNION ALL SELECT first + n - 1 FROM page WHERE epoch = ?1 AND first =
           (SELECT max(first) FROM page WHERE epoch = ?1))""",
        (epoch,),
    ).fetchone()[0]
    return last
