"""How a retired station's log may still come in: once, up to one end, while a technician holds the gate open.

    ["drain opened"]    ["A", at_us, identity, stream, until_us, author, note, key]
    ["drain taken"]     ["V", at_us, identity, stream, epoch, seq, digest, author, note]

The gate is spent by the first log that comes through it, said before an entry of it is taken: from then on that very
log, up to that end, is all that may come, as often as it takes. So a loss of power at any moment leaves the gate shut,
open, or spent on a log that can be brought again until it is whole; and there is no second drain. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from protocol.chain import DIGEST_BYTES, Position
from protocol.errors import BadInput
from protocol.identity import Epoch
from protocol.topics import Stream


class DrainOpened(msgspec.Struct, frozen=True, array_like=True, tag="A"):
    """A person lets the log `stream` of the retired `identity` come in, if it begins to before `until_us` (UTC)."""

    at_us: int
    identity: str
    stream: Stream
    until_us: int
    author: str
    note: str
    key: str = ""


class DrainTaken(msgspec.Struct, frozen=True, array_like=True, tag="V"):
    """A log is taken that ends after entry `seq` of `epoch`, with this chain (hex); `author` opened the gate."""

    at_us: int
    identity: str
    stream: Stream
    epoch: str
    seq: int
    digest: str
    author: str
    note: str


class Drain(msgspec.Struct, frozen=True):
    """What was said of the drain of a log. `end` is (epoch, seq, digest in hex) of the log it was spent on."""

    stream: Stream
    opened_us: int
    until_us: int
    author: str
    end: tuple[str, int, str] | None = None
    taken_us: int | None = None


DrainWord = DrainOpened | DrainTaken


def drains_after(drains: tuple[Drain, ...], word: DrainWord) -> tuple[Drain, ...]:
    """Say how the drains of an identity stand once `word` is said; the very same where it changes nothing.

    Raises `BadInput`: "already-drained"; "drain-shut" for a log that comes without an open gate.
    """
    before = drain_of(drains, word.stream)
    match word:
        case DrainOpened():
            if before is not None and before.end is not None:
                raise _already(before)
            after = Drain(word.stream, word.at_us, word.until_us, word.author)
        case DrainTaken():
            if not _is_to_be_spent(before, (word.epoch, word.seq, word.digest), word.at_us):
                return drains
            assert before is not None
            end = (word.epoch, word.seq, word.digest)
            after = msgspec.structs.replace(before, end=end, taken_us=word.at_us)
    return (*(each for each in drains if each.stream != word.stream), after)


def drain_of(drains: Iterable[Drain], stream: Stream) -> Drain | None:
    """Find what was said of a log's drain."""
    return next((each for each in drains if each.stream == stream), None)


def spends(drains: Iterable[Drain], stream: Stream, end: Position, now_us: int) -> bool:
    """Whether a log that ends there, brought now, spends the gate; False if it did before, and is brought again.

    Raises `BadInput` as `drains_after`, for one that may not come.
    """
    return _is_to_be_spent(drain_of(drains, stream), (str(end.epoch), end.seq, end.digest.hex()), now_us)


def check_drain_word(word: DrainWord) -> None:
    """Hold a word to its bounds. Raises `BadInput` ("bad-entry")."""
    match word:
        case DrainOpened():
            if word.until_us <= word.at_us:
                raise BadInput("bad-entry", "a drain that is over before it is opened")
        case DrainTaken():
            Epoch.parse(word.epoch)
            if word.seq < 0 or len(word.digest) != 2 * DIGEST_BYTES or set(word.digest) - set("0123456789abcdef"):
                raise BadInput("bad-entry", "the end of a log that is none")


def _is_to_be_spent(drain: Drain | None, end: tuple[str, int, str], now_us: int) -> bool:
    if drain is None:
        raise BadInput("drain-shut", "it is retired; a technician has to open the drain for its log first")
    if drain.end == end:
        return False
    if drain.end is not None:
        raise _already(drain)
    if now_us >= drain.until_us:
        raise BadInput(
            "drain-shut", "the drain that a technician opened for its log is over; it has to be opened again"
        )
    return True


def _already(drain: Drain) -> BadInput:
    epoch, seq, _ = drain.end or ("", 0, "")
    return BadInput("already-drained", f"its {drain.stream} log was taken in up to {epoch}:{seq}, and that is its end")
