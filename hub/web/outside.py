"""What the web needs that is not in the store, as the composition root hands it in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from protocol.events import Adjustment
from protocol.identity import EntryId, StoreId


class HqStatus(Protocol):
    """How the exchange with HQ stands; a backlog is entries HQ is not known to have, None before it ever answered."""

    @property
    def connected(self) -> bool: ...

    @property
    def feed_backlog(self) -> int | None: ...

    @property
    def journal_backlog(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Outside:
    """The rest of the hub, as far as the web looks at it.

    `adjust` appends to the journal and returns once that is durable, with where the entry stands; it raises the store's
    `TryAgain` and `BadInput`. `hq` answers None for a hub that runs without HQ. `contested` are logs with two live
    writers and the incarnations found alive; `choose` lets one of them go on. `stopping`, once set, ends the live
    updates, which a server that waits for its connections would otherwise wait for.
    """

    store: StoreId
    now_us: Callable[[], int]
    adjust: Callable[[Adjustment], Awaitable[EntryId]]
    broker_connected: Callable[[], bool]
    hq: Callable[[], HqStatus | None]
    contested: Callable[[], Mapping[str, tuple[int, ...]]]
    choose: Callable[[str, int], Awaitable[None]]
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
