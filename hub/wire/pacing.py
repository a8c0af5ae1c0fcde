"""How much each writer may have on its way to the hub at once: a fair share of a budget that does not grow with them.

Pure. The budget is in bytes, credit is told in entries: a writer of large entries gets fewer. A lane, one for each log,
tells how much its writer holds that is not durable here (its backlog) and what it was allowed beyond that (its grant).

    share = budget / lanes that have a backlog          a lane alone: all of it
    grant = share, or what the others leave of it       never less than the floor: whoever has one scan may send it

So all lanes together have less than two budgets under way, however many they are: one in shares, one in floors. A
share shrinks as soon as another lane has a backlog, and is told with the next cursor. A lane that has not spoken for
`SILENT_S` holds nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

BUDGET_BYTES = 8 * 1024 * 1024
"""Of stored lines: at 100,000 entries a second, less than half a second's work."""
USUAL_BYTES = 200
"""What an entry is taken to be before a lane's first frame."""
FLOOR = 250
"""Entries that any writer may send unless there are more than 160 of them, who then share a budget of floors."""
SILENT_S = 5.0
"""More than twice the time after which a writer sends again."""


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

    def __init__(self, budget_bytes: int = BUDGET_BYTES) -> None:
        self._budget_bytes = budget_bytes
        self._lanes: dict[str, _Lane] = {}

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
        floor = max(1, min(FLOOR, self._budget_bytes // USUAL_BYTES // (len(others) + 1)))
        draining = [other for other in others if other.backlog > FLOOR and (other.first or not lane.first)]
        if not lane.first and any(other.first for other in draining):
            credit = floor
        else:
            share = self._budget_bytes // (len(draining) + 1)
            left = self._budget_bytes - sum(other.under_way_bytes for other in others)
            credit = max(floor, min(share, left) // lane.entry_bytes)
        if log in self._lanes:
            # A writer that was allowed more may have sent it: only what becomes durable takes that back.
            lane.grant = max(lane.grant, credit)
        return credit
