"""Which exchanges with the hub are worth an anchor in the log, and what time it is by the last of them.

An exchange says that the hub's clock read `hub_us` between two boot times, so that

    UTC - boot time  is in  [hub_us - received_up_us, hub_us - sent_up_us]

and with time that interval widens, as a crystal drifts by up to 100 ppm either way. The hub fits each boot's time
from all its anchors; a till's event needs it to a tenth of a second at best. So an anchor is logged when it is the
first of this run, when it is twice as good as the last one has become and that one is worse than a tenth of a second
by now, when it contradicts that one (the hub's clock was set), and after 10 minutes in any case: with a steady hub
some 180 short lines a day.
"""

from __future__ import annotations

from protocol.events import Anchor, When

DRIFT_PPM = 100
GOOD_ENOUGH_US = 100_000
AT_LEAST_EVERY_US = 540_000_000
AT_MOST_EVERY_US = 10_000_000


class Anchoring:
    """The last anchor of this boot that was logged."""

    def __init__(self, boot: str) -> None:
        self._boot = boot
        self._last: Anchor | None = None

    def offer(self, sent_up_us: int, received_up_us: int, hub_us: int) -> Anchor | None:
        """Take an exchange; give the anchor to log, or None if this one adds too little."""
        if not 0 <= sent_up_us <= received_up_us or hub_us <= 0:
            return None
        anchor = Anchor(self._boot, sent_up_us, received_up_us, hub_us)
        if self._last is not None and not _adds(self._last, anchor):
            return None
        self._last = anchor
        return anchor

    def not_logged(self) -> None:
        """Forget the last anchor, which did not reach the log, so that the next is taken."""
        self._last = None

    def utc_us(self, when: When) -> int:
        """Say what UTC it was: by the hub, but by the wall clock if that is disciplined or the hub was not met yet."""
        if when.synced or self._last is None or when.boot != self._boot:
            return when.wall_us
        last = self._last
        return last.hub_us + when.up_us - (last.sent_up_us + last.received_up_us) // 2


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
