"""The scans of the present mode period that were held back as doubles and may still turn out to have been meant.

Each can be restored once. The part of the log it mirrors: `Suppressed` entries without a `Restored` that names them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from edge.station.actions import Where
from edge.station.undo import carry
from protocol.chain import Chapter
from protocol.errors import BadInput
from protocol.events import CountReading, Delta, When

REMEMBERED = 100
CARD_REACHES_US = 60_000_000
"""How far back a card can mean: after a minute nobody knows any more which scan was the last."""


@dataclass(frozen=True, slots=True)
class Held:
    """A suppressed scan: the entry it would have made, and what its code adds up under in a count.

    `marked`: the log has said since that nothing older is still to come.
    """

    meant: Delta | CountReading
    key: str
    marked: bool = False


class SuppressedScans:
    """Those on disk, in the order of the log."""

    def __init__(self) -> None:
        self._held: dict[Where, Held] = {}
        self._restoring: set[Where] = set()

    def add(self, where: Where, held: Held) -> None:
        """Take one that is on disk."""
        self._held[where] = held
        while len(self._held) > REMEMBERED:
            del self._held[next(iter(self._held))]

    @property
    def restorable(self) -> tuple[tuple[Where, Delta | CountReading], ...]:
        """Those that could be restored now, and what each would do."""
        return tuple((where, held.meant) for where, held in self._held.items() if where not in self._restoring)

    def last(self, now: When) -> tuple[Where, Held]:
        """Give the one that a card means. Raises `BadInput` ("nothing-to-restore")."""
        for where, held in reversed(self._held.items()):
            when = held.meant.when
            if where not in self._restoring:
                if when.boot != now.boot or now.up_us - when.up_us > CARD_REACHES_US:
                    break
                return where, held
        raise BadInput("nothing-to-restore", "no scan was held back in the last minute")

    def at(self, where: Where) -> Held:
        """Give the one at this place. Raises `BadInput` ("not-restorable") if none is there, or not any more."""
        held = self._held.get(where)
        if held is None or where in self._restoring:
            raise BadInput("not-restorable", "no such scan was held back in this mode, or it was restored already")
        return held

    def restoring(self, where: Where) -> None:
        """Learn that a commit is on its way that restores it."""
        self._restoring.add(where)

    def not_restored(self, where: Where) -> None:
        """Learn that nothing of that commit is in the log."""
        self._restoring.discard(where)

    def restored(self, where: Where) -> None:
        """Forget one whose restoring is on disk."""
        self._restoring.discard(where)
        self._held.pop(where, None)

    def mark(self) -> None:
        """Learn that the log says that nothing older is still to come."""
        self._held = {where: replace(held, marked=True) for where, held in self._held.items()}

    def clear(self) -> None:
        """Nothing held back so far can be restored any more."""
        self._held.clear()
        self._restoring.clear()

    def carried(self, lineage: Sequence[Chapter]) -> None:
        """Follow the entries into the log's newest epoch."""
        moved = ((carry(where, lineage), held) for where, held in self._held.items())
        self._held = {where: held for where, held in moved if where is not None}
        again = (carry(where, lineage) for where in self._restoring)
        self._restoring = {where for where in again if where is not None}
