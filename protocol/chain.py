"""The SHA-256 chain over a log's stored lines, by which two sides prove that they hold the same prefix.

    digest(0) = SHA-256("shelfwire-log " + epoch + " " + base)     base: "<epoch> <seq> <digest hex>" or "-"
    digest(n) = SHA-256(digest(n-1) + line(n))

Equal digests at seq n mean equal lines 1..n of the same epoch, opened on the same base.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from protocol.identity import Epoch

DIGEST_BYTES = 32
NOTHING_SHARED = bytes(DIGEST_BYTES)
"""The digest written for a base of which the new epoch holds nothing (base seq 0)."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a log: after `seq` entries of `epoch`, whose chain stands at `digest`."""

    epoch: Epoch
    seq: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Chapter:
    """One epoch of a log and the position it was opened on: predecessor, last common seq, digest there."""

    epoch: Epoch
    base: Position | None = None

    def origin(self) -> Position:
        """Give the position before the epoch's first entry."""
        base = self.base
        said = "-" if base is None else f"{base.epoch} {base.seq} {base.digest.hex()}"
        return Position(self.epoch, 0, sha256(f"shelfwire-log {self.epoch} {said}".encode()).digest())


def extend(digest: bytes, lines: Iterable[bytes]) -> bytes:
    """Carry the chain from `digest` over `lines`, in order."""
    for line in lines:
        digest = sha256(digest + line).digest()
    return digest
