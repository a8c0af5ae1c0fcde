"""One boot of a station: its anchors that are kept, the fits they give, and which entries those time.

Apart from `clocks`, which knows where boots are stored and what of the books is to be read again.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import NamedTuple

from hub.ledger.timefit import NEIGHBOURS, Bracket, ClockFit, Stretch, first_difference_us, fit_boot
from hub.store.epochs import EpochRow
from protocol.events import Anchor, When

NEVER_US, ALWAYS_US = -(1 << 62), 1 << 62


class _Fitted(NamedTuple):
    """The fit for entries between two anchors of the log: the place of the first, and where both stand."""

    place: int
    after: tuple[int, int]
    before: tuple[int, int]
    fit: ClockFit


@dataclass(slots=True)
class Boot:
    """A boot's kept anchors in the order of the log, and where they stand there: epoch row and seq."""

    anchors: list[Anchor] = field(default_factory=list)
    places: list[tuple[int, int]] = field(default_factory=list)
    latest_us: list[int] = field(default_factory=lambda: [NEVER_US])
    """The latest boot time of an entry timed before the first anchor, then after each."""
    fitted: _Fitted | None = None
    judged: int = 0
    """How many anchors were known when entries were last timed."""
    bracket: Bracket | None = None
    """What the boots around it leave, once that was asked."""

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

    def near(self, epoch: EpochRow, when: When) -> Near | None:
        """Give what times the entries around the one just fitted."""
        fitted = self.fitted
        stretch = None if fitted is None else fitted.fit.stretch_at(when.up_us)
        if fitted is None or stretch is None:
            return None
        after_seq = fitted.after[1] if fitted.after[0] == epoch.id else -1
        before_seq = fitted.before[1] if fitted.before[0] == epoch.id else 1 << 62
        return Near(epoch, when.boot, after_seq, before_seq, stretch, self, fitted.place + 1)

    def began_us(self, known: int) -> int | None:
        """Tell the latest UTC at which the boot can have begun, by its first `known` anchors; None if they tell not."""
        at = self.fit(-1, known).at(0)
        return None if at is None else at[0] + at[1]

    def stood_us(self) -> int | None:
        """Tell the earliest UTC at which the boot can have been at its last anchor; None if its anchors tell not."""
        last = len(self.anchors) - 1
        at = self.fit(last, last + 1).at(self.anchors[last].received_up_us)
        return None if at is None else at[0] - at[1]

    def first_changed(self) -> int | None:
        """Give the anchor (-1: none) after which stands the first entry that the newest anchors time otherwise."""
        for place in range(max(-1, self.judged - NEIGHBOURS - 1), self.judged):
            from_us = first_difference_us(self.fit(place, self.judged), self.fit(place, len(self.anchors)))
            if from_us is not None and self.latest_us[place + 1] >= from_us:
                return place
        return None


@dataclass(slots=True)
class Near:
    """What times the entries around the last one: of the same epoch and boot, between the same anchors."""

    epoch: EpochRow
    name: str
    after_seq: int
    before_seq: int
    stretch: Stretch
    boot: Boot
    place: int
