"""Baskets that are open at tills: since when, what is in them, and which of them a person ended.

A basket moves nothing until it is sold, and then its lines come as movements at the times they were scanned at. So
while it is open, nothing since its opening is final, whatever its station says has been sent; unless a person has said
what became of it, its station being lost (`hub.store.basket_ends`).

Beyond 300 lines because what is said of open baskets and what is asked of them are the same rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import bindparam, delete, select

from hub.errors import ContractBroken
from hub.ledger.dated import Number
from hub.ledger.timefit import TimeSource
from hub.store.clocks import Clocks
from hub.store.epochs import EpochRow, EpochRows, folded_log, station_of
from hub.store.reader_logs import load_state
from hub.store.sql import Row, Sql
from hub.store.statements import replacing
from hub.store.tables import basket, basket_line, basket_word, epoch, log
from protocol.decisions import BasketEnded, decode_journal_entry
from protocol.events import (
    BasketClosed,
    BasketEvent,
    BasketLine,
    BasketOpened,
    Delta,
    LineTakenOut,
    decode_station_entry,
)
from protocol.identity import EntryId, Epoch, PlaceId, StationId

_PUT: Final = replacing(basket)
_ALL: Final = select(*basket.columns)
_GONE: Final = delete(basket).where(basket.c.epoch == bindparam("of"), basket.c.seq == bindparam("at"))
_PUT_LINE: Final = replacing(basket_line)
_LINES: Final = select(*basket_line.columns).order_by(basket_line.c.epoch, basket_line.c.seq)
_LINES_GONE: Final = delete(basket_line).where(
    basket_line.c.opened_epoch == bindparam("of"), basket_line.c.opened_seq == bindparam("at")
)
_LINES_OF: Final = _LINES.where(
    basket_line.c.opened_epoch == bindparam("of"), basket_line.c.opened_seq == bindparam("at")
)
_IS_OPEN: Final = select(basket.c.name).where(
    basket.c.epoch == bindparam("of"), basket.c.seq == bindparam("at"), basket.c.closed == 0
)
_PUT_WORD: Final = replacing(basket_word)
_WORDS: Final = select(basket_word.c.basket, epoch.c.name, basket_word.c.seq, basket_word.c.line).join(
    epoch, epoch.c.id == basket_word.c.epoch
)
_OPEN: Final = (
    _ALL.add_columns(log.c.name, epoch.c.name)
    .join(log, log.c.id == basket.c.log)
    .join(epoch, epoch.c.id == basket.c.epoch)
    .where(basket.c.closed == 0)
    .order_by(log.c.name, basket.c.name)
)


@dataclass(frozen=True, slots=True)
class BasketRow:
    """A basket with so many lines that its station has not closed; `from_us` None: the clock it was opened by is not
    known yet. `ended` is what a person said of it."""

    station: StationId
    name: str
    place: PlaceId
    document: str | None
    entry: EntryId
    from_us: int | None
    lines: int
    ended: BasketEnded | None

    @property
    def source(self) -> str:
        """How it is named among what may still have something to say."""
        return source_name(self.station, self.name)


@dataclass(frozen=True, slots=True)
class InBasket:
    """So much of a code lies in a basket, less than nothing for goods that would leave stock."""

    code: str
    qty_milli: int


@dataclass(slots=True)
class Line:
    """What was put into a basket, `out` if it was taken out again."""

    epoch: EpochRow
    seq: int
    line: bytes
    out: bool = False
    written: bool = False

    @property
    def meant(self) -> Delta:
        """What it does once the basket is sold."""
        event = decode_station_entry(self.line)
        if not isinstance(event, BasketLine):
            raise ContractBroken("what was put into a basket was not")
        return event.meant


@dataclass(slots=True)
class Open:
    """A basket that is known: open, or closed (`closed`) and its end by a person still to be taken back."""

    epoch: EpochRow
    seq: int
    line: bytes
    event: BasketOpened
    lines: dict[tuple[int, int], Line] = field(default_factory=dict)
    taken_out: set[tuple[int, int]] = field(default_factory=set)
    """Of this batch: the fold may tell that a line was taken out before it tells that it was put in."""
    closed: bool = False
    written: Row | None = None

    @property
    def entry(self) -> EntryId:
        """The entry that opened it."""
        return self.epoch.entry(self.seq)

    @property
    def source(self) -> str:
        """See `BasketRow.source`."""
        return source_name(self.epoch.station, self.event.basket)


class Baskets:
    """Takes what stations say of baskets. Belongs to the writer's thread; `forget` after what did not happen."""

    def __init__(self, epochs: EpochRows, clocks: Clocks) -> None:
        self._epochs = epochs
        self._clocks = clocks
        self._open: dict[tuple[int, str], Open] | None = None
        self._closed: list[Open] = []
        self._words: dict[EntryId, BasketEnded] | None = None
        self.changes = 0
        """Grows whenever a basket that a person ended may come to something else than before."""

    def forget(self) -> None:
        """Read everything from the file again when next asked."""
        self._open = self._words = None
        self._closed = []
        self.changes += 1

    def take(self, sql: Sql, epoch: EpochRow, seq: int, line: bytes, event: BasketEvent) -> None:
        """Take an entry, the next of its log. Of a basket whose opening was lost nothing is known."""
        known = self._known(sql)
        of = epoch.log, event.basket
        if isinstance(event, BasketOpened):
            if of in known:
                self._drop(sql, known.pop(of))
            known[of] = Open(epoch, seq, line, event)
            self.changes += 1
            return
        here = known.get(of)
        if here is None:
            return
        self.changes += here.entry in self._ended(sql)
        match event:
            case BasketLine():
                here.lines[epoch.id, seq] = Line(epoch, seq, line, (epoch.id, seq) in here.taken_out)
            case LineTakenOut():
                self._take_out(sql, here, epoch, event)
            case BasketClosed():
                del known[of]
                if here.entry in self._ended(sql):
                    here.closed = True
                    self._closed.append(here)
                else:
                    self._drop(sql, here)

    def end(self, sql: Sql, teller: EpochRow, seq: int, line: bytes, word: BasketEnded) -> None:
        """Take a person's word; one that was taken before changes nothing. Raises `BadInput` for a bad id."""
        EntryId.parse(word.basket)
        sql.executemany(_PUT_WORD, [(word.basket, teller.id, seq, line)])
        self._words = None
        self.changes += 1

    def ended(self, sql: Sql) -> Iterator[tuple[Open, BasketEnded]]:
        """Give the baskets that a person ended, those among them that their station has closed since."""
        words = self._ended(sql)
        if words:
            for each in (*self._known(sql).values(), *self._closed):
                if each.entry in words:
                    yield each, words[each.entry]

    def let_go(self, sql: Sql) -> None:
        """Forget those that their station closed: the books know how."""
        gone, self._closed = self._closed, []
        for each in gone:
            self._drop(sql, each)

    def write(self, sql: Sql) -> None:
        """Write down what changed, and since when each basket is open by what is known of its clock now."""
        for each in (*self._known(sql).values(), *self._closed):
            timed = self._clocks.unraised(sql, each.epoch, each.seq, each.event.when)
            from_us = timed.t_us - timed.err_us if timed.source is TimeSource.ANCHORS else None
            lines = sum(not line.out for line in each.lines.values())
            at = each.epoch.id, each.seq
            row = (*at, each.epoch.log, each.event.basket, each.line, from_us, lines, int(each.closed))
            if row != each.written:
                sql.executemany(_PUT, [row])
                each.written = row
            fresh = [line for line in each.lines.values() if not line.written]
            each.taken_out.clear()
            if fresh:
                sql.executemany(_PUT_LINE, [(new.epoch.id, new.seq, *at, int(new.out), new.line) for new in fresh])
                for new in fresh:
                    new.written = True

    def _take_out(self, sql: Sql, here: Open, epoch: EpochRow, event: LineTakenOut) -> None:
        named = Epoch.parse(event.epoch)
        meant = named, event.seq
        if named != epoch.epoch:
            meant = load_state(sql, folded_log(epoch.station)).meant(epoch.epoch, named, event.seq)
        row = self._epochs.of_entry(sql, EntryId(epoch.station, *meant))
        if row is None:
            return
        at = row.id, meant[1]
        here.taken_out.add(at)
        if at in here.lines:
            here.lines[at].out, here.lines[at].written = True, False

    def _drop(self, sql: Sql, gone: Open) -> None:
        if gone.written is not None:
            at = {"of": gone.epoch.id, "at": gone.seq}
            sql.execute(_GONE, at)
            sql.execute(_LINES_GONE, at)

    def _known(self, sql: Sql) -> dict[tuple[int, str], Open]:
        if self._open is None:
            self._open, self._closed = {}, []
            by_opening: dict[tuple[int, int], Open] = {}
            for row in sql.execute(_ALL).fetchall():
                opened, seq, in_log, name, line, _, _, closed = row
                here = Open(self._epochs.by_id(sql, opened), seq, line, _opening(line))
                here.closed, here.written = bool(closed), tuple(row)
                by_opening[opened, seq] = here
                if closed:
                    self._closed.append(here)
                else:
                    self._open[in_log, name] = here
            for row, seq, opened, opened_seq, out, line in sql.execute(_LINES).fetchall() if by_opening else ():
                known = Line(self._epochs.by_id(sql, row), seq, line, bool(out), True)
                by_opening[opened, opened_seq].lines[row, seq] = known
        return self._open

    def _ended(self, sql: Sql) -> dict[EntryId, BasketEnded]:
        if self._words is None:
            self._words = words_on_baskets(sql)
        return self._words


