"""Adjustments and conversions of stock as REST asks for them: checked, made once under a key, told."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from hub.store.store import HubStore
from hub.web.outside import Outside
from hub.web.problems import Problem
from hub.web.stock_models import NewAdjustment, NewConversion
from protocol.decisions import Adjustment
from protocol.events import Reason
from protocol.identity import EntryId

_KEY: Final = re.compile(r"[\x21-\x7e]{1,128}")


@dataclass(frozen=True, slots=True)
class Adjusting:
    """Appends adjustments to the journal."""

    store: HubStore
    outside: Outside

    async def adjust(self, asked: NewAdjustment, key: str | None) -> tuple[EntryId, bool]:
        """Give the journal entry, and whether it had been made before.

        Raises `Problem` ("bad-request"), and as `HubStore.decide` does ("key-reused").
        """
        if asked.qty_milli == 0:
            raise Problem("bad-request", "qty_milli: an adjustment of nothing")
        return await self.store.decide(
            Adjustment(
                self.outside.now_us(),
                asked.item,
                asked.area,
                asked.qty_milli,
                asked.reason,
                asked.document,
                asked.author,
                asked.note,
                "" if key is None else read_key(key),
            )
        )

    async def convert(self, asked: NewConversion, key: str | None) -> tuple[list[EntryId], bool]:
        """Give the journal entries, what was used first, and whether they had been made before.

        Raises `Problem` ("bad-request") for an item that is named twice, and as `HubStore.convert` does.
        """
        named = [portion.item for portion in (*asked.used, *asked.made)]
        if len(set(named)) < len(named):
            raise Problem("bad-request", "used, made: an item is named twice")
        signed = [(portion.item, -portion.qty_milli) for portion in asked.used]
        signed += [(portion.item, portion.qty_milli) for portion in asked.made]
        now_us, under = self.outside.now_us(), "" if key is None else read_key(key)
        return await self.store.convert(
            [
                Adjustment(
                    now_us,
                    item,
                    asked.area,
                    qty_milli,
                    Reason.REPACK,
                    asked.document,
                    asked.author,
                    asked.note,
                    # Each says of how many it is one: what has the first in common and not the rest is another deed.
                    f"{under} {number}/{len(signed)}" if under and number > 1 else under,
                )
                for number, (item, qty_milli) in enumerate(signed, 1)
            ]
        )


def read_key(header: str) -> str:
    """Read an `Idempotency-Key`: a string as RFC 8941, section 3.3.3, quotes it, or bare. Raises `Problem`."""
    key = header[1:-1] if len(header) > 1 and header[0] == header[-1] == '"' else header
    if not _KEY.fullmatch(key) or '"' in key or "\\" in key:
        raise Problem("bad-request", "idempotency-key: 1 to 128 printable ASCII characters without spaces")
    return key
