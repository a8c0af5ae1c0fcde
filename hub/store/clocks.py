"""The clocks of stations: the anchors kept for each boot, their fits, and what to read again when one improves.

A station thins its anchors itself; here those are kept that come `SPACING_US` or more after the one kept before, in the
order of the log, so that no station can make the hub fit without end. An entry is timed by the kept anchors around it
in the log, `NEIGHBOURS` on each side: all that judge whether the anchor before it is an outlier. So the cost of an
anchor does not grow with a boot's age, and times depend on nothing but the log.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import NamedTuple

from hub.ledger.timefit import (
    NEIGHBOURS,
    ClockFit,
    Timed,
    first_difference_us,
    fit_boot,
    raised,
    time_of,
)
from hub.store.epochs import EpochRow
from protocol.events import Anchor, When

SPACING_US = 1_000_000
_REMEMBERED = 1000
_NEVER_US, _ALWAYS_US = -(1 << 62), 1 << 62


class _Fitted(NamedTuple):
    """The fit for entries between two anchors of the log: the place of the first, and where both stand."""

    place: int
    after: tuple[int, int]
    before: tuple[int, int]
    fit: ClockFit


@dataclass(slots=True)
class _Boot:
    """A boot's kept anchors in the order of the log, and where they stand there: epoch row and seq."""

    anchors: list[Anchor] = field(default_factory=list)
    places: list[tuple[int, int]] = field(default_factory=list)
    latest_us: list[int] = field(default_factory=lambda: [_NEVER_US])
    """The latest boot time of an entry timed before the first anchor, then after each."""
    fitted: _Fitted | None = None
    judged: int = 0
    """How many anchors were known when entries were last timed."""

    def keep(self, anchor: Anchor, epoch: int, seq: int, latest_us: int) -> None:
        self.anchors.append(anchor)
        self.places.append((epoch, seq))
        self.latest_us.append(latest_us)

    def fit(self, place: int, known: int) -> ClockFit:
        """Fit the clock for entries after anchor `place` (-1: before the first) by the first `known` anchors."""
        return fit_boot(self.anchors[max(0, place - NEIGHBOURS) : min(known, place + NEIGHBOURS + 1)])

    def fit_at(self, epoch: int, seq: int, up_us: int) -> ClockFit:
        """Give the fit that times entry `seq` of an epoch row, made at boot time `up_us`."""
        fitted, at = self.fitted, (epoch, seq)
        if fitted is None or not fitted.after < at < fitted.before:
            place = bisect_right(self.places, at) - 1
            fitted = self.fitted = _Fitted(
                place,
                self.places[place] if place >= 0 else (-1, 0),
                self.places[place + 1] if place + 1 < len(self.places) else (1 << 62, 0),
                self.fit(place, len(self.anchors)),
            )
        if up_us > self.latest_us[fitted.place + 1]:
            self.latest_us[fitted.place + 1] = up_us
        return fitted.fit

    def first_changed(self) -> int | None:
        """Give the anchor (-1: none) after which stands the first entry that the newest anchors time otherwise."""
        for place in range(max(-1, self.judged - NEIGHBOURS - 1), self.judged):
            from_us = first_difference_us(self.fit(place, self.judged), self.fit(place, len(self.anchors)))
            if from_us is not None and self.latest_us[place + 1] >= from_us:
                return place
        return None


