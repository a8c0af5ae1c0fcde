"""Periods declared final: what the books held at their end, as it was declared, and what came later as corrections.

    the books at the end of a period = what was declared + all corrections since

Both are entries of the journal, figures and all: so neither a restored file nor books made anew can come to have
declared something else. Whatever changes a figure of a closed time, an entry that comes late, a clock known better, a
word on a place, is found by the scopes it was filed in, and posted as a correction dated now.

Together, for what is declared, what is refused and what is corrected later are held against the same figures.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import sub
from typing import Final

from sqlalchemy import delete, func, select

from hub.errors import BadInput
from hub.ledger.counting import COUNTS_STATION
from hub.ledger.entries import Entry, Reversal, Scope
from hub.ledger.figures import ScopeState
from hub.ledger.finality import hindrances, state_at
from hub.store import baskets, tables
from hub.store.books import StoredBooks
from hub.store.epochs import EpochRow, folded_log, station_of
from hub.store.reading import NO_ITEM
from hub.store.sql import Sql
from hub.store.statements import given, putting, replacing, total
from protocol.feed import Moved
from protocol.identity import HUB_STATION, EntryId, Epoch, ItemId, PlaceId
from protocol.period_words import Corrected, FigureRow, Finality, PeriodWord

ROWS: Final = 200
"""Figures in one line of the journal."""
WRITER: Final = "hub"
CORRECTED: Final = "it came to be known after the period was declared final"
_NOTHING: Final = (0,) * 7
_period, _figure, _late, _epoch = tables.period, tables.period_figure, tables.late, tables.epoch
STANDS: Final = _figure.c.seq <= _epoch.c.head
SUMS: Final = [total(column) for column in _figure.columns if column.name.endswith("_milli")]
_PUT_PERIOD: Final = replacing(_period)
_PUT_FIGURE: Final = replacing(_figure)
_NEW_LATE: Final = putting(_late)
_PUT_LATE: Final = _NEW_LATE.on_conflict_do_update(
    index_elements=[_late.c.item, _late.c.area],
    set_={"from_us": _NEW_LATE.excluded.from_us},
    where=_NEW_LATE.excluded.from_us < _late.c.from_us,
)
_LATE: Final = select(_late.c.item, _late.c.area, _late.c.from_us).order_by(_late.c.item, _late.c.area)
_SETTLED: Final = delete(_late)
_LAST: Final = select(func.max(_period.c.until_us))
_UNTIL: Final = select(_period.c.until_us).distinct().order_by(_period.c.until_us)
_SAID: Final = (
    select(*SUMS)
    .join(_epoch, _epoch.c.id == _figure.c.epoch)
    .where(
        _figure.c.item == given("item", _figure.c.item),
        _figure.c.area == given("area", _figure.c.area),
        _figure.c.until_us == given("until_us", _figure.c.until_us),
        STANDS,
    )
)
_MARKS: Final = select(tables.log.c.name, tables.mark.c.t_us).outerjoin(
    tables.mark, tables.mark.c.log == tables.log.c.id
)
_HELD: Final = (
    select(tables.log.c.name, _epoch.c.name, tables.quarantine.c.seq, tables.entry.c.t_us)
    .join(_epoch, _epoch.c.id == tables.quarantine.c.epoch)
    .join(tables.log, tables.log.c.id == _epoch.c.log)
    .outerjoin(
        tables.entry,
        (tables.entry.c.epoch == tables.quarantine.c.epoch) & (tables.entry.c.seq == tables.quarantine.c.seq),
    )
    .where(tables.quarantine.c.released_us.is_(None), tables.quarantine.c.seq > 0)
)
_session = tables.count_session
_OPEN: Final = select(_session.c.name, _session.c.at_us).where(_session.c.open > 0)
_HEADS: Final = (
    select(tables.log.c.name, _epoch.c.name, _epoch.c.head)
    .join(tables.log, tables.log.c.id == _epoch.c.log)
    .where(tables.log.c.folds != 0, _epoch.c.head > 0)
    .order_by(tables.log.c.name, _epoch.c.id)
)


class Periods:
    """Takes and makes what the journal says. Belongs to the writer's thread; `forget` after what did not happen."""

    def __init__(self) -> None:
        self._last: int | None = None
        self._known = False

    def forget(self) -> None:
        """Read everything from the file again when next asked."""
        self._known = False

    def last_us(self, sql: Sql) -> int | None:
        """Give the end of the last period declared final (UTC), None if none was."""
        if not self._known:
            self._last = sql.execute(_LAST).fetchone()[0]
            self._known = True
        return self._last

    def take(self, sql: Sql, teller: EpochRow, seq: int, line: bytes, word: PeriodWord) -> None:
        """Take an entry of the journal; one that was taken before changes nothing."""
        declared = isinstance(word, Finality)
        if isinstance(word, Finality):
            sql.executemany(_PUT_PERIOD, [(word.until_us, teller.id, seq, word.part, line)])
        figures = [
            (row.item, row.area, word.until_us, teller.id, seq, int(declared), word.at_us, *_numbers(row))
            for row in word.rows
        ]
        sql.executemany(_PUT_FIGURE, figures)
        self._known = False

    def filed(self, sql: Sql, entries: Iterable[Entry]) -> None:
        """Note the scopes whose closed figures may have changed by entries: as they are, were, and were taken back."""
        last_us = self.last_us(sql)
        if last_us is None:
            return
        late: dict[Scope, int] = {}
        for entry in entries:
            if not isinstance(entry, Reversal) and entry.t_us <= last_us:
                late[entry.scope] = min(entry.t_us, late.get(entry.scope, entry.t_us))
        self._note(sql, late)

    def filed_short(self, sql: Sql, moved: Iterable[Moved]) -> None:
        """Note them for movements that went the short way."""
        last_us = self.last_us(sql)
        if last_us is None:
            return
        late: dict[Scope, int] = {}
        for row in moved:
            if row.t_us <= last_us:
                scope = Scope(row.item, row.area)
                late[scope] = min(row.t_us, late.get(scope, row.t_us))
        self._note(sql, late)

    def corrections(self, sql: Sql, books: StoredBooks, now_us: int) -> list[Corrected]:
        """Give what is to be posted of the scopes noted so far, which are then settled; all has to be folded.

        `StoredBooks.begin` comes before.
        """
        noted = sql.execute(_LATE).fetchall()
        if not noted:
            return []
        sql.execute(_SETTLED)
        ends = [int(row[0]) for row in sql.execute(_UNTIL).fetchall()]
        rows: defaultdict[int, list[FigureRow]] = defaultdict(list)
        for item, area, from_us in noted:
            scope = Scope(ItemId(item), PlaceId(area))
            for until_us in ends:
                if until_us >= from_us:
                    said = said_of(sql, scope, until_us)
                    now = _figures(books, scope, until_us)
                    if now != said:
                        rows[until_us].append(_row(scope, tuple(map(sub, now, said))))
        return [
            Corrected(now_us, until_us, tuple(part), WRITER, CORRECTED)
            for until_us in ends
            for part in _parts(rows[until_us])
        ]

    @staticmethod
    def _note(sql: Sql, late: dict[Scope, int]) -> None:
        sql.executemany(_PUT_LATE, [(*scope, t_us) for scope, t_us in late.items() if scope.item != NO_ITEM])


