"""The short way of nearly all entries into the books: plain deltas of a station's chunk, read and filed together.

    chunk ─ decoded whole ─┬─ plain delta ─ time ─ sort ─┬─> lane of the scope's figures
                           │                             ├─> column of the chunk's page, mention in the scope's tail
                           │                             └─> row in a line of the feed
                           └─ all else is left to `Leave`, one entry at a time, in its order

A delta goes this way if it is the first that is heard of it, names no document and no serial number, and does nothing
to its scope but move the sums (`hub.ledger.lane`). Where a source is declared, nothing goes this way. What comes of it
is what the long way makes of it. What is said of RFID tags is gathered on the way, for `hub.store.tagging`.

Beyond 300 lines because it is the inmost loop of the fold: what it does to each entry stands in one file.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence

from hub.ledger.timefit import DRIFT_PPM, Timed, TimeSource
from hub.store import pages
from hub.store.chunks import Chunk
from hub.store.entry_bounds import MAX_BOOKED_MILLI, MAX_TIME_US, MAX_WORD, check
from hub.store.epochs import EpochRow
from hub.store.lines import Lines
from hub.store.pages import MOST, PageRow
from hub.store.sql import Sql
from hub.store.standing import Sort
from hub.store.standings import Standings
from hub.store.telling import Teller
from protocol.errors import BadInput
from protocol.events import (
    BasketLine,
    Delta,
    StationEntry,
    Sweep,
    TagChange,
    decode_station_entry,
    decode_station_lines,
)
from protocol.feed import Moved

Leave = Callable[[Sql, EpochRow, int, bytes], None]
"""(epoch, seq, line) of an entry that does not go the short way; its time is raised to and kept in `Clocks.head`."""


class _Known:
    """What a code scanned at a place means now: `from_us` is since when, `sorts` are by reason."""

    __slots__ = ("from_us", "sort", "sorts")

    def __init__(self, from_us: int, sort: Sort) -> None:
        self.from_us = from_us
        self.sort = sort
        self.sorts = {sort.reason: sort}


class ShortWay:
    """Works on the writer's connection. `begin` comes before each batch, `filed` after it."""

    def __init__(self, lines: Lines, standings: Standings, names_unit: Callable[[str, str | None], bool]) -> None:
        """`names_unit` says whether a code, scanned with that symbology identifier, names one piece of goods."""
        self._lines = lines
        self._names_unit = names_unit
        self._standings = standings
        self._known: dict[tuple[str, str | None, str], _Known] = {}
        self._as_of = (-1, -1, -1)
        self._pages: list[PageRow] = []
        self._told: list[tuple[str, list[Moved]]] = []
        self._upcoming: Sequence[StationEntry | None] = ()
        self.heard: list[tuple[int, TagChange | Sweep]] = []
        """What the chunk taken last says of tags, each with its seq."""
        self.put_in: list[tuple[int, BasketLine]] = []
        """What the chunk taken last put into baskets, each with its seq."""

    def begin(self) -> None:
        """Start a batch."""
        self.let_go()
        self._look_up_anew_if_needed()

    def let_go(self) -> None:
        """Forget what the batch filed, which is written: not the next batch is to wait for that."""
        self._pages = []
        self._told = []

    def moved(self) -> Iterator[Moved]:
        """Give all that the batch filed."""
        return (row for _, rows in self._told for row in rows)

    def filed(self, teller: Teller) -> tuple[Sequence[PageRow], list[bytes]]:
        """Give the pages that the batch made, and the feed's lines."""
        return self._pages, [line for prefix, rows in self._told for line in teller.movements(prefix, rows)]

    def take(self, connection: Sql, epoch: EpochRow, chunk: Chunk, awaited: Container[int], leave: Leave) -> int:
        """File the plain deltas of a chunk, leaving the rest; count them. Seqs `awaited` are named by reversals."""
        lines, first = chunk.lines, chunk.first
        heard = self.heard = []
        put_in = self.put_in = []
        if len(lines) > MOST:
            for seq, line in enumerate(lines, first):
                leave(connection, epoch, seq, line)
            return 0
        # What cannot be read among them is judged when its turn comes.
        whole = decode_station_lines(b"\n".join(lines), len(lines))
        events: Sequence[StationEntry | None] = [_decoded(line) for line in lines] if whole is None else whole
        self._look_up_anew_if_needed()
        self._upcoming = events
        known_of, touched = self._known.get, self._standings.touched
        rows: list[Moved] = []
        sorts: list[int] = []
        number = pages.place_number(chunk.id, 0) - first
        run = _Run(self._lines, connection, epoch)
        last_us = run.last_us
        qty_milli = t_us = err_us = 0
        for seq, event in enumerate(events, first):
            sort: Sort | None = None
            if type(event) is Delta:
                when, session = event.when, event.session
                up_us = when.up_us
                t_us = up_us + run.offset_us
                if (
                    run.low_seq < seq < run.high_seq
                    and run.from_up_us <= up_us < run.until_up_us
                    and t_us > last_us
                    and when.boot == run.boot
                    and event.document is None
                    and 0 <= when.wall_us <= MAX_TIME_US
                    and -MAX_BOOKED_MILLI <= event.qty_milli <= MAX_BOOKED_MILLI
                    and len(event.device) + len(event.place) + (0 if session is None else len(session)) <= run.room
                    and event.counter_place is None
                    and (known := known_of((event.code, event.aim, event.place))) is not None
                    and known.from_us <= t_us
                    and seq not in awaited
                ):
                    meant = known.sort if known.sort.reason is event.reason else known.sorts.get(event.reason)
                    err_us = run.half_us - (run.sent_up_us - up_us) * DRIFT_PPM // 1_000_000
                    if meant is not None and t_us - err_us > meant.lane.clear_us:
                        sort, qty_milli = meant, event.qty_milli
                        last_us = run.last_us = t_us
                        run.last_err_us = err_us
                        if up_us > run.latest_us:
                            run.latest_us = up_us
            if sort is None:
                if isinstance(event, TagChange | Sweep) and _within_bounds(event):
                    heard.append((seq, event))
                    continue
                if isinstance(event, BasketLine) and len(event.basket) <= MAX_WORD:
                    put_in.append((seq, event))
                    continue
                run.keep()
                read = self._alone(connection, epoch, seq, lines[seq - first], awaited)
                if read is None:
                    leave(connection, epoch, seq, lines[seq - first])
                run = _Run(self._lines, connection, epoch)
                last_us = run.last_us
                if read is None:
                    continue
                qty_milli, t_us, err_us, sort = read
            sort.lane.add(t_us, err_us, qty_milli)
            fresh = sort.fresh
            if not fresh:
                touched[sort.standing.row] = sort.standing
            fresh.append(t_us)
            fresh.append(number + seq)
            sorts.append(sort.row)
            rows.append(Moved(seq, sort.item, sort.area, qty_milli, sort.reason, sort.code, t_us, err_us))
        run.keep()
        if rows:
            self._pages.append((chunk.id, epoch.id, first, len(lines), _columns(first, len(lines), sorts, rows)))
            self._told.append((epoch.prefix, rows))
        return len(rows)

    def _alone(
        self, connection: Sql, epoch: EpochRow, seq: int, line: bytes, awaited: Container[int]
    ) -> tuple[int, int, int, Sort] | None:
        """Read an entry with all care; None if it does not go the short way, and then nothing was kept of it."""
        lines = self._lines
        try:
            event = lines.decode(epoch, line)
            if not isinstance(event, Delta) or event.document is not None or seq in awaited:
                return None
            timed = lines.timed(connection, epoch, seq, event, lines.head(connection, epoch))
            sort = None if timed is None else self._sort(connection, event, timed.t_us)
        except BadInput:
            return None
        if timed is None or sort is None or timed.t_us - timed.err_us <= sort.lane.clear_us:
            return None
        lines.clocks.set_head(epoch.id, timed)
        return event.qty_milli, timed.t_us, timed.err_us, sort

    def _sort(self, connection: Sql, event: Delta, at_us: int) -> Sort | None:
        """Give the sort of a delta, None if its code does not mean one piece of an item. Raises `BadInput`."""
        if self._upcoming and (event.code, event.aim, event.place) not in self._known:
            self._look_up_all(connection)
        meaning = self._lines.meanings.of(connection, event.code, event.aim, event.place)
        if meaning is None:
            return None
        leads = self._lines.words.leads
        leads_since_us = leads.since(connection, meaning.scope.area)
        from_us = meaning.from_us if leads_since_us is None else max(meaning.from_us, leads_since_us)
        if from_us > at_us:
            return None
        if self._lines.sources.of(connection).speak_of(event.place) or self._names_unit(event.code, event.aim):
            return None
        self._look_up_anew_if_needed()
        asked = (event.code, event.aim, event.place)
        known = self._known.get(asked)
        sort = None if known is None else known.sorts.get(event.reason)
        if sort is None:
            lead_us, lag_us = leads.of(connection, meaning.scope, event.reason, at_us)
            sort = self._standings.sort(connection, meaning.scope, meaning.key, event.reason, lead_us, lag_us)
            if known is None:
                self._known[asked] = _Known(from_us, sort)
            else:
                known.sorts[event.reason] = sort
        return sort

    def _look_up_all(self, connection: Sql) -> None:
        """Look up what the chunk under way will ask for one after the other."""
        events, self._upcoming = self._upcoming, ()
        scanned = {
            (event.code, event.aim)
            for event in events
            if type(event) is Delta and (event.code, event.aim, event.place) not in self._known
        }
        self._standings.know(connection, self._lines.meanings.know(connection, scanned))

    def _look_up_anew_if_needed(self) -> None:
        """Forget what codes meant when they may mean something else, or their scopes are read from the file again."""
        as_of = (self._lines.meanings.as_of, self._standings.as_of, self._lines.sources.changes)
        if as_of != self._as_of:
            self._known.clear()
            self._as_of = as_of


