"""The logs of these tests, their clock, and what is done to all of them."""

from __future__ import annotations

from collections.abc import Callable

from edge.buffer.api import DAY_US, READ_BYTES, StationLog
from edge.buffer.errors import LogRefused
from protocol.chain import Chapter, Position, extend
from protocol.identity import Epoch

DEADLINE_S = 60.0
NONCE = 0xFEED
NOON_US = 1_750_000_000_000_000


class Clock:
    """UTC as the log is told it."""

    def __init__(self) -> None:
        self.now_us = NOON_US

    def __call__(self) -> int:
        return self.now_us


Make = Callable[..., StationLog]
"""Give the log in the one medium of a test; again after closing for what a restart would find."""


def lines(count: int, start: int = 1) -> list[bytes]:
    return [b"line %d" % number for number in range(start, start + count)]


async def read_all(log: StationLog) -> list[bytes]:
    """Read every entry kept, through all epochs, checking the chain on the way."""
    view = log.view
    found: list[bytes] = []
    digest = view.first.digest
    at = view.index(view.first.epoch)
    assert at is not None
    for index in range(at, len(view.lineage)):
        epoch = view.lineage[index].epoch
        seq = view.first.seq if index == at else 0
        while seq < view.end_of(index):
            part = await log.read(epoch, seq + 1, 700, READ_BYTES)
            assert (part.epoch, part.first, part.digest) == (epoch, seq + 1, digest)
            assert 0 < len(part.lines) <= view.end_of(index) - seq
            found += part.lines
            seq += len(part.lines)
            digest = extend(digest, part.lines)
    assert digest == view.head.digest
    return found


async def opened(log: StationLog, epoch: Epoch, seq: int) -> Chapter:
    """Open the next epoch on a position of the log; give the chapter that was asked for."""
    index = log.view.index(epoch)
    assert index is not None
    digest = (await log.digests(epoch, [seq]))[seq]
    assert digest is not None
    depth = log.view.lineage[index].depth + seq
    chapter = Chapter(Epoch(log.view.head.epoch.generation + 1, NONCE + depth), Position(epoch, seq, digest), depth)
    await log.open_epoch(chapter)
    return chapter


async def attempt(log: StationLog, lines: list[bytes]) -> LogRefused | None:
    """Append, and give the refusal if there was one."""
    try:
        await log.append(lines)
    except LogRefused as refusal:
        return refusal
    return None


async def fill_and_prune(log: StationLog, clock: Clock) -> Position:
    """Append 2,000 lines, and 1,000 a hundred days later; have all acked and the old pruned; give the new first."""
    await log.append(lines(2000))
    clock.now_us += 100 * DAY_US
    await log.append(lines(1000, start=2001))
    await log.acked(log.view.head)
    gone = await log.prune(clock.now_us)
    assert 1000 < gone <= 2000
    assert log.view.first.seq == gone
    return log.view.first