@dataclass(frozen=True, slots=True)
class Hindrances:
    """What stands in the way of declaring a moment final: stations that may still have something to say, entries held
    back.
    """

    stations: tuple[str, ...]
    held: tuple[str, ...]


def in_the_way(sql: Sql, until_us: int, excluded: Sequence[str]) -> Hindrances:
    """See `Hindrances`; of stations that are `excluded` by name nothing is. Raises `BadInput` ("station-unknown")."""
    marks = {str(station_of(name)): t_us for name, t_us in sql.execute(_MARKS) if name == folded_log(station_of(name))}
    for ours in (HUB_STATION, COUNTS_STATION):
        marks.pop(ours, None)
    # A count that waits for a shelf may yet say something of a time that it began before.
    marks |= {str(name): at_us for name, at_us in sql.execute(_OPEN)}
    # What is in a basket is sold at the time it was scanned at.
    marks |= baskets.sources(sql)
    for name in excluded:
        if name not in marks:
            raise BadInput("station-unknown", f"{name[:80]} is no station, no open count and no open basket")
    held = {
        EntryId(station_of(log), Epoch.parse(epoch), seq): t_us
        for log, epoch, seq, t_us in sql.execute(_HELD)
        if log == folded_log(station_of(log))
    }
    found = hindrances(until_us, marks, held, excluded)
    return Hindrances(
        tuple(name for what, name in found if what == "source"), tuple(name for what, name in found if what == "held")
    )


