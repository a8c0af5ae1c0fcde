"""What the web needs that is not in the store, as the composition root hands it in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from hub.ledger.asking import Tolerance
from hub.store.kept import BackupStatus
from hub.store.views import Change, RecentEvent
from hub.tokens import NO_TOKENS, Tokens
from hub.web.catching_up import NOTHING, CatchingUp
from hub.web.enrolling import Enrolling
from hub.wire.carrying import Carrier
from protocol.handshake import Trouble
from protocol.identity import StoreId


class HqStatus(Protocol):
    """How the exchange with HQ stands; a backlog is entries HQ is not known to have, None before it ever answered."""

    @property
    def connected(self) -> bool: ...

    @property
    def feed_backlog(self) -> int | None: ...

    @property
    def journal_backlog(self) -> int | None: ...

    @property
    def trouble(self) -> Trouble | None: ...


class KeptElsewhere(Protocol):
    """The second keeping of the hub's file."""

    @property
    def status(self) -> BackupStatus: ...

    def back_up_soon(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Outside:
    """The rest of the hub, as far as the web looks at it.

    `broker_trouble` is what stood between the hub and its broker at the last call, `broker_current` whether that is
    known to have taken who may speak, None where the hub does not look after it; `broker_list_until_us` is when its
    list of the revoked is too old, from when on it refuses everybody. `hq` answers None for a hub without
    HQ. `contested` are logs with two live writers and the incarnations found alive; `choose` lets one of them go on.
    `safekeeping` is None for a hub that keeps nothing elsewhere. `carrier` takes logs that were carried here in files.
    `stopping`,
    once set, ends the live updates, which a server that waits for its connections would otherwise wait for.

    `uncounted` gives so many scans at most that stations show and their logs have not brought yet, newest first;
    `sighted` tells of new ones. `catching_up` is how far the books are behind. `tokens` are those that are known now.
    `enrolling` is None for a hub that enrols no stations. `tolerances`, by category of items, say by how much counts
    may differ without a person being asked. `releases` is the folder of bundles for machines.
    """

    store: StoreId
    now_us: Callable[[], int]
    broker_connected: Callable[[], bool]
    hq: Callable[[], HqStatus | None]
    contested: Callable[[], Mapping[str, tuple[int, ...]]]
    choose: Callable[[str, int], Awaitable[None]]
    safekeeping: KeptElsewhere | None = None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    carrier: Carrier | None = None
    uncounted: Callable[[int], tuple[RecentEvent, ...]] = lambda _: ()
    sighted: Callable[[], AsyncIterator[Change]] | None = None
    catching_up: Callable[[], CatchingUp] = lambda: NOTHING
    tokens: Callable[[], Tokens] = lambda: NO_TOKENS
    broker_trouble: Callable[[], Trouble | None] = lambda: None
    broker_current: Callable[[], bool | None] = lambda: None
    broker_list_until_us: Callable[[], int | None] = lambda: None
    enrolling: Enrolling | None = None
    tolerances: Mapping[str, Tolerance] = field(default_factory=dict[str, Tolerance])
    releases: Path | None = None
