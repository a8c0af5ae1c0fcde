"""The SHA-256 chain over a log's stored lines, by which two sides prove that they hold the same entries.

    chain at depth 0 = SHA-256("shelfwire-log " + first epoch)
    chain at depth n = SHA-256(chain at depth n-1 + line n)

Depth counts lines from the log's first epoch on, through every epoch; an epoch opened on a base goes on from the base's
chain. So a digest names all that lies before it, whatever the epochs are called: equal digests mean equal lines, and
what one epoch carries over from another is recognised wherever it was read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from protocol.identity import Epoch

DIGEST_BYTES = 32


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a log: after `seq` entries of `epoch`, whose chain stands at `digest`."""

    epoch: Epoch
    seq: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Chapter:
    """One epoch of a log and the position it was opened on: predecessor, last common seq, digest there.

    `depth` counts the lines before its entry 1. `carried` is the chain after its entry 1 where that entry was written
    in an earlier epoch and carried over; None where nothing was.
    """

    epoch: Epoch
    base: Position | None = None
    depth: int = 0
    carried: bytes | None = None

    def origin(self) -> Position:
        """Give the position before the epoch's first entry."""
        if self.base is None:
            return Position(self.epoch, 0, sha256(f"shelfwire-log {self.epoch}".encode()).digest())
        return Position(self.epoch, 0, self.base.digest)


def extend(digest: bytes, lines: Iterable[bytes]) -> bytes:
    """Carry the chain from `digest` over `lines`, in order."""
    for line in lines:
        digest = sha256(digest + line).digest()
    return digest
