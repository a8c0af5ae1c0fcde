"""What the books have of baskets that a person ended, their stations being lost.

    lines of the basket ─┐
    the person's word ───┼─> movements (hub.ledger.baskets), read with what is known now of clock, code and place
    the station's own ───┘   closing: then there are none, for it says itself what was sold

So it does not matter which of them came first, and what comes of a station that nobody expected any more counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hub.errors import BadInput
from hub.ledger.baskets import LEGS, line_entry, movements
from hub.ledger.entries import Delta
from hub.ledger.timefit import START
from hub.store.baskets import Baskets, Line, is_open, lines_of
from hub.store.epochs import EpochRows
from hub.store.filing import Filing
from hub.store.lines import Lines
from hub.store.sql import Sql
from hub.store.unlogged import Unlogged
from protocol.decisions import BasketEnded, BasketFate
from protocol.identity import EntryId


class BasketEnds:
    """Works in the writer's transactions, once all is folded."""

    def __init__(self, baskets: Baskets, lines: Lines, unlogged: Unlogged) -> None:
        self._baskets = baskets
        self._lines = lines
        self._unlogged = unlogged
        self._as_of: tuple[int, ...] = ()

    def settle(self, sql: Sql) -> list[Filing]:
        """Give what is to change in the books; `StoredBooks.begin` comes before."""
        lines = self._lines
        as_of = (self._baskets.changes, lines.clocks.changes, lines.meanings.as_of, lines.sources.changes)
        if as_of == self._as_of:
            return []
        found: list[Filing] = []
        for each, word in self._baskets.ended(sql):
            meant: dict[EntryId, Delta] = {}
            if not each.closed:
                put = [line for line in each.lines.values() if not line.out]
                meant = {moved.id: moved for moved in meant_by(sql, lines, put, word, each.source)}
            for line in each.lines.values():
                for leg in range(LEGS):
                    identity = line_entry(line.epoch.entry(line.seq), leg)
                    found += self._unlogged.filed(sql, identity, meant.get(identity))
        self._baskets.let_go(sql)
        self._as_of = as_of
        return found


def meant_by(sql: Sql, lines: Lines, put: Iterable[Line], word: BasketEnded, document: str) -> Iterator[Delta]:
    """Give the movements that a person's word makes of lines of one basket, `document` being its name.

    There are none of a line whose code means nothing, and none where another source says what is sold.
    """
    for line in put:
        event = line.meant
        timed = lines.clocks.timed(sql, line.epoch, line.seq, event.when, START)
        sale = lines.by_itself(sql, line.epoch, line.seq, event, timed)
        if sale is not None:
            yield from movements(word.fate, sale, word.at_us, document)


def check(sql: Sql, epochs: EpochRows, lines: Lines, word: BasketEnded) -> None:
    """Hold a word against what is known.

    Raises `BadInput`: "basket-unknown" (there is none, or its station has closed it), "goods-unknown" (they are to be
    taken off stock, and the code of some means nothing).
    """
    entry = EntryId.parse(word.basket)
    row = epochs.of_entry(sql, entry)
    if row is None or not is_open(sql, row, entry.seq):
        raise BadInput("basket-unknown", f"{word.basket[:120]} opened no basket, or its station has closed it")
    for line in lines_of(sql, epochs, row, entry.seq) if word.fate is not BasketFate.RETURNED else ():
        event = line.meant
        timed = lines.clocks.timed(sql, line.epoch, line.seq, event.when, START)
        if not line.out and not lines.knows(sql, event, timed):
            raise BadInput(
                "goods-unknown", f"the code {event.code[:80]!r} means nothing at its time: it has to be linked"
            )
