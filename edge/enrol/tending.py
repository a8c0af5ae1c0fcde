"""Keeps an identity good: renews its certificate in time, sees that the new key connects, and hears of its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from edge.enrol.api import Wire
from edge.enrol.enrolment import Enrolment
from edge.errors import EdgeError
from protocol.enrolment import Papers

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Waits:
    """How often things are looked at, in seconds.

    `renew`: when a renewal that failed is tried again, for the first of twenty days. `look`: how often the hub is
    asked whether we are still who we are. `doubt`: without a broker for so long, it is asked as well, or at once if
    the broker will not have us; and every `doubt_again`. `fresh`: how long the new key has to connect before the old
    one is used again, for `old`.
    """

    tick: float = 1.0
    renew: float = 600.0
    look: float = 6 * 3600.0
    doubt: float = 15.0
    doubt_again: float = 60.0
    fresh: float = 30.0
    old: float = 3600.0


OF_A_SHOP = Waits()


class Tending:
    """Runs until cancelled. `turned` is set once there are other papers than those worked by, or none any more."""

    def __init__(
        self,
        enrolment: Enrolment,
        in_thread: Callable[[Callable[[], None]], Awaitable[Any]],
        waits: Waits,
    ) -> None:
        self._enrolment = enrolment
        self._folder = enrolment.folder
        self._in_thread = in_thread
        self._waits = waits
        self.turned = asyncio.Event()
        self.working_by: tuple[Papers, str] | None = None

    async def run(self, wire: Wire) -> None:
        """Look at everything once a tick."""
        waits, time_s = self._waits, asyncio.get_running_loop().time
        connected_s = dialled_s = time_s()
        renew_s, look_s, doubt_s = 0.0, time_s() + waits.look, 0.0
        uses_old = False
        while True:
            await asyncio.sleep(waits.tick)
            record, now_s = self._folder.record, time_s()
            if record.works_by != self.working_by:
                self.turned.set()
            if record.named is None:
                continue
            if wire.connected:
                connected_s = now_s
            if record.fresh is not None:
                if wire.connected and not uses_old:
                    if await self._done(self._folder.settle, "old key not erased"):
                        _log.info("renewed", extra={"serial": record.fresh.serial})
                elif now_s - dialled_s >= (waits.old if uses_old else waits.fresh):
                    # A hub that was restored does not know the new certificate, or its broker's list is too new for it:
                    # the old one is good for twenty days more.
                    uses_old, dialled_s = not uses_old, now_s
                    await self._done(partial(self._folder.use, fresh=not uses_old), "keys not changed")
                    wire.redial()
            elif record.held is not None and self._enrolment.moment.now_us >= record.held.renew_us and now_s >= renew_s:
                renew_s = now_s + waits.renew
                if await self._done(self._enrolment.renew, "not renewed"):
                    uses_old, dialled_s = False, now_s
                    wire.redial()
            in_doubt = wire.doubted or now_s - connected_s >= waits.doubt
            if now_s >= look_s or (in_doubt and now_s >= doubt_s):
                look_s, doubt_s = now_s + waits.look, now_s + waits.doubt_again
                await self._done(self._enrolment.look, "hub not asked")

    async def _done(self, job: Callable[[], None], failed: str) -> bool:
        try:
            await self._in_thread(job)
        except (EdgeError, OSError) as error:
            _log.warning(failed, extra={"error": str(error)})
            return False
        return True
