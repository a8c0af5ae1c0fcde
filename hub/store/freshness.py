"""Whether an answer read from the store still holds: which items have changed since it was read.

Each transaction that changes figures of items, what is kept of them for whom, or the catalogue, gets a number once it
is durable; an answer bears the number that was the newest when its reading began. So nobody needs to be told to forget
anything: an answer holds as long as nothing it is about bears a greater number. What is told is never older than what
is durable.
"""

from __future__ import annotations

from typing import Final

from hub.store.own_rows import OwnRows
from hub.store.promises import Promises
from hub.store.sql import Sql
from hub.store.standings import Standings
from protocol.identity import ItemId

_REMEMBERED: Final = 200_000


class Freshness:
    """Follows the database in the writer's thread; `now` and `holds` may be asked from any.

    A catalogue row may be about any item, and its codes about others: whenever the catalogue changes, no answer holds.
    """

    def __init__(self, standings: Standings, catalogue: OwnRows, promises: Promises) -> None:
        self._standings = standings
        self._promises = promises
        self._catalogue = catalogue
        self._catalogue_seq: tuple[object, int] | None = None
        self._number = 0
        self._floor = 0
        self._changed: dict[ItemId, int] = {}

    @property
    def now(self) -> int:
        """The number for an answer whose reading begins after this is asked."""
        return self._number

    def holds(self, item: ItemId, number: int) -> bool:
        """Whether an answer about `item` that bears `number` is what a reading now would give, but for the time."""
        # In this order, for the writer's thread changes them in the other.
        changed = self._changed
        return number >= changed.get(item, 0) and number >= self._floor

    def committed(self, connection: Sql) -> None:
        """A transaction is durable."""
        head = self._catalogue.view(connection).head
        at = (head.epoch, head.seq)
        items = self._standings.take_written() | self._promises.take_said()
        if not items and at == self._catalogue_seq:
            return
        number = self._number + 1
        if at != self._catalogue_seq or len(self._changed) > _REMEMBERED:
            self._catalogue_seq = at
            self._floor = number
            self._changed = {}
        else:
            self._changed.update(dict.fromkeys(items, number))
        # Last: an answer may bear it only if its reading begins when all this is known.
        self._number = number

    def undone(self) -> None:
        """A transaction did not happen, nor what it touched."""
        self._standings.take_written()
        self._promises.take_said()
