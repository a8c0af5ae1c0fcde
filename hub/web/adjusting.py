"""Adjustments of stock as REST asks for them: checked, made once under a key, told."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from hub.store.store import HubStore
from hub.web.outside import Outside
from hub.web.problems import Problem
from hub.web.stock_models import NewAdjustment
from protocol.decisions import Adjustment
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


def read_key(header: str) -> str:
    """Read an `Idempotency-Key`: a string as RFC 8941, section 3.3.3, quotes it, or bare. Raises `Problem`."""
    key = header[1:-1] if len(header) > 1 and header[0] == header[-1] == '"' else header
    if not _KEY.fullmatch(key) or '"' in key or "\\" in key:
        raise Problem("bad-request", "idempotency-key: 1 to 128 printable ASCII characters without spaces")
    return key