def _within_bounds(event: TagChange | Sweep) -> bool:
    try:
        check(event)
    except BadInput:
        return False
    return True


def _decoded(line: bytes) -> StationEntry | None:
    try:
        return decode_station_entry(line)
    except BadInput:
        return None


class _Run:
    """Where one anchor alone gives the times of an epoch's entries, and how far they have come; see `Clocks.timed`."""

    __slots__ = (
        "_clocks",
        "_epoch",
        "_head",
        "_near",
        "boot",
        "from_up_us",
        "half_us",
        "high_seq",
        "last_err_us",
        "last_us",
        "latest_us",
        "low_seq",
        "offset_us",
        "room",
        "sent_up_us",
        "until_up_us",
    )

    def __init__(self, lines: Lines, connection: Sql, epoch: EpochRow) -> None:
        self._clocks, self._epoch = lines.clocks, epoch
        self._head = lines.head(connection, epoch)
        self.last_us, self.last_err_us = self._head.t_us, self._head.err_us
        self._near = near = self._clocks.near
        if near is None or near.epoch is not epoch:
            self._near = None
            self.low_seq = self.high_seq = self.room = 0
            self.from_up_us = self.until_up_us = self.offset_us = self.half_us = self.sent_up_us = self.latest_us = 0
            self.boot = ""
            return
        self.low_seq, self.high_seq, self.boot = near.after_seq, near.before_seq, near.name
        self.room = MAX_WORD - len(near.name)
        self.from_up_us, until_up_us, self.offset_us, self.half_us, self.sent_up_us = near.stretch
        self.until_up_us = min(until_up_us, MAX_TIME_US + 1)
        self.latest_us = near.boot.latest_us[near.place]

    def keep(self) -> None:
        """Let the clocks know how far it came."""
        if self._near is not None:
            self._near.boot.latest_us[self._near.place] = self.latest_us
        if self.last_us != self._head.t_us:
            self._clocks.set_head(self._epoch.id, Timed(self.last_us, self.last_err_us, TimeSource.ANCHORS))


def _columns(first: int, n: int, sorts: list[int], rows: list[Moved]) -> bytes:
    """Write the body of a page of `n` places."""
    t_us, err_us, qty = [row.t_us for row in rows], [row.err_us for row in rows], [row.qty_milli for row in rows]
    if len(rows) == n:
        return pages.pack((sorts, t_us, err_us, qty))
    # What stands in a place without an entry is not read; what its neighbours have takes the least room.
    spread = [[0] * n, [t_us[0]] * n, [err_us[0]] * n, [qty[0]] * n]
    for at, row in enumerate(rows):
        place = row.seq - first
        for column, values in zip(spread, (sorts, t_us, err_us, qty), strict=True):
            column[place] = values[at]
    return pages.pack(spread)
