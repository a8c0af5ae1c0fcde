"""Gives a station's entries their UTC time: one clock fit for each boot, from that boot's anchors.

An anchor says that the hub's clock read `hub_us` at some moment between the station's boot times
`sent_up_us` and `received_up_us`; so the offset (UTC minus boot time) was then within [hub - received,
hub - sent], and drifts from there by at most `DRIFT_PPM`, either way.

    offset  |  \\                 /      an anchor bounds the offset best where it lies,
            |    ` - .    . - '         and ever less well to both sides
            |         |  |
            |    . - '    ` - .
            |  /                 \\
            +---------anchor-------------> boot time

Outliers go first: an anchor must agree, drift allowed for, with at least half of its neighbours. Of the
rest each is narrowed by those before it (interval intersection). The time of an entry rests on the anchor
before it; if there is none, or it is more than `TRUSTED_FOR_US` old, the first anchor after the entry
gives or narrows it. Hence a station in touch has its entries timed once, and one that was cut off has
them timed a second time when it is back; never the whole boot for each new anchor.

A boot without anchors has only the station's own clock, which may read anything: 1970, 2036. It is believed
within a `Bracket`, the span that anchors of the boots before and after it in the log leave, and no further.
Along a log times do not fall (`raised`), since seq alone decides there; but no time is raised so far that
only a clock that lied can have been before it: one reading of 2036 must not lift all that comes after.

After Marzullo and Owicki, "Maintaining the Time in a Distributed System" (PODC 1983).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import msgspec

from hub.errors import ContractBroken
from protocol.events import Anchor, When

DRIFT_PPM = 100
"""How fast a station's clock may run wrong: a crystal's usual limit of 50 ppm, twice over for the cold."""
TRUSTED_FOR_US = 600_000_000
"""How long after an anchor its word alone will do: ten minutes, or 60 ms of drift."""
NEIGHBOURS = 8
"""With how many anchors on each side an anchor is compared."""
SYNCED_ERR_US = 1_000_000
"""The error of a station's own clock while a time source disciplines it."""
UNSYNCED_ERR_US = 12 * 3_600_000_000
"""The error granted to a station's own clock otherwise, which is a guess."""


RAISED_AT_MOST_US = 24 * 3_600_000_000
"""By how much a time is raised to one that rests on no anchor: twice what a clock that is a guess may be wrong."""


class TimeSource(StrEnum):
    """What a time rests on; `unsure` means that not even its error can be relied on."""

    ANCHORS = "anchors"
    STATION_CLOCK = "station-clock"
    UNSURE = "unsure"


class Timed(msgspec.Struct, frozen=True, gc=False):
    """A moment: UTC in microseconds, true to ± `err_us`."""

    t_us: int
    err_us: int
    source: TimeSource


_NEVER_UP_US = 1 << 62

START = Timed(-(1 << 62), 0, TimeSource.ANCHORS)
"""What comes before the first entry of a log."""


class Bracket(NamedTuple):
    """When a boot can have been, by anchors of others: it began after `low_us` and ended before `high_us`, in UTC.

    None where there is no anchor that tells.
    """

    low_us: int | None
    high_us: int | None


UNBOUNDED = Bracket(None, None)


