"""Tags by the time at which each is to be looked at: a queue of buckets, so that no look needs a search."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Generic, TypeVar

T = TypeVar("T")


class Deadlines(Generic[T]):
    """Each thing put in comes out once, at its time or up to a bucket's width later.

    Putting in takes constant time but for the first of a bucket; there are never more buckets than widths in the
    longest wait. Who was put off meanwhile is put in again when it comes out, not sought before.
    """

    def __init__(self, width_us: int) -> None:
        self._width_us = width_us
        self._buckets: dict[int, list[T]] = {}
        self._order: list[int] = []

    @property
    def next_us(self) -> int | None:
        """When the first bucket is due."""
        return self._order[0] * self._width_us if self._order else None

    def put(self, thing: T, due_us: int) -> None:
        """Have `thing` come out at `due_us`."""
        number = -(-due_us // self._width_us)
        bucket = self._buckets.get(number)
        if bucket is None:
            self._buckets[number] = [thing]
            heappush(self._order, number)
        else:
            bucket.append(thing)

    def take(self, now_us: int) -> list[T]:
        """Take out one bucket that is due; empty if none is."""
        if not self._order or self._order[0] * self._width_us > now_us:
            return []
        return self._buckets.pop(heappop(self._order))
