"""Tells the event loop's parts what has become durable, coalesced for those that are busy."""

from __future__ import annotations

import asyncio
from weakref import WeakSet

from hub.store.views import Change

_NOTHING = Change()


class Subscription:
    """An async iterator of changes since its making; ends when the store closes. Not for two tasks at once."""

    def __init__(self) -> None:
        self._pending = _NOTHING
        self._ended = False
        self._woken = asyncio.Event()

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> Change:
        while self._pending == _NOTHING:
            if self._ended:
                raise StopAsyncIteration
            self._woken.clear()
            await self._woken.wait()
        change, self._pending = self._pending, _NOTHING
        return change

    def tell(self, change: Change) -> None:
        """Add to what is not yet told."""
        self._pending = self._pending.and_also(change)
        self._woken.set()

    def end(self) -> None:
        """Tell what is pending, then no more."""
        self._ended = True
        self._woken.set()


class Changes:
    """Everybody who wants to know. A subscription nobody holds any more is forgotten."""

    def __init__(self) -> None:
        self._subscriptions: WeakSet[Subscription] = WeakSet()

    def subscribe(self) -> Subscription:
        """Tell of what happens from now on."""
        subscription = Subscription()
        self._subscriptions.add(subscription)
        return subscription

    def tell(self, change: Change) -> None:
        """Tell everybody; to be called on the event loop."""
        for subscription in list(self._subscriptions):
            subscription.tell(change)

    def end(self) -> None:
        """End every subscription: the store closes."""
        for subscription in list(self._subscriptions):
            subscription.end()
        self._subscriptions.clear()
