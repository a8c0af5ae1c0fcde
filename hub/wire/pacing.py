"""How much each writer may have on its way to the hub at once: a fair share of a budget that does not grow with them.

Pure. The budget is what the hub commits in `AHEAD_S`, as measured, within bounds: whatever a slow disk or a busy fold
makes of the hub, what stands before a fresh scan is a matter of tenths of a second. It is in bytes, while credit is
told in entries: a writer of large entries gets fewer. A lane, one for each log, tells how much its writer holds that
is not durable here (its backlog) and what it was allowed beyond that (its grant).

    share = budget / lanes that have a backlog          a lane alone: all of it
    grant = share, or what the others leave of it       never less than the floor: whoever has one scan may send it

So all lanes together have less than two budgets under way, however many they are: one in shares, one in floors. A
share shrinks as soon as another lane has a backlog, and is told with the next cursor. A lane that has not spoken for
`SILENT_S` holds nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

AHEAD_S: Final = 0.3
MOST_BYTES: Final = 8 * 1024 * 1024
LEAST_BYTES: Final = 1024 * 1024
"""Of stored lines. With less the commits would grow so small that their syncs are what takes the time."""
TRANSACTION_S: Final = 0.15
MOST_A_TRANSACTION: Final = 20_000
LEAST_A_TRANSACTION: Final = 2_000
USUAL_BYTES: Final = 200
"""What an entry is taken to be before a lane's first frame."""
FLOOR: Final = 250
"""Entries that any writer may send, unless there are so many that their floors exceed the budget: they share it."""
SILENT_S: Final = 5.0
"""More than twice the time after which a writer asks what became of its frames."""
_FRESH: Final = 0.3


@dataclass(slots=True)
class _Lane:
    first: bool
    backlog: int = 0
    grant: int = 0
    entry_bytes: int = USUAL_BYTES
    heard_s: float = 0.0

    @property
    def under_way_bytes(self) -> int:
        """What may be on its way at most."""
        return min(self.backlog, self.grant) * self.entry_bytes


class Pacing:
    """All lanes of one hub."""

    def __init__(self) -> None:
        self._lanes: dict[str, _Lane] = {}
        self._bytes_per_s = MOST_BYTES / AHEAD_S

    @property
    def budget_bytes(self) -> int:
        """What may be under way in shares."""
        return round(min(MOST_BYTES, max(LEAST_BYTES, self._bytes_per_s * AHEAD_S)))

    @property
    def transaction_entries(self) -> int:
        """How many entries one transaction may hold, so that the next need not wait long."""
        entries = round(self._bytes_per_s * TRANSACTION_S / USUAL_BYTES)
        return min(MOST_A_TRANSACTION, max(LEAST_A_TRANSACTION, entries))

    def committed_in(self, lines_bytes: int, seconds: float) -> None:
        """Learn from a transaction how fast the hub is now, waits for others of it included."""
        if lines_bytes >= LEAST_A_TRANSACTION * USUAL_BYTES // 2 and seconds > 0:
            self._bytes_per_s += _FRESH * (lines_bytes / seconds - self._bytes_per_s)

    def heard(
        self,
        log: str,
        backlog: int,
        now_s: float,
        *,
        entry_bytes: int | None = None,
        greeting: bool = False,
        first: bool = True,
    ) -> None:
        """Note a writer's backlog in entries, told or seen; lanes that are not `first` wait while others drain.

        `entry_bytes` is the mean of a frame's entries. What a writer that greets was allowed before counts no more.
        """
        lane = self._lanes.get(log)
        if lane is None:
            lane = self._lanes[log] = _Lane(first)
        lane.backlog = backlog
        lane.heard_s = now_s
        if greeting:
            lane.grant = 0
        if entry_bytes is not None:
            lane.entry_bytes = max(1, entry_bytes)

    def committed(self, log: str, entries: int, backlog: int) -> None:
        """Note that entries became durable, and what is left."""
        lane = self._lanes.get(log)
        if lane is not None:
            lane.grant = max(0, lane.grant - entries)
            lane.backlog = backlog

    def credit(self, log: str, now_s: float) -> int:
        """Say how many entries beyond what is durable a log's writer may have under way, and remember it."""
        lane = self._lanes.get(log) or _Lane(first=True)
        others = [other for other in self._lanes.values() if other is not lane and now_s - other.heard_s < SILENT_S]
        budget = self.budget_bytes
        floor = max(1, min(FLOOR, budget // USUAL_BYTES // (len(others) + 1)))
        draining = [other for other in others if other.backlog > FLOOR and (other.first or not lane.first)]
        if not lane.first and any(other.first for other in draining):
            credit = floor
        else:
            share = budget // (len(draining) + 1)
            left = budget - sum(other.under_way_bytes for other in others)
            credit = max(floor, min(share, left) // lane.entry_bytes)
        if log in self._lanes:
            # A writer that was allowed more may have sent it: only what becomes durable takes that back.
            lane.grant = max(lane.grant, credit)
        return credit