def declaration(sql: Sql, periods: Periods, books: StoredBooks, asked: Finality) -> list[Finality]:
    """Give the lines that declare what `asked` names, without figures, final; `StoredBooks.begin` comes before.

    Raises `BadInput`: "not-over", "not-later" than the period before, "not-complete" (see `in_the_way`).
    """
    last_us = periods.last_us(sql)
    if asked.until_us >= asked.at_us:
        raise BadInput("not-over", "the period has not come to its end")
    if last_us is not None and asked.until_us <= last_us:
        raise BadInput("not-later", f"figures up to {last_us} are final already")
    way = in_the_way(sql, asked.until_us, asked.excluded)
    if way.stations or way.held:
        parts = [f"waiting for {', '.join(way.stations)}"] if way.stations else []
        parts += [f"held back: {', '.join(way.held[:5])}{' …' if len(way.held) > 5 else ''}"] if way.held else []
        raise BadInput("not-complete", "; ".join(parts))
    rows: list[FigureRow] = []
    for scope in sorted(books.scopes()):
        figures = _figures(books, scope, asked.until_us)
        if figures != _NOTHING:
            rows.append(_row(scope, figures))
    heads: dict[str, str] = {}
    for log, epoch, head in sql.execute(_HEADS):
        if log == folded_log(station_of(log)):
            heads[log] = str(EntryId(station_of(log), Epoch.parse(epoch), head))
    lines = [*_parts(rows)] or [[]]
    return [
        Finality(
            asked.at_us,
            asked.until_us,
            part,
            len(lines),
            tuple(heads.values()) if part == 1 else (),
            asked.excluded,
            tuple(some),
            asked.author,
            asked.note,
            asked.key if part == 1 else "",
        )
        for part, some in enumerate(lines, 1)
    ]


def said_of(sql: Sql, scope: Scope, until_us: int) -> tuple[int, ...]:
    """Give the figures of a scope at the end of a period as declared, corrections included."""
    row = sql.execute(_SAID, {"item": scope.item, "area": scope.area, "until_us": until_us}).fetchone()
    return tuple(row)


def _figures(books: StoredBooks, scope: Scope, until_us: int) -> tuple[int, ...]:
    """Reckon the figures of a scope by its entries up to a moment."""
    now = books.state(scope)
    if now is None:
        return _NOTHING
    anchor = now.anchor
    if now.newest_us > until_us or (anchor is not None and anchor.t_us > until_us):
        now = state_at(books, scope, until_us)
    return _of_state(now)


def _of_state(state: ScopeState) -> tuple[int, ...]:
    return (
        state.on_hand_milli,
        state.supplier_milli,
        state.customer_milli,
        state.shrink_milli,
        state.opening_milli,
        state.transit_milli,
        state.conversion_milli,
    )


def _numbers(row: FigureRow) -> tuple[int, ...]:
    return (
        row.on_hand_milli,
        row.supplier_milli,
        row.customer_milli,
        row.shrink_milli,
        row.opening_milli,
        row.transit_milli,
        row.conversion_milli,
    )


def _row(scope: Scope, figures: tuple[int, ...]) -> FigureRow:
    return FigureRow(scope.item, scope.area, *figures)


def _parts(rows: Sequence[FigureRow]) -> Iterator[Sequence[FigureRow]]:
    for start in range(0, len(rows), ROWS):
        yield rows[start : start + ROWS]