class Clocks:
    """Times entries. Belongs to the writer's thread; `forget` after a transaction that did not happen."""

    def __init__(self) -> None:
        self._rows: dict[tuple[int, str], int] = {}
        self._boots: dict[int, _Boot] = {}
        self._seen: set[tuple[int, int]] = set()
        self._floors: dict[int, int] = {}
        self._grown: set[int] = set()
        self._current: tuple[EpochRow, str, _Boot] | None = None

    def forget(self) -> None:
        """Read everything from the file again when next asked."""
        self._rows.clear()
        self._boots.clear()
        self._seen.clear()
        self._floors.clear()
        self._grown.clear()
        self._current = None

    def take(self, connection: sqlite3.Connection, epoch: EpochRow, seq: int, anchor: Anchor) -> None:
        """Take an anchor of the log, the next in order; `settle` comes before the next entry is timed."""
        row = self._rows.get((epoch.log, anchor.boot)) or self._boot_row(connection, epoch.log, anchor.boot)
        boot = self._boot(connection, row)
        if anchor.sent_up_us > anchor.received_up_us or (
            boot.anchors and anchor.received_up_us < boot.anchors[-1].received_up_us + SPACING_US
        ):
            return
        connection.execute(
            "INSERT INTO anchor VALUES (?,?,?,?,?,?)",
            (row, epoch.id, seq, anchor.sent_up_us, anchor.received_up_us, anchor.hub_us),
        )
        boot.keep(anchor, epoch.id, seq, _NEVER_US)
        self._grown.add(row)

    def settle(self, connection: sqlite3.Connection) -> None:
        """Note for rereading the entries of the books whose times the anchors just taken change."""
        for row in sorted(self._grown):
            boot = self._boots[row]
            place = boot.first_changed()
            if place is not None:
                self._reread_after(connection, row, boot, place)
            boot.judged = len(boot.anchors)
            boot.fitted = None
        self._grown.clear()

    def floor_us(self, connection: sqlite3.Connection, epoch: int, seq: int) -> int:
        """Give the time of the last entry of the books before `seq`, below which none after it may lie."""
        row = connection.execute(
            "SELECT t_us FROM entry WHERE epoch = ? AND seq < ? ORDER BY seq DESC LIMIT 1", (epoch, seq)
        ).fetchone()
        return _NEVER_US if row is None else int(row[0])

    def head_floor_us(self, connection: sqlite3.Connection, epoch: int) -> int:
        """Give `floor_us` at the head of what is folded."""
        floor = self._floors.get(epoch)
        return self.floor_us(connection, epoch, 1 << 62) if floor is None else floor

    def set_head_floor(self, epoch: int, floor_us: int | None) -> None:
        """Remember `head_floor_us`, or forget it."""
        if floor_us is None:
            self._floors.pop(epoch, None)
        else:
            self._floors[epoch] = floor_us

    def timed(self, connection: sqlite3.Connection, epoch: EpochRow, seq: int, when: When, floor_us: int) -> Timed:
        """Give the time of entry `seq`, raised to the floor of its log; entries of an epoch come in order."""
        current = self._current
        # Entries come in runs of one boot.
        if current is None or current[0] is not epoch or current[1] != when.boot:
            current = self._current = (epoch, when.boot, self._seen_boot(connection, epoch, seq, when.boot))
        timed = time_of(when, current[2].fit_at(epoch.id, seq, when.up_us))
        return timed if timed.t_us >= floor_us else raised(timed, floor_us)

    def _seen_boot(self, connection: sqlite3.Connection, epoch: EpochRow, seq: int, name: str) -> _Boot:
        """Give a boot, noting that entry `seq` was made in it; anchors may have been taken ahead of it."""
        row = self._rows.get((epoch.log, name)) or self._boot_row(connection, epoch.log, name)
        if (row, epoch.id) not in self._seen:
            connection.execute(
                "INSERT INTO boot_start VALUES (?1,?2,?3) ON CONFLICT DO UPDATE SET seq = min(seq, ?3)",
                (row, epoch.id, seq),
            )
            self._seen.add((row, epoch.id))
        return self._boot(connection, row)

    def _boot_row(self, connection: sqlite3.Connection, log: int, name: str) -> int:
        row: int = connection.execute(
            "INSERT INTO boot (log, name) VALUES (?,?) ON CONFLICT DO UPDATE SET name = name RETURNING id", (log, name)
        ).fetchone()[0]
        if len(self._rows) >= _REMEMBERED:
            self._rows.clear()
            self._seen.clear()
        self._rows[log, name] = row
        return row

    def _boot(self, connection: sqlite3.Connection, row: int) -> _Boot:
        boot = self._boots.get(row)
        if boot is None:
            # What was timed before is not known any more, so the next anchor has it looked at.
            boot = _Boot(latest_us=[_ALWAYS_US])
            name: str = connection.execute("SELECT name FROM boot WHERE id = ?", (row,)).fetchone()[0]
            rows = connection.execute(
                "SELECT sent_up_us, received_up_us, hub_us, epoch, seq FROM anchor WHERE boot = ? ORDER BY epoch, seq",
                (row,),
            )
            for sent_up_us, received_up_us, hub_us, epoch, seq in rows:
                boot.keep(Anchor(name, sent_up_us, received_up_us, hub_us), epoch, seq, _ALWAYS_US)
            boot.judged = len(boot.anchors)
            if len(self._boots) >= _REMEMBERED and not self._grown:
                self._boots.clear()
                self._current = None
            self._boots[row] = boot
        return boot

    @staticmethod
    def _reread_after(connection: sqlite3.Connection, row: int, boot: _Boot, place: int) -> None:
        """Note the entries of a boot after an anchor (-1: all) for rereading, in every epoch it reaches into."""
        first_epoch, first_seq = boot.places[place] if place >= 0 else (0, 0)
        starts = connection.execute("SELECT epoch, seq FROM boot_start WHERE boot = ?", (row,)).fetchall()
        for epoch, seq in starts:
            if epoch < first_epoch:
                continue
            first = first_seq if epoch == first_epoch else seq
            last: int | None = connection.execute("SELECT max(seq) FROM entry WHERE epoch = ?", (epoch,)).fetchone()[0]
            if last is not None and last >= first:
                connection.execute(
                    """INSERT INTO reread VALUES (?1, ?2, ?3)
                       ON CONFLICT DO UPDATE SET seq = min(seq, ?2), until = max(until, ?3)""",
                    (epoch, first, last),
                )
