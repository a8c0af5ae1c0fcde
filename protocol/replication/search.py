"""The search for the last seq of an epoch that a writer and its reader share.

Prefixes that agree at a seq agree everywhere before it, so the last common seq is found by telling the reader our
digests at some seqs and narrowing to the gap between the greatest that agreed and the least that did not: sixteen at a
time, a million entries in five rounds.
"""

from __future__ import annotations

from collections.abc import Mapping

from protocol.chain import Position
from protocol.replication.messages import Traced

POINTS = 16


class PrefixSearch:
    """One search in the epoch of `low`, between `low` (shared) and `high` (the first seq out of the question)."""

    def __init__(self, low: Position, high: int, kept_from: int | None) -> None:
        """Start it; `kept_from` is a seq whose digest is known although those below may be forgotten."""
        self._low = low
        self._high = high
        self._kept_from = kept_from
        self._offered: dict[int, bytes] = {}

    @property
    def shared(self) -> Position:
        """The last position known to be shared."""
        return self._low

    def wanted(self) -> tuple[int, ...]:
        """The seqs to compare next; none when the search is over."""
        low, high = self._low.seq, self._high
        room = high - low - 1
        if room <= POINTS:
            return tuple(range(low + 1, high))
        seqs = {low + 1 + room * i // POINTS for i in range(1, POINTS)} | {low + 1, high - 1}
        if self._kept_from is not None and low < self._kept_from < high:
            seqs.add(self._kept_from)
        return tuple(sorted(seqs))

    def offer(self, own: Mapping[int, bytes | None]) -> tuple[tuple[int, bytes], ...]:
        """Take our own digests; give those to tell the reader. None: the search is over at `shared`."""
        low, high = self._low.seq, self._high
        self._offered = {seq: digest for seq, digest in own.items() if digest is not None and low < seq < high}
        return tuple(sorted(self._offered.items()))

    def answer(self, traced: Traced) -> bool:
        """Take the reader's answer; False if it narrows nothing, so that the search must start anew."""
        narrowed = False
        digest = self._offered.get(traced.agreed)
        if digest is not None:
            self._low = Position(self._low.epoch, traced.agreed, digest)
            narrowed = True
        differed = traced.differed
        if differed is not None and differed in self._offered and differed > self._low.seq:
            self._high = differed
            narrowed = True
        return narrowed
