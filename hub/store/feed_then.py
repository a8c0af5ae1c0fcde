"""What the store feed had told by one of its positions.

Of each entry up to there what was told of it last, summed up by item and area. What the books hold now is the same at
the feed's head: so, of a position since all was told, what was told after it is taken off that again, and mostly no
more of the feed is read. Only where the books were made anew after it, the feed is gone through from its first line.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Container, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from sqlalchemy import select

from hub.store import meta, tables
from hub.store.epochs import FEED
from hub.store.own_log import NotKept, OwnLog
from hub.store.sql import Sql
from hub.store.statements import one_of
from protocol.chain import Position
from protocol.errors import BadInput
from protocol.feed import CountResult, FeedStatus, decode_feed_entry, statement_number, statements
from protocol.identity import Epoch
from protocol.replication.ports import LogView

READ_BYTES: Final = 512 * 1024
"""Lines of the feed read and gone through at a time, so that nothing else waits for long."""
READ_ENTRIES: Final = 1000
STEP_BACK: Final = 200
_WHOLE_FROM: Final = "feed-whole-from"
_scope, _log, _epoch = tables.scope.c, tables.log.c, tables.epoch.c
_ON_HAND: Final = select(_scope.item, _scope.area, _scope.on_hand_milli).where(one_of(_scope.item, "items"))
_FEED_HEAD: Final = (
    select(_epoch.name, _epoch.head)
    .join(tables.log, _log.id == _epoch.log)
    .where(_log.name == FEED, _epoch.told != 0)
    .order_by(_epoch.id.desc())
    .limit(1)
)

ItemArea = tuple[str, str]
Told = tuple[ItemArea | None, int]


class Reach(StrEnum):
    """Whether the store feed has a position."""

    REACHED = "reached"
    AHEAD = "ahead"
    """The feed is to come to it."""
    NEVER = "never"
    """It is of a feed that this store never told, as far as its file goes."""


def reach(view: LogView, epoch: Epoch, seq: int) -> Reach:
    """Say whether a log has a position."""
    index = view.index(epoch)
    if index is None:
        return Reach.NEVER
    if seq <= view.end_of(index):
        return Reach.REACHED
    return Reach.AHEAD if index == len(view.lineage) - 1 else Reach.NEVER


class Place(NamedTuple):
    """A position of the feed."""

    epoch: Epoch
    seq: int


@dataclass(frozen=True, slots=True)
class Now:
    """What the books hold of some items and areas when the feed stands at `head`.

    From `whole_from` on a first statement about an entry is the first there ever was; before that the books were made
    anew, and all of it told once more.
    """

    on_hand: dict[ItemArea, int]
    head: Place
    whole_from: Place | None


@dataclass(frozen=True, slots=True)
class Then:
    """What had been told; `entries` are those that had, or if not `listed`, those of the rest that had not."""

    milli: dict[ItemArea, int]
    entries: Container[str]
    listed: bool

    def knows(self, entry: str) -> bool:
        """Say whether an entry of these items and areas had been told."""
        return (entry in self.entries) is self.listed


def note_whole(sql: Sql, head: Position) -> None:
    """Remember, once all is folded, from where on the feed tells everything of these books; it is not moved later."""
    if meta.read(sql, _WHOLE_FROM) is None:
        meta.write(sql, _WHOLE_FROM, f"{head.epoch}/{head.seq}")


def look(sql: Sql, scopes: Iterable[ItemArea]) -> Now:
    """Look at the books and the feed of one moment."""
    on_hand = dict.fromkeys(scopes, 0)
    for item, area, milli in sql.execute(_ON_HAND, {"items": sorted({item for item, _ in on_hand})}).fetchall():
        if (item, area) in on_hand:
            on_hand[item, area] = milli
    name, head = sql.execute(_FEED_HEAD).fetchone()
    whole = meta.read(sql, _WHOLE_FROM)
    whole_from = None
    if whole is not None:
        epoch, _, seq = whole.rpartition("/")
        whole_from = Place(Epoch.parse(epoch), int(seq))
    return Now(on_hand, Place(Epoch.parse(name), head), whole_from)


class FeedThen:
    """Reads the feed beside the writer. Every method raises `NotKept` where the feed begins another epoch meanwhile."""

    def __init__(self, feed: OwnLog) -> None:
        self._feed = feed

    async def figures(self, place: Place, now: Now) -> Then:
        """Give what had been told, by a place that the feed has, of the items and areas of `now`."""
        while self._feed.view.head.epoch == now.head.epoch and self._feed.view.head.seq < now.head.seq:
            await self._feed.wait_grown(self._feed.view.head)
        view = self._feed.view
        if now.whole_from is not None and _is_before(view, now.whole_from, place):
            then = await self._from_now(view, place, now)
            if then is not None:
                return then
        return await self._from_the_first(view, place, now)

    async def _from_the_first(self, view: LogView, place: Place, now: Now) -> Then:
        """Go through all the feed up to a place."""
        sums = dict.fromkeys(now.on_hand, 0)
        told: dict[str, Told] = {}
        async for line in self._lines(view, None, place):
            for entry, _, said in _told_by(line):
                before = told.pop(entry, None)
                if before is not None and before[0] is not None:
                    sums[before[0]] -= before[1]
                if said[0] in sums:
                    told[entry] = said
                    sums[said[0]] += said[1]
        return Then(sums, told, listed=True)

    async def _from_now(self, view: LogView, place: Place, now: Now) -> Then | None:
        """Go back from what the books hold: what was told after a place is taken off, what it was before put back."""
        sums = dict(now.on_hand)
        after: dict[str, Told] = {}
        known_before: set[str] = set()
        async for line in self._lines(view, place, now.head):
            for entry, number, said in _told_by(line):
                if entry not in after and number > 1:
                    known_before.add(entry)
                after[entry] = said
        for scope, milli in after.values():
            if scope in sums:
                sums[scope] -= milli
        if known_before and not await self._put_back(view, place, sums, set(known_before)):
            return None
        return Then(sums, after.keys() - known_before, listed=False)

    async def _put_back(self, view: LogView, place: Place, sums: dict[ItemArea, int], wanted: set[str]) -> bool:
        """Add what was told last of some entries by a place; say whether of all of them something was."""
        async for line in self._backwards(view, place):
            for entry, _, (scope, milli) in reversed(_told_by(line)):
                if entry in wanted:
                    wanted.discard(entry)
                    if scope in sums:
                        sums[scope] += milli
            if not wanted:
                return True
        return False

    async def _lines(self, view: LogView, after: Place | None, until: Place) -> AsyncIterator[bytes]:
        """Walk the lines of the feed after a place (None: from its first), up to another."""
        first, last = 0 if after is None else _index(view, after), _index(view, until)
        for index in range(first, last + 1):
            at = after.seq + 1 if after is not None and index == first else 1
            end = until.seq if index == last else view.end_of(index)
            while at <= end:
                lines = await self._read(view.lineage[index].epoch, at, end)
                for line in lines:
                    yield line
                at += len(lines)

    async def _backwards(self, view: LogView, place: Place) -> AsyncIterator[bytes]:
        """Walk the lines of the feed from a place back to its first."""
        for index in range(_index(view, place), -1, -1):
            end = place.seq if index == _index(view, place) else view.end_of(index)
            while end > 0:
                first = at = max(1, end - STEP_BACK + 1)
                lines: list[bytes] = []
                while at <= end:
                    lines += await self._read(view.lineage[index].epoch, at, end)
                    at = first + len(lines)
                for line in reversed(lines):
                    yield line
                end = first - 1

    async def _read(self, epoch: Epoch, first: int, last: int) -> Sequence[bytes]:
        found = await self._feed.read(epoch, first, min(READ_ENTRIES, last + 1 - first), READ_BYTES)
        if not found.lines:
            raise NotKept(f"{epoch} ends before {last}")
        return found.lines


def _told_by(line: bytes) -> list[tuple[str, int, Told]]:
    """Give what a line of the feed says of stock: of which entry, by which statement about it, how much where."""
    try:
        entry = decode_feed_entry(line)
    except BadInput:
        # Of a later release: then it is told of nowhere in these books either.
        return []
    found: list[tuple[str, int, Told]] = []
    for said in statements(entry):
        scope = None if said.item is None or said.area is None else (str(said.item), str(said.area))
        milli = said.variance_milli if isinstance(said, CountResult) else said.qty_milli
        told = scope, milli if said.status is FeedStatus.STANDS else 0
        found.append((said.entry, statement_number(said.revision), told))
    return found


def _index(view: LogView, place: Place) -> int:
    index = view.index(place.epoch)
    if index is None:
        raise NotKept(f"{place.epoch} is told no more")
    return index


def _is_before(view: LogView, one: Place, other: Place) -> bool:
    return (_index(view, one), one.seq) <= (_index(view, other), other.seq)
