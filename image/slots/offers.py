"""What a machine makes of what its hub offers: whether it takes it, and when it may restart for it. Pure."""

from __future__ import annotations

from typing import Final

from image.layout import Slot
from image.slots.record import Record
from image.slots.rules import may_try
from protocol.releases import MAX_BUNDLE_BYTES, RELEASE, Offer, Offered, is_newer

NEEDS_US: Final = 15 * 60 * 1_000_000
"""So long before the shop opens nothing is begun: installing, restarting, checking, and perhaps going back."""


DAY_US: Final = 24 * 60 * 60 * 1_000_000


def name_of(offer: Offer) -> str:
    """Name an offer: offered anew, a release that fell back is another one."""
    return f"{offer.release[:16]}@{offer.said_us}"


def why_not(offer: Offer, compatible: str, booted: Slot, known: Record) -> str | None:
    """Say why an offer is not taken; "" if there is nothing to do, None if it is to be taken."""
    running = known.versions.get(booted, "")
    if not RELEASE.fullmatch(offer.release) or not 0 < offer.size <= MAX_BUNDLE_BYTES:
        return "the hub's offer cannot be read"
    if offer.compatible != compatible:
        return f"it is for {offer.compatible}, and this is {compatible}"
    if offer.version == running:
        return ""
    if not is_newer(offer.version, running) and not offer.older:
        return f"{offer.version} is older than {running}"
    news = known.news
    if news is not None and news.step == "refused" and news.release == name_of(offer):
        return news.detail
    return may_try(known, name_of(offer)) or None


def try_again_us(offered: Offered, since_us: int) -> int:
    """Say when a try that could not be begun is worth another, by the hub's clock: when the shop is closed the next
    time, and after a day where it need not be. What hindered it is rarely gone within a quarter of an hour.
    """
    now_us = offered.now_us + since_us
    begins_us, ends_us = offered.closed_from_us, offered.closed_to_us
    if offered.offer is None or offered.offer.anytime or begins_us is None or ends_us is None:
        return now_us + DAY_US
    return ends_us if begins_us <= now_us else begins_us


def may_restart(offered: Offered, since_us: int) -> bool:
    """Say whether the machine may restart now, `since_us` after the hub answered, by the hub's clock."""
    if offered.offer is None:
        return False
    if offered.offer.anytime:
        return True
    if offered.closed_from_us is None or offered.closed_to_us is None:
        return False
    now_us = offered.now_us + since_us
    return offered.closed_from_us <= now_us <= offered.closed_to_us - NEEDS_US
