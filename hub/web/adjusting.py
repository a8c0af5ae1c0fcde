"""Adjustments of stock: made once, however often they are asked for under the same key.

The key is kept as the adjustment's document, in the journal itself, so it outlives this process: keys of the last
`REMEMBERED` entries of the journal are known.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from hub.store.store import HubStore
from hub.web.models import NewAdjustment
from hub.web.outside import Outside
from hub.web.problems import Problem
from protocol.errors import BadInput
from protocol.events import Adjustment, decode_journal_entry
from protocol.identity import HUB_STATION, EntryId

REMEMBERED: Final = 5000
_READ_AT_ONCE: Final = 1000
_MAX_BYTES: Final = 1024 * 1024
_KEY: Final = re.compile(r"[\x21-\x7e]{1,128}")


@dataclass(frozen=True, slots=True)
class _Made:
    entry: EntryId
    asked: NewAdjustment


class Adjusting:
    """Appends adjustments to the journal, one at a time."""

    def __init__(self, store: HubStore, outside: Outside) -> None:
        self._store = store
        self._outside = outside
        self._made: OrderedDict[str, _Made] | None = None
        self._one = asyncio.Lock()

    async def adjust(self, asked: NewAdjustment, key: str | None) -> tuple[EntryId, bool]:
        """Give the journal entry, and whether it had been made before.

        Raises `Problem` ("key-reused" for another adjustment's key, "bad-request") and what `Outside.adjust` raises.
        """
        if asked.qty_milli == 0:
            raise Problem("bad-request", "qty_milli: an adjustment of nothing")
        if key is not None and not _KEY.fullmatch(key):
            raise Problem("bad-request", "idempotency-key: 1 to 128 printable ASCII characters without spaces")
        async with self._one:
            if self._made is None:
                self._made = await self._remembered()
            before = None if key is None else self._made.get(key)
            if before is not None:
                if before.asked != asked:
                    raise Problem("key-reused", f"it made {before.entry}, which says something else")
                return before.entry, True
            made, self._made = self._made, None
            entry = await self._outside.adjust(
                Adjustment(
                    self._outside.now_us(),
                    asked.item,
                    asked.area,
                    asked.qty_milli,
                    asked.reason,
                    key,
                    asked.author,
                    asked.note,
                )
            )
            # Had that failed, nobody would know whether the entry is there: the journal would be read again.
            self._made = made
            if key is not None:
                made[key] = _Made(entry, asked)
                while len(made) > REMEMBERED:
                    made.popitem(last=False)
            return entry, False

    async def _remembered(self) -> OrderedDict[str, _Made]:
        made: OrderedDict[str, _Made] = OrderedDict()
        view = self._store.journal.view
        seen = 0
        # Newest first: a journal that was carried on, or put back, began another epoch.
        for index in reversed(range(len(view.lineage))):
            epoch, end = view.lineage[index].epoch, view.end_of(index)
            seq = max(1, end - (REMEMBERED - seen) + 1)
            seen += end - seq + 1
            while seq <= end:
                part = await self._store.journal.read(epoch, seq, _READ_AT_ONCE, _MAX_BYTES)
                for at, line in enumerate(part.lines, part.first):
                    adjustment = _adjustment(line)
                    if adjustment is not None and adjustment.document is not None:
                        made[adjustment.document] = _Made(EntryId(HUB_STATION, epoch, at), _asked(adjustment))
                seq += max(1, len(part.lines))
            if seen >= REMEMBERED:
                break
        return made


def _adjustment(line: bytes) -> Adjustment | None:
    try:
        entry = decode_journal_entry(line)
    except BadInput:
        # Of a later release, perhaps; what it says is the fold's matter.
        return None
    return entry if isinstance(entry, Adjustment) else None


def _asked(adjustment: Adjustment) -> NewAdjustment:
    return NewAdjustment.model_construct(
        item=adjustment.item,
        area=adjustment.area,
        qty_milli=adjustment.qty_milli,
        reason=adjustment.reason,
        author=adjustment.author,
        note=adjustment.note,
    )