def words_on_baskets(sql: Sql) -> dict[EntryId, BasketEnded]:
    """Read what people said became of baskets: of each the last word of the journal."""
    last: dict[EntryId, tuple[Number, BasketEnded]] = {}
    for name, told_in, seq, line in sql.execute(_WORDS).fetchall():
        word = decode_journal_entry(line)
        number = Epoch.parse(told_in).generation, seq
        of = EntryId.parse(name)
        if isinstance(word, BasketEnded) and (of not in last or last[of][0] < number):
            last[of] = number, word
    return {of: word for of, (_, word) in last.items()}


def is_open(sql: Sql, opened: EpochRow, seq: int) -> bool:
    """Say whether an entry opened a basket that its station has not closed."""
    return sql.execute(_IS_OPEN, {"of": opened.id, "at": seq}).fetchone() is not None


def lines_of(sql: Sql, epochs: EpochRows, opened: EpochRow, seq: int) -> list[Line]:
    """Read what was put into the basket that an entry opened, and perhaps taken out again."""
    rows = sql.execute(_LINES_OF, {"of": opened.id, "at": seq}).fetchall()
    return [Line(epochs.by_id(sql, row), at, line, bool(out), True) for row, at, _, _, out, line in rows]


def in_basket(sql: Sql, epochs: EpochRows, entry: EntryId) -> tuple[InBasket, ...]:
    """See `HubStore.in_basket`."""
    row = epochs.of_entry(sql, entry)
    if row is None:
        return ()
    meant = [line.meant for line in lines_of(sql, epochs, row, entry.seq) if not line.out]
    return tuple(InBasket(each.code, each.qty_milli) for each in meant)


def open_baskets(sql: Sql) -> tuple[BasketRow, ...]:
    """List the baskets that their stations have not closed, by station and name."""
    words = words_on_baskets(sql)
    found: list[BasketRow] = []
    for _, seq, _, name, line, from_us, lines, _, log_name, of in sql.execute(_OPEN).fetchall():
        opened, station = _opening(line), station_of(log_name)
        entry = EntryId(station, Epoch.parse(of), seq)
        place = PlaceId(opened.place)
        found.append(BasketRow(station, name, place, opened.document, entry, from_us, lines, words.get(entry)))
    return tuple(found)


def sources(sql: Sql) -> dict[str, int | None]:
    """Name the open baskets that nobody ended, each with the moment (UTC) before which nothing of it is; None if nobody
    can tell."""
    return {row.source: row.from_us for row in open_baskets(sql) if row.ended is None}


def source_name(station: StationId, name: str) -> str:
    """Name a basket among all stations."""
    return f"{station}/{name}"


def _opening(line: bytes) -> BasketOpened:
    event = decode_station_entry(line)
    if not isinstance(event, BasketOpened):
        raise ContractBroken("the line of a basket's opening opens none")
    return event
