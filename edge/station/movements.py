"""How the modes move goods: why, which way, and the one or two entries a movement is."""

from __future__ import annotations

from msgspec.structs import replace

from protocol.cards import Mode
from protocol.events import Delta, Reason

MOVES = {
    Mode.SALE: (Reason.SALE, -1),
    Mode.RETURN: (Reason.RETURN, 1),
    Mode.RECEIVE: (Reason.RECEIPT, 1),
    Mode.TRANSFER: (Reason.TRANSFER, -1),
    Mode.WASTE: (Reason.WASTE, -1),
}
"""Why goods move in a mode, and their sign as seen from the station's place."""


def legs(delta: Delta) -> tuple[Delta, ...]:
    """Give all the entries of a movement: a transfer to a place of the store leaves one and reaches the other.

    To the books, the first goes into transit and the second comes out of it, so that transit is as before.
    """
    if delta.counter_place is None:
        return (delta,)
    return delta, replace(delta, qty_milli=-delta.qty_milli, place=delta.counter_place, counter_place=delta.place)


def is_arrival(delta: Delta) -> bool:
    """Tell whether an entry is the second one of a transfer within the store."""
    return delta.counter_place is not None and delta.qty_milli > 0
