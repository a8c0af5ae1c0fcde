"""The clocks of stations: the anchors kept for each boot, their fits, and what to read again when one improves.

A station thins its anchors itself; here those are kept that come `SPACING_US` or more after the one kept before, in the
order of the log, so that no station can make the hub fit without end. An entry is timed by the kept anchors around it
in the log, `NEIGHBOURS` on each side: all that judge whether the anchor before it is an outlier. So the cost of an
anchor does not grow with a boot's age, and times depend on nothing but the log.

Boots of one log follow each other. A boot without anchors lies between the last anchor before its first entry and the
beginning of the next boot that has anchors; when that one's first anchors come, it is read again (ADR 0018).
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, select

from hub.ledger.timefit import UNBOUNDED, Bracket, Timed, TimeSource, drift_us, raised, time_of
from hub.store import tables
from hub.store.boots import ALWAYS_US, NEVER_US, Boot, Near
from hub.store.epochs import EpochRow
from hub.store.folded import last_seq
from hub.store.sql import Row, Sql
from hub.store.statements import greatest, least, putting
from protocol.events import Anchor, When

_boot, _start, _anchor, _reread = tables.boot, tables.boot_start, tables.anchor, tables.reread
_BOOT: Final = (
    putting(_boot, "log", "name")
    .on_conflict_do_update(index_elements=["log", "name"], set_={"name": _boot.c.name})
    .returning(_boot.c.id)
)
_OF_ROW: Final = select(_boot.c.log, _boot.c.name).where(_boot.c.id == bindparam("boot"))
_began = putting(_start)
_BEGIN: Final = _began.on_conflict_do_update(
    index_elements=["boot", "epoch"], set_={"seq": least(_start.c.seq, _began.excluded.seq)}
)
_STARTS: Final = (
    select(_start.c.epoch, _start.c.seq)
    .where(_start.c.boot == bindparam("boot"))
    .order_by(_start.c.epoch, _start.c.seq)
)
_START: Final = _STARTS.limit(1)
_STARTS_IN: Final = (
    select(_start.c.boot, _start.c.epoch, _start.c.seq)
    .where(_start.c.boot.in_(select(_boot.c.id).where(_boot.c.log == bindparam("log"))))
    .order_by(_start.c.boot, _start.c.epoch, _start.c.seq)
)
_TAKE: Final = putting(_anchor)
_ANCHORS: Final = (
    select(_anchor.c.sent_up_us, _anchor.c.received_up_us, _anchor.c.hub_us, _anchor.c.epoch, _anchor.c.seq)
    .where(_anchor.c.boot == bindparam("boot"))
    .order_by(_anchor.c.epoch, _anchor.c.seq)
)
_ANCHORED: Final = select(
    _boot.c.id,
    *(
        select(column)
        .where(_anchor.c.boot == _boot.c.id)
        .order_by(_anchor.c.epoch, _anchor.c.seq)
        .limit(1)
        .scalar_subquery()
        for column in (_anchor.c.epoch, _anchor.c.seq)
    ),
).where(_boot.c.log == bindparam("log"))
"""The boots of a log, and the place of each one's first anchor."""
_noted = putting(_reread)
_REREAD: Final = _noted.on_conflict_do_update(
    index_elements=["epoch"],
    set_={
        "seq": least(_reread.c.seq, _noted.excluded.seq),
        "until": greatest(_reread.c.until, _noted.excluded.until),
    },
)
SPACING_US = 1_000_000
_REMEMBERED = 1000


