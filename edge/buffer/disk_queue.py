"""What waits for the disk: appends, committed in groups, and other work, one piece between two groups.

    appends  a b c | d e f g        whatever waits when the disk is free goes into one transaction
    work       r       r  p         reads, prune steps, new epochs: each short, so that a scan hardly waits

Without a linger, producers that append again as soon as they are answered split into two groups that take turns, each
half as large as it might be. So after a commit that had company the next one waits for as many as that held, beside
those who waited for its end, at most a quarter of a sync, counted from that end: a scan that comes alone never waits.
While more and more come it waits on, up to half a sync: a small machine takes its time to ask for sixteen at once.
"""

from __future__ import annotations

import threading
import time
from asyncio import Future
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from edge.buffer.errors import LogBusy
from edge.errors import ContractBroken
from protocol.chain import Position

MAX_LINGER_S = 0.005
MIN_LINGER_S = 0.0001
"""Below this a linger costs more than a second sync."""


@dataclass(frozen=True, slots=True)
class Append:
    """Lines and notes that one caller wants stored together; `size` is what they take, in bytes."""

    lines: tuple[bytes, ...]
    notes: Mapping[str, bytes | None]
    size: int
    future: Future[Position]


@dataclass(frozen=True, slots=True)
class Work:
    """Anything else that the thread is to do with the file: a short `job`, whose outcome goes to `future`."""

    job: Callable[[], object]
    future: Future[Any]


class DiskQueue:
    """Hands what the event loop offers to the one thread that owns the file."""

    def __init__(
        self, max_lines: int, max_bytes: int, max_linger_s: float = MAX_LINGER_S, max_group_lines: int = 10_000
    ) -> None:
        self._max_lines = max_lines
        self._max_bytes = max_bytes
        self._max_linger_s = max_linger_s
        self._max_group_lines = max_group_lines
        self._changed = threading.Condition(threading.Lock())
        self._appends: deque[Append] = deque()
        self._work: deque[Work] = deque()
        self._lines = 0
        self._bytes = 0
        self._closing = False
        self._wake_at = 1
        self._works_turn = False
        self._company = 1
        self._linger_s = 0.0
        self._linger_until = 0.0
        self._linger_at_last = 0.0
        self._came = 1

    def offer(self, append: Append) -> None:
        """Let an append wait for the next commit. Raises `LogBusy`, or `ContractBroken` after `close`."""
        with self._changed:
            self._must_be_open()
            lines, size = self._lines + len(append.lines), self._bytes + append.size
            if self._appends and (lines > self._max_lines or size > self._max_bytes):
                raise LogBusy(f"{self._lines} lines of {self._bytes} bytes wait for the disk")
            self._appends.append(append)
            self._lines, self._bytes = lines, size
            if len(self._appends) >= self._wake_at:
                self._changed.notify()

    def ask(self, work: Work) -> None:
        """Let other work wait for its turn. Raises `ContractBroken` after `close`."""
        with self._changed:
            self._must_be_open()
            self._work.append(work)
            self._changed.notify()

    def close(self) -> None:
        """Take nothing more; what waits is still handed out."""
        with self._changed:
            self._closing = True
            self._changed.notify()

    def abandon(self) -> list[Append | Work]:
        """Take nothing more, and give up what still waits."""
        with self._changed:
            self._closing = True
            left: list[Append | Work] = [*self._appends, *self._work]
            self._appends.clear()
            self._work.clear()
            return left

    def idle(self) -> bool:
        """Say whether nothing waits at this moment."""
        with self._changed:
            return not self._appends and not self._work

    def committed(self, held: int, sync_s: float) -> None:
        """Hear from the thread that a commit of `held` appends just ended, and what a sync takes."""
        linger_s = min(sync_s / 4, self._max_linger_s)
        with self._changed:
            self._works_turn = True
            self._company = held + len(self._appends) if held > 1 else 1
            ended = time.monotonic()
            self._linger_s = linger_s
            self._linger_until = ended + linger_s if linger_s >= MIN_LINGER_S else 0.0
            self._linger_at_last = ended + sync_s / 2
            self._came = 1

    def take(self) -> list[Append] | Work | None:
        """Wait for the next group or piece of work; None once closed and empty. For the owning thread only."""
        with self._changed:
            while True:
                if self._work and (self._works_turn or not self._appends):
                    self._works_turn = False
                    return self._work.popleft()
                if self._closing and not self._appends:
                    return None
                left_s = self._linger_left_s()
                if len(self._appends) >= self._company or left_s <= 0 or self._closing:
                    if self._appends:
                        return self._take_group()
                    self._wait(1, None)
                else:
                    self._wait(self._company, left_s)

    def _linger_left_s(self) -> float:
        """Say how long to wait for company; once that is over, again as long if company came meanwhile."""
        now = time.monotonic()
        if self._linger_until <= now < self._linger_at_last and self._linger_until and len(self._appends) > self._came:
            self._came = len(self._appends)
            self._linger_until = min(now + self._linger_s, self._linger_at_last)
        return self._linger_until - now

    def _take_group(self) -> list[Append]:
        self._linger_until = 0.0
        if self._lines <= self._max_group_lines or len(self._appends) == 1:
            group = list(self._appends)
            self._appends.clear()
            self._lines = self._bytes = 0
            return group
        group = [self._appends.popleft()]
        lines, size = len(group[0].lines), group[0].size
        while self._appends and lines + len(self._appends[0].lines) <= self._max_group_lines:
            one = self._appends.popleft()
            lines += len(one.lines)
            size += one.size
            group.append(one)
        self._lines -= lines
        self._bytes -= size
        return group

    def _wait(self, wake_at: int, timeout_s: float | None) -> None:
        self._wake_at = wake_at
        self._changed.wait(timeout_s)
        self._wake_at = 1

    def _must_be_open(self) -> None:
        if self._closing:
            raise ContractBroken("the log is not open")