def drift_us(distance_us: int) -> int:
    """How far an offset may have moved in so many microseconds."""
    return -(-distance_us * DRIFT_PPM // 1_000_000)


class Offset(NamedTuple):
    """Bounds of UTC minus boot time, in microseconds."""

    low_us: int
    high_us: int

    def drifted(self, drift_us: int) -> Offset:
        return Offset(self.low_us - drift_us, self.high_us + drift_us)

    def narrowed(self, other: Offset) -> Offset | None:
        """What both allow, None if they contradict each other."""
        both = Offset(max(self.low_us, other.low_us), min(self.high_us, other.high_us))
        return both if both.low_us <= both.high_us else None

    def spanning(self, other: Offset) -> Offset:
        return Offset(min(self.low_us, other.low_us), max(self.high_us, other.high_us))


class Held(NamedTuple):
    """An anchor that is no outlier: what it says by itself, and narrowed by the anchors before it."""

    received_up_us: int
    sent_up_us: int
    own: Offset
    narrowed: Offset

    def drift_us(self, up_us: int) -> int:
        """How far the offset may have moved between this anchor and a boot time."""
        # The hub read its clock anywhere between sent and received: the farther end counts.
        distance_us = max(up_us - self.sent_up_us, self.received_up_us - up_us)
        return drift_us(distance_us)


class Stretch(NamedTuple):
    """Where one anchor alone gives the time: boot times from `from_up_us` to before `until_up_us`.

    UTC is boot time + `offset_us`, true to ± (`err_us` + the drift since `sent_up_us`).
    """

    from_up_us: int
    until_up_us: int
    offset_us: int
    err_us: int
    sent_up_us: int


class ClockFit(msgspec.Struct, frozen=True):
    """What one boot's anchors say about its clock. `number` counts them and serves as the `fit` of entries."""

    number: int
    held: tuple[Held, ...]

    def at(self, up_us: int) -> tuple[int, int] | None:
        """UTC at a boot time, and its error, in microseconds; None if no anchor tells."""
        place = bisect_right(self.held, up_us, key=_received)
        before = self.held[place - 1] if place else None
        after = self.held[place] if place < len(self.held) else None
        offset: Offset | None = None
        if before is not None:
            offset = before.narrowed.drifted(before.drift_us(up_us))
        if after is not None and (before is None or up_us - before.received_up_us > TRUSTED_FOR_US):
            later = after.own.drifted(after.drift_us(up_us))
            # They contradict each other when the hub's clock was set in between; then either may be right.
            offset = later if offset is None else offset.narrowed(later) or offset.spanning(later)
        if offset is None:
            return None
        return up_us + (offset.low_us + offset.high_us) // 2, (offset.high_us - offset.low_us + 1) // 2

    def stretch_at(self, up_us: int) -> Stretch | None:
        """Give the stretch around a boot time, where its times are those of `at` for a fraction of the work.

        None where more than one anchor is asked, which is seldom.
        """
        place = bisect_right(self.held, up_us, key=_received)
        if not place:
            return None
        before = self.held[place - 1]
        until_up_us = _NEVER_UP_US
        if place < len(self.held):
            until_up_us = min(self.held[place].received_up_us, before.received_up_us + TRUSTED_FOR_US + 1)
        if up_us >= until_up_us:
            return None
        low_us, high_us = before.narrowed
        half_us = (high_us - low_us + 1) // 2
        return Stretch(before.received_up_us, until_up_us, (low_us + high_us) // 2, half_us, before.sent_up_us)


def fit_boot(anchors: Sequence[Anchor]) -> ClockFit:
    """Fit one boot's clock to its anchors, given in any order. One received before it was sent is left out.

    Raises `ContractBroken` for anchors of several boots.
    """
    if len({anchor.boot for anchor in anchors}) > 1:
        raise ContractBroken("a clock fit was asked for over several boots")
    sane = sorted(_alone(anchor) for anchor in anchors if anchor.sent_up_us <= anchor.received_up_us)
    held: list[Held] = []
    for place, anchor in enumerate(sane):
        if not _is_outlier(sane, place):
            held.append(_narrowed(anchor, held[-1] if held else None))
    return ClockFit(len(anchors), tuple(held))


def first_difference_us(old: ClockFit, new: ClockFit) -> int | None:
    """The boot time before which both fits give the same times; None if they do everywhere.

    When `new` has one more anchor, soon after the last, that is where it was received.
    """
    same = 0
    for mine, other in zip(old.held, new.held, strict=False):
        if mine != other:
            break
        same += 1
    changed = [fit.held[same].received_up_us for fit in (old, new) if same < len(fit.held)]
    if not changed:
        return None
    if not same:
        return 0
    return min(*changed, new.held[same - 1].received_up_us + TRUSTED_FOR_US + 1)


def time_of(when: When, fit: ClockFit | None, bracket: Bracket = UNBOUNDED) -> Timed:
    """The time of a station's moment by the fit of its boot, or else by the station's own clock within `bracket`."""
    at = None if fit is None else fit.at(when.up_us)
    if at is not None:
        return Timed(*at, TimeSource.ANCHORS)
    low_us, high_us = bracket
    # The boot began after `low_us`, so its moments are later by what it had run.
    if low_us is not None:
        low_us += when.up_us
    wall_us = when.wall_us
    if when.synced and (low_us is None or low_us <= wall_us) and (high_us is None or wall_us <= high_us):
        return Timed(wall_us, SYNCED_ERR_US, TimeSource.STATION_CLOCK)
    own_err_us = SYNCED_ERR_US if when.synced else UNSYNCED_ERR_US
    source = TimeSource.STATION_CLOCK if when.synced else TimeSource.UNSURE
    t_us = wall_us if low_us is None else max(low_us, wall_us)
    t_us = t_us if high_us is None else min(high_us, t_us)
    if when.synced and abs(t_us - wall_us) <= SYNCED_ERR_US:
        return Timed(wall_us, own_err_us, source)
    if low_us is None or high_us is None:
        return Timed(t_us, max(own_err_us, abs(t_us - wall_us)), source)
    # Between both ends anything may be true; they contradict each other if the hub's clock was set in between.
    return Timed(t_us, max(abs(t_us - low_us), abs(high_us - t_us)), source)


def raised(timed: Timed, before: Timed) -> Timed:
    """Raise a time to that of the entry before it in its log, where seq alone decides; the error grows with it.

    What is raised rests on what that one rests on. A time below one that rests on no anchor by more than
    `RAISED_AT_MOST_US` stands, and so does one by anchors below another: one of the two is a lie, and raised to it,
    every later entry of the log would be.
    """
    by_us = before.t_us - timed.t_us
    if by_us < 0:
        return timed
    if by_us > RAISED_AT_MOST_US and (before.source is not TimeSource.ANCHORS or timed.source is TimeSource.ANCHORS):
        return timed
    return Timed(before.t_us, timed.err_us + by_us, before.source)


def _alone(anchor: Anchor) -> Held:
    own = Offset(anchor.hub_us - anchor.received_up_us, anchor.hub_us - anchor.sent_up_us)
    return Held(anchor.received_up_us, anchor.sent_up_us, own, own)


def _is_outlier(anchors: Sequence[Held], place: int) -> bool:
    anchor = anchors[place]
    others = [*anchors[max(0, place - NEIGHBOURS) : place], *anchors[place + 1 : place + 1 + NEIGHBOURS]]
    low_us, high_us = anchor.own
    sent_up_us, received_up_us = anchor.sent_up_us, anchor.received_up_us
    wanted = (len(others) + 1) // 2
    # Each anchor that comes has nine fits made of up to seventeen: here a call too many is felt.
    for other in others:
        if not wanted:
            break
        apart_us = drift_us(max(received_up_us - other.sent_up_us, other.received_up_us - sent_up_us))
        wanted -= other.own.low_us - apart_us <= high_us and low_us <= other.own.high_us + apart_us
    return wanted > 0


def _narrowed(anchor: Held, before: Held | None) -> Held:
    if before is None:
        return anchor
    apart_us = max(anchor.received_up_us - before.sent_up_us, before.received_up_us - anchor.sent_up_us)
    known = before.narrowed.drifted(drift_us(apart_us))
    return anchor._replace(narrowed=anchor.own.narrowed(known) or anchor.own)


def _received(anchor: Held) -> int:
    return anchor.received_up_us
