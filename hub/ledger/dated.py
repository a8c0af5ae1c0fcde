"""What was said of one thing, each word from a moment on; said in any order, it holds the same. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")
Number = tuple[int, int]
"""Generation of a journal's epoch, seq: the order of decisions."""
ALWAYS_US = -(1 << 62)


class Dated(Generic[T]):
    """Of two words from the same moment on the later one holds, of all others the one that begins last."""

    __slots__ = ("_from_us", "_said")

    def __init__(self, words: Iterable[tuple[int, Number, T]], default: T) -> None:
        """`words` are (from when on, UTC; number; what); `default` is what holds before."""
        last: dict[int, tuple[Number, T]] = {}
        for from_us, number, said in words:
            if from_us not in last or last[from_us][0] < number:
                last[from_us] = number, said
        self._from_us = sorted(last)
        self._said = [default, *(last[from_us][1] for from_us in self._from_us)]

    def at(self, t_us: int) -> T:
        """Give what holds at a moment."""
        return self._said[bisect_right(self._from_us, t_us)]

    def since(self) -> tuple[int | None, T]:
        """Give what holds from a moment on (None: always) until further notice."""
        said = self._said[-1]
        for place in range(len(self._from_us) - 1, -1, -1):
            if self._said[place] != said:
                return self._from_us[place], said
        return None, said

    def differences(self, now: Dated[T]) -> Iterator[tuple[int, int | None, T]]:
        """Give the stretches (from, until; None: for ever) that `now` has otherwise, and what holds here in each."""
        edges = [ALWAYS_US, *sorted({*self._from_us, *now._from_us})]
        for place, from_us in enumerate(edges):
            if self.at(from_us) != now.at(from_us):
                yield from_us, edges[place + 1] if place + 1 < len(edges) else None, self.at(from_us)

    def moments_us(self) -> list[int]:
        """List the moments at which something else begins to hold."""
        return list(self._from_us)

    def said(self) -> list[T]:
        """Give what was said and holds, the earliest first, without the default."""
        return self._said[1:]
