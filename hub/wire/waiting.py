"""What readers want committed and no transaction has taken yet: in the order it came, but who has little goes first.

Pure. Within a log the order is kept, whatever happens. A log with no more than `FLOOR` entries waiting goes before
those with more, so that a scan does not stand behind backlogs; as many as that are too few to keep the others out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Set

from hub.wire.pacing import FLOOR
from protocol.replication.reader_actions import Commit


class Waiting:
    """Commits by log."""

    def __init__(self) -> None:
        self._queue: list[tuple[str, Commit]] = []
        self._entries: Counter[str] = Counter()
        self.bytes = 0
        """Of stored lines."""

    def __len__(self) -> int:
        return len(self._queue)

    def add(self, log: str, commit: Commit) -> None:
        """Let one more wait."""
        self._queue.append((log, commit))
        self._entries[log] += entries_of(commit)
        self.bytes += bytes_of(commit)

    def holds(self, log: str) -> bool:
        """Say whether anything of a log waits."""
        return any(name == log for name, _ in self._queue)

    def gather(self, most_entries: int) -> list[tuple[str, Commit]]:
        """Take as many as one transaction may hold, or the next one if that alone is more."""
        little = [each for each in self._queue if self._entries[each[0]] <= FLOOR]
        much = [each for each in self._queue if self._entries[each[0]] > FLOOR]
        batch: list[tuple[str, Commit]] = []
        entries = 0
        for each in (*little, *much):
            if batch and entries >= most_entries:
                break
            batch.append(each)
            entries += entries_of(each[1])
        taken = len(batch)
        self._queue = [*little[taken:], *much[max(0, taken - len(little)) :]]
        self._count()
        return batch

    def drop(self, logs: Set[str]) -> None:
        """Forget all that waits of some logs."""
        self._queue = [(log, commit) for log, commit in self._queue if log not in logs]
        self._count()

    def _count(self) -> None:
        self._entries = Counter()
        self.bytes = 0
        for log, commit in self._queue:
            self._entries[log] += entries_of(commit)
            self.bytes += bytes_of(commit)


def entries_of(commit: Commit) -> int:
    """Count a commit's entries."""
    return 0 if commit.entries is None else len(commit.entries.lines)


def bytes_of(commit: Commit) -> int:
    """Measure a commit's lines."""
    return 0 if commit.entries is None else sum(map(len, commit.entries.lines))
