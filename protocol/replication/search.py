"""The search for the last entry that a writer and its reader share.

A chain that agrees at a depth agrees everywhere before it, so the end of what is shared is found by telling the reader
our chain at some depths and narrowing to the gap between the greatest that agreed and the least that did not: sixteen
at a time, a million entries in five rounds.
"""

from __future__ import annotations

from collections.abc import Mapping

from protocol.replication.messages import Traced

POINTS = 16


class PrefixSearch:
    """One search from depth 0, which is always shared, up to the depth of the writer's head."""

    def __init__(self, origin: bytes, head: int, kept_from: int) -> None:
        """Start it; `origin` is the chain at depth 0; below `kept_from` not every digest can be told any more."""
        self.shared = 0
        """The greatest depth known to be shared."""
        self.digest = origin
        """The chain there."""
        self._high = head + 1
        self._kept_from = kept_from
        self._offered: dict[int, bytes] = {}

    def wanted(self) -> tuple[int, ...]:
        """The depths to compare next; none when the search is over."""
        low, high = self.shared, self._high
        room = high - low - 1
        if room <= POINTS:
            return tuple(range(low + 1, high))
        depths = {low + 1 + room * i // POINTS for i in range(1, POINTS)} | {low + 1, high - 1}
        if low < self._kept_from < high:
            depths.add(self._kept_from)
        return tuple(sorted(depths))

    def offer(self, own: Mapping[int, bytes | None]) -> tuple[tuple[int, bytes], ...]:
        """Take our own chain at the depths wanted; give what to tell the reader. Nothing: the search is over."""
        self._offered = {d: digest for d, digest in own.items() if digest is not None and self.shared < d < self._high}
        return tuple(sorted(self._offered.items()))

    def answer(self, traced: Traced) -> bool:
        """Take the reader's answer; False if it narrows nothing, so that the search must start anew."""
        narrowed = False
        digest = self._offered.get(traced.agreed)
        if digest is not None:
            self.shared, self.digest = traced.agreed, digest
            narrowed = True
        differed = traced.differed
        if differed is not None and differed in self._offered and differed > self.shared:
            self._high = differed
            narrowed = True
        return narrowed
