"""Which exchanges with the hub are worth an anchor in the log, and what time it is by the last of them.

An exchange says that the hub's clock read `hub_us` between two boot times, so that

    UTC - boot time  is in  [hub_us - received_up_us, hub_us - sent_up_us]

and with time that interval widens, as a crystal drifts by up to 100 ppm either way. The hub fits each boot's time
from all its anchors; a till's event needs it to a tenth of a second at best. So an anchor is logged when it is the
first of this run, when it is twice as good as the last one has become and that one is worse than a tenth of a second
by now, when it contradicts that one (the hub's clock was set), and after 10 minutes in any case: with a steady hub
some 180 short lines a day.

What time it is, the station asks the hub's clock as of the last anchor, and its own only where that is disciplined and
does not contradict. The last anchor is also kept in the log's notes, in the same transaction: so an agent that was
restarted goes on with it, and a station that was, without a clock and with the cable cut, knows what time it has at
least become. By a clock that begins in 1970 every price would be an old one.
"""

from __future__ import annotations

from protocol.errors import BadInput
from protocol.events import Anchor, When, decode_station_entry

DRIFT_PPM = 100
GOOD_ENOUGH_US = 100_000
AT_LEAST_EVERY_US = 540_000_000
AT_MOST_EVERY_US = 10_000_000
NOTE = "anchor"
EARLIEST_US = 1_735_689_600_000_000
"""The beginning of 2025: a hub whose clock reads less has not learnt the time yet."""
AGREED_US = 1_000_000
"""How far a disciplined clock may be from the hub's before the hub's is believed instead."""
SET_US = 3_600_000_000
"""From what step on the time was set, not followed."""


class Anchoring:
    """The last anchor that was logged: of this boot, or what one of an earlier boot says."""

    def __init__(self, boot: str) -> None:
        self._boot = boot
        self._last: Anchor | None = None
        self._before: Anchor | None = None
        self._known_us: int | None = None
        self._offset_us: int | None = None
        self._behind_us = 0

    def resume(self, note: bytes | None) -> None:
        """Go on where the log's note `NOTE` left off; one that cannot be read is none."""
        try:
            anchor = None if note is None else decode_station_entry(note)
        except BadInput:
            return
        if not isinstance(anchor, Anchor):
            return
        if anchor.boot == self._boot:
            self._last = anchor
        else:
            self._known_us = anchor.hub_us

    def offer(self, sent_up_us: int, received_up_us: int, hub_us: int) -> Anchor | None:
        """Take an exchange; give the anchor to log, or None if this one adds too little."""
        if not 0 <= sent_up_us <= received_up_us or hub_us < EARLIEST_US:
            return None
        anchor = Anchor(self._boot, sent_up_us, received_up_us, hub_us)
        if self._last is not None and not _adds(self._last, anchor):
            return None
        self._before, self._last = self._last, anchor
        return anchor

    def not_logged(self) -> None:
        """Forget the last anchor, which did not reach the log."""
        self._last = self._before

    def agreed_us(self, when: When) -> int | None:
        """Say what UTC it was by the hub; None if the hub was not met in this boot."""
        last = self._last
        if last is None or when.boot != self._boot:
            return None
        return last.hub_us + when.up_us - (last.sent_up_us + last.received_up_us) // 2

    def error_us(self, when: When) -> int | None:
        """Say how far off `agreed_us` may be; None if the hub was not met in this boot."""
        last = self._last
        if last is None or when.boot != self._boot:
            return None
        drifted_us = abs(when.up_us - last.received_up_us) * DRIFT_PPM // 1_000_000
        return (last.received_up_us - last.sent_up_us + 1) // 2 + drifted_us

    def utc_us(self, when: When) -> int:
        """Say what UTC it was: by the hub, by a disciplined clock that agrees with it, or else as late as is known."""
        agreed_us = self.agreed_us(when)
        if agreed_us is None or self._last is None:
            if when.boot != self._boot or self._known_us is None:
                return when.wall_us
            # This boot began after the anchor of an earlier one.
            return max(when.wall_us, self._known_us + when.up_us)
        apart_us = AGREED_US + abs(when.up_us - self._last.received_up_us) * DRIFT_PPM // 1_000_000
        return when.wall_us if when.synced and abs(when.wall_us - agreed_us) <= apart_us else agreed_us

    def stored_us(self, when: When) -> int:
        """Say under what UTC to store something, taking note if that was behind."""
        utc_us = self.utc_us(when)
        offset_us = utc_us - when.up_us
        if self._offset_us is not None and offset_us - self._offset_us > SET_US:
            self._behind_us += offset_us - self._offset_us
        self._offset_us = offset_us
        return utc_us

    def past_us(self, when: When) -> int | None:
        """Say what UTC it was at the least, for telling how old is what this run stored; None if nobody knows.

        Only the hub's word will do, and what was stored before the station had it may be younger than it looks.
        """
        agreed_us = self.agreed_us(when)
        return None if agreed_us is None else agreed_us - self._behind_us


def _adds(last: Anchor, new: Anchor) -> bool:
    age_us = new.received_up_us - last.received_up_us
    drifted_us = max(0, age_us) * DRIFT_PPM // 1_000_000
    low = last.hub_us - last.received_up_us - drifted_us
    high = last.hub_us - last.sent_up_us + drifted_us
    new_low, new_high = new.hub_us - new.received_up_us, new.hub_us - new.sent_up_us
    if age_us >= AT_LEAST_EVERY_US:
        return True
    if new_high < low or high < new_low:
        return age_us >= AT_MOST_EVERY_US
    return high - low > GOOD_ENOUGH_US and 2 * (new_high - new_low) < high - low