class Clocks:
    """Times entries. Belongs to the writer's thread; `forget` after a transaction that did not happen."""

    def __init__(self) -> None:
        self._rows: dict[tuple[int, str], int] = {}
        self._boots: dict[int, Boot] = {}
        self._seen: set[tuple[int, int]] = set()
        self._heads: dict[int, Timed] = {}
        self._grown: set[int] = set()
        self._taken: list[Row] = []
        self._current: tuple[EpochRow, str, Boot] | None = None
        self._near: Near | None = None
        self.changes = 0
        """Grows whenever an entry may be timed otherwise than before."""

    def forget(self) -> None:
        """Read everything from the file again when next asked."""
        self._rows.clear()
        self._boots.clear()
        self._seen.clear()
        self._heads.clear()
        self._grown.clear()
        self._taken.clear()
        self._current = None
        self._near = None

    def take(self, connection: Sql, epoch: EpochRow, seq: int, anchor: Anchor) -> None:
        """Take an anchor of the log, the next in order; `settle` comes before the next entry is timed."""
        row = self._rows.get((epoch.log, anchor.boot)) or self._boot_row(connection, epoch.log, anchor.boot)
        boot = self._boot(connection, row)
        if anchor.sent_up_us > anchor.received_up_us or (
            boot.anchors and anchor.received_up_us < boot.anchors[-1].received_up_us + SPACING_US
        ):
            return
        self._taken.append((row, epoch.id, seq, anchor.sent_up_us, anchor.received_up_us, anchor.hub_us))
        boot.keep(anchor, epoch.id, seq, NEVER_US)
        self._grown.add(row)

    def settle(self, connection: Sql) -> None:
        """Note for rereading the entries of the books whose times the anchors just taken change."""
        connection.executemany(_TAKE, self._taken)
        self._taken.clear()
        self.changes += len(self._grown)
        for row in sorted(self._grown):
            boot = self._boots[row]
            place = boot.first_changed()
            if place is not None:
                self._reread_after(connection, row, boot, place)
            if boot.began_us(boot.judged) != boot.began_us(len(boot.anchors)):
                self._reread_before(connection, row)
            boot.judged = len(boot.anchors)
            boot.fitted = None
            self._near = None
        self._grown.clear()

    def head(self, epoch: int) -> Timed | None:
        """Give the time of the last entry of the books that was folded in an epoch, None if it was forgotten."""
        return self._heads.get(epoch)

    def set_head(self, epoch: int, last: Timed | None) -> None:
        """Remember `head`, or forget it."""
        if last is None:
            self._heads.pop(epoch, None)
        else:
            self._heads[epoch] = last

    def timed(self, connection: Sql, epoch: EpochRow, seq: int, when: When, before: Timed) -> Timed:
        """Give the time of entry `seq`, raised to that of the one before it; entries of an epoch come in order."""
        near, up_us = self._near, when.up_us
        if (
            near is not None
            and near.epoch is epoch
            and near.after_seq < seq < near.before_seq
            and near.stretch.from_up_us <= up_us < near.stretch.until_up_us
            and near.name == when.boot
        ):
            _, _, offset_us, err_us, sent_up_us = near.stretch
            latest_us = near.boot.latest_us
            if up_us > latest_us[near.place]:
                latest_us[near.place] = up_us
            timed = Timed(up_us + offset_us, err_us + drift_us(up_us - sent_up_us), TimeSource.ANCHORS)
        else:
            timed = self._timed(connection, epoch, seq, when)
        return timed if timed.t_us > before.t_us else raised(timed, before)

    @property
    def near(self) -> Near | None:
        """What times the entries around the one timed last, if one anchor alone does."""
        return self._near

    def unraised(self, connection: Sql, epoch: EpochRow, seq: int, when: When) -> Timed:
        """Give the time of entry `seq` by itself, whatever came before it."""
        return self._timed(connection, epoch, seq, when)

    def _timed(self, connection: Sql, epoch: EpochRow, seq: int, when: When) -> Timed:
        current = self._current
        # Entries come in runs of one boot.
        if current is None or current[0] is not epoch or current[1] != when.boot:
            current = self._current = (epoch, when.boot, self._seen_boot(connection, epoch, seq, when.boot))
        boot = current[2]
        fit = boot.fit_at(epoch.id, seq, when.up_us)
        if fit.held:
            self._near = boot.near(epoch, when)
            return time_of(when, fit)
        if boot.bracket is None:
            boot.bracket = self._bracket(connection, epoch.log, self._rows[epoch.log, when.boot])
        return time_of(when, None, boot.bracket)

    def _bracket(self, connection: Sql, log: int, row: int) -> Bracket:
        """Look at the boots around one: the last that can tell when it stood, the next that can tell when it began."""
        start = self._start(connection, row)
        if start is None:
            return UNBOUNDED
        low: tuple[tuple[int, int], int] | None = None
        high: tuple[tuple[int, int], int] | None = None
        for other, first in self._boots_of(connection, log):
            if other == row:
                continue
            boot = self._boot(connection, other)
            if first > start:
                began_us = boot.began_us(len(boot.anchors))
                if began_us is not None and (high is None or first < high[0]):
                    high = (first, began_us)
            elif low is None or first > low[0]:
                stood_us = boot.stood_us()
                if stood_us is not None:
                    low = (first, stood_us)
        return Bracket(None if low is None else low[1], None if high is None else high[1])

    @staticmethod
    def _boots_of(connection: Sql, log: int) -> list[tuple[int, tuple[int, int]]]:
        """Give the boots of a log that have anchors, and the place of each one's first."""
        rows = connection.execute(_ANCHORED, {"log": log}).fetchall()
        return [(row, (epoch, seq)) for row, epoch, seq in rows if epoch is not None]

    @staticmethod
    def _start(connection: Sql, row: int) -> tuple[int, int] | None:
        """Find where the first entry of a boot stands that was timed."""
        start: tuple[int, int] | None = connection.execute(_START, {"boot": row}).fetchone()
        return start

    def note_entry(self, connection: Sql, epoch: EpochRow, seq: int, when: When) -> None:
        """Note that entry `seq` was made in a boot of which later entries of the log may have been timed before it."""
        row = self._rows.get((epoch.log, when.boot)) or self._boot_row(connection, epoch.log, when.boot)
        self._seen.discard((row, epoch.id))
        self._seen_boot(connection, epoch, seq, when.boot)

    def _seen_boot(self, connection: Sql, epoch: EpochRow, seq: int, name: str) -> Boot:
        """Give a boot, noting that entry `seq` was made in it; anchors may have been taken ahead of it."""
        row = self._rows.get((epoch.log, name)) or self._boot_row(connection, epoch.log, name)
        if (row, epoch.id) not in self._seen:
            connection.execute(_BEGIN, {"boot": row, "epoch": epoch.id, "seq": seq})
            self._seen.add((row, epoch.id))
        return self._boot(connection, row)

    def _boot_row(self, connection: Sql, log: int, name: str) -> int:
        row: int = connection.execute(_BOOT, {"log": log, "name": name}).fetchone()[0]
        if len(self._rows) >= _REMEMBERED:
            self._rows.clear()
            self._seen.clear()
        self._rows[log, name] = row
        return row

    def _boot(self, connection: Sql, row: int) -> Boot:
        boot = self._boots.get(row)
        if boot is None:
            # What was timed before is not known any more, so the next anchor has it looked at.
            boot = Boot(latest_us=[ALWAYS_US])
            _, name = connection.execute(_OF_ROW, {"boot": row}).fetchone()
            rows = connection.execute(_ANCHORS, {"boot": row})
            for sent_up_us, received_up_us, hub_us, epoch, seq in rows.fetchall():
                boot.keep(Anchor(name, sent_up_us, received_up_us, hub_us), epoch, seq, ALWAYS_US)
            boot.judged = len(boot.anchors)
            if len(self._boots) >= _REMEMBERED and not self._grown:
                self._boots.clear()
                self._current = self._near = None
            self._boots[row] = boot
        return boot

    def _reread_before(self, connection: Sql, row: int) -> None:
        """Note the boots without anchors for rereading whose bracket ends, or did, with the beginning of boot `row`."""
        for known in self._boots.values():
            known.bracket = None
        log, _ = connection.execute(_OF_ROW, {"boot": row}).fetchone()
        anchored = dict(self._boots_of(connection, log))
        here = anchored[row]
        starts: dict[int, tuple[int, int]] = {}
        for other, epoch, seq in connection.execute(_STARTS_IN, {"log": log}).fetchall():
            starts.setdefault(other, (epoch, seq))
        for start, other in sorted(((start, other) for other, start in starts.items()), reverse=True):
            if start > here or other == row:
                continue
            boot = self._boot(connection, other)
            if boot.began_us(len(boot.anchors)) is not None:
                return
            self._reread_after(connection, other, boot, -1)

    @staticmethod
    def _reread_after(connection: Sql, row: int, boot: Boot, place: int) -> None:
        """Note the entries of a boot after an anchor (-1: all) for rereading, in every epoch it reaches into."""
        first_epoch, first_seq = boot.places[place] if place >= 0 else (0, 0)
        for epoch, seq in connection.execute(_STARTS, {"boot": row}).fetchall():
            if epoch < first_epoch:
                continue
            first = first_seq if epoch == first_epoch else seq
            last = last_seq(connection, epoch)
            if last is not None and last >= first:
                connection.execute(_REREAD, {"epoch": epoch, "seq": first, "until": last})
