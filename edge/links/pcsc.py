"""A contactless card reader behind pcscd, watched by one thread with pyscard's plain calls.

pyscard's own card monitor ends without a word when pcscd is restarted, and asks ten times a second while it lives. Here
`SCardGetStatusChange` sleeps until the reader changes, whatever it returns instead ends the watch, and the runner opens
the reader anew: a new context, the readers listed afresh.
"""

from __future__ import annotations

import asyncio
import importlib
import threading
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self, cast

from edge.errors import ContractBroken, HardwareAbsent

GET_UID = [0xFF, 0xCA, 0x00, 0x00, 0x00]
"""GET DATA, the card's number (PC/SC part 3, section 3.2.2.1.3)."""
WAIT_S = 60.0
"""One sleep of the watch. A change, a lost pcscd or `close` ends it before; this is for a pcscd that hangs."""
ANSWER_S = 5.0
"""What pcscd may take to answer: after a sleep, and when a reader is opened."""
CLOSE_S = 2.0
CARDS_WAITING = 64
_FIRST_CANCEL_S, _LAST_CANCEL_S = 0.05, 2.0

_HANGS = "pcscd does not answer"
_EVENT_COUNT = 0xFFFF0000
"""pcscd counts a reader's cards, put down and taken away, in the upper half of its state (winscard.h)."""


class PcscLink:
    """One reader, named by a part of its name that no other reader's has.

    A card that lay there when the reader was opened was not put there now, and is not told of.
    """

    def __init__(self, reader: str) -> None:
        self._reader = reader
        self._watch: _Watch | None = None
        self._before: _Watch | None = None

    async def __aenter__(self) -> Self:
        """Begin to watch. Raises `HardwareAbsent`: no pyscard, no pcscd or one that hangs, not one such reader."""
        if self._watch is not None:
            raise ContractBroken(f"{self._reader} is open already")
        if self._before is not None and not self._before.gone.is_set():
            # Its thread still waits for pcscd: one more would wait beside it.
            raise HardwareAbsent(_HANGS)
        watch = self._before = _Watch(self._reader, asyncio.get_running_loop())
        watch.start()
        try:
            async with asyncio.timeout(ANSWER_S):
                await watch.begun.wait()
        except TimeoutError:
            watch.stop()
            raise HardwareAbsent(_HANGS) from None
        except BaseException:
            watch.stop()
            raise
        if watch.why:
            raise HardwareAbsent(watch.why)
        self._watch = watch
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    @property
    def why(self) -> str:
        """Why the reader is gone; "" while it is not."""
        return "" if self._watch is None else self._watch.why

    def close(self) -> None:
        """Have the watch end; a `read` that waits gets b"". Twice is harmless."""
        if self._watch is not None:
            watch, self._watch = self._watch, None
            watch.stop()

    async def aclose(self) -> None:
        """Close, and wait until the thread has let go of pcscd; no longer than `CLOSE_S` if pcscd hangs."""
        watch = self._watch
        self.close()
        if watch is not None:
            try:
                async with asyncio.timeout(CLOSE_S):
                    await watch.gone.wait()
            except TimeoutError:
                pass  # the thread is a daemon and ends when pcscd answers or dies

    async def read(self) -> bytes:
        """Wait for a card: its ATR, with its length before it, then its answer to `GET_UID`, empty if it got away.

        b"" when the reader is gone, and ever after. Raises `ContractBroken` if not open.
        """
        if self._watch is None:
            raise ContractBroken(f"{self._reader} is not open")
        return await self._watch.next()


class _Watch:
    """One opening of the reader: the thread, and what it hands to the event loop."""

    def __init__(self, reader: str, loop: asyncio.AbstractEventLoop) -> None:
        self._reader = reader
        self._loop = loop
        self._thread = threading.Thread(target=self._run, name=f"pcsc {reader}", daemon=True)
        self._stopping = threading.Event()
        self._done = threading.Event()
        self._cancel: Callable[[], object] | None = None
        self._cards: deque[bytes] = deque(maxlen=CARDS_WAITING)
        self._some = asyncio.Event()
        self.begun = asyncio.Event()
        """Set once the reader is watched, or it is known that it cannot be."""
        self.gone = asyncio.Event()
        self.why = ""
        self._looks = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Have the thread end and whoever waits woken, without waiting: pcscd may hang."""
        self._stopping.set()
        self._some.set()
        threading.Thread(target=self._wake, name=f"pcsc-cancel {self._reader}", daemon=True).start()

    async def next(self) -> bytes:
        while not self._some.is_set():
            looks = self._looks
            try:
                async with asyncio.timeout(WAIT_S + ANSWER_S):
                    await self._some.wait()
            except TimeoutError:
                if self._looks == looks:
                    self.why = _HANGS
                    return b""
        if self._stopping.is_set() or not self._cards:
            return b""
        card = self._cards.popleft()
        if not self._cards and not self.gone.is_set():
            self._some.clear()
        return card

    # In the event loop, told by the thread

    def _is_watched(self) -> None:
        self.begun.set()

    def _has_card(self, card: bytes) -> None:
        self._cards.append(card)
        self._some.set()

    def _is_gone(self, why: str) -> None:
        self.why = self.why or why
        self.gone.set()
        self.begun.set()
        self._some.set()

    # In threads

    def _wake(self) -> None:
        # A cancel before the sleep it is meant for is lost, so it is said until it is heard.
        again_s = _FIRST_CANCEL_S
        while not self._done.is_set():
            if self._cancel is not None:
                self._cancel()
            self._done.wait(again_s)
            again_s = min(2 * again_s, _LAST_CANCEL_S)

    def _run(self) -> None:
        try:
            why = self._watch()
        except Exception as error:  # noqa: BLE001 - an extension in C raises what it likes; here it is a reader gone
            why = f"pyscard broke: {type(error).__name__}: {error}"
        self._done.set()
        self._tell(lambda: self._is_gone(why))

    def _tell(self, what: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(what)
        except RuntimeError:
            self._stopping.set()  # the loop was closed: nobody is left to tell

    def _watch(self) -> str:
        """Watch until something ends it, and say what that was."""
        try:
            scard = cast("_Scard", importlib.import_module("smartcard.scard"))
        except ImportError as error:
            return f"no pyscard here: {error}"
        result, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
        if result != scard.SCARD_S_SUCCESS:
            return f"no pcscd here: {scard.SCardGetErrorMessage(result)}"
        self._cancel = lambda: scard.SCardCancel(context)
        try:
            _, readers = scard.SCardListReaders(context, [])
            found = [name for name in readers if self._reader in name]
            if len(found) != 1:
                there = ", ".join(readers) or "none"
                return f"pcscd has {len(found) or 'no'} readers called {self._reader!r}; there: {there}"
            return self._attend(scard, context, found[0])
        finally:
            scard.SCardReleaseContext(context)

    def _attend(self, scard: _Scard, context: int, reader: str) -> str:
        known: int | None = None
        while not self._stopping.is_set():
            asked = [(reader, scard.SCARD_STATE_UNAWARE if known is None else known)]
            result, states = scard.SCardGetStatusChange(context, round(WAIT_S * 1000), asked)
            self._looks += 1
            if result == scard.SCARD_E_TIMEOUT:
                continue
            if result != scard.SCARD_S_SUCCESS:
                return f"pcscd: {scard.SCardGetErrorMessage(result)}"
            _, state, atr = states[0]
            if state & (scard.SCARD_STATE_UNKNOWN | scard.SCARD_STATE_UNAVAILABLE | scard.SCARD_STATE_IGNORE):
                return f"{reader} was unplugged"
            if known is None:
                self._tell(self._is_watched)
            elif state & scard.SCARD_STATE_PRESENT and (
                not known & scard.SCARD_STATE_PRESENT or (state ^ known) & _EVENT_COUNT
            ):
                card = bytes([len(atr)]) + bytes(atr) + _uid_answer(scard, context, reader)
                self._tell(lambda card=card: self._has_card(card))  # type: ignore[misc]
            known = state & ~scard.SCARD_STATE_CHANGED
        return "closed"


def _uid_answer(scard: _Scard, context: int, reader: str) -> bytes:
    """Ask the card for its number; b"" if it cannot be asked: gone already, or held by another program."""
    result, card, protocol = scard.SCardConnect(
        context, reader, scard.SCARD_SHARE_SHARED, scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
    )
    if result != scard.SCARD_S_SUCCESS:
        return b""
    try:
        pci = scard.SCARD_PCI_T0 if protocol == scard.SCARD_PROTOCOL_T0 else scard.SCARD_PCI_T1
        result, answer = scard.SCardTransmit(card, pci, GET_UID)
        return bytes(answer) if result == scard.SCARD_S_SUCCESS else b""
    finally:
        scard.SCardDisconnect(card, scard.SCARD_LEAVE_CARD)


class _Scard(Protocol):
    """The part of `smartcard.scard` that is used; pyscard publishes no types. It lets other threads run meanwhile."""

    SCARD_SCOPE_USER: int
    SCARD_SHARE_SHARED: int
    SCARD_PROTOCOL_T0: int
    SCARD_PROTOCOL_T1: int
    SCARD_PCI_T0: int
    SCARD_PCI_T1: int
    SCARD_LEAVE_CARD: int
    SCARD_S_SUCCESS: int
    SCARD_E_TIMEOUT: int
    SCARD_STATE_UNAWARE: int
    SCARD_STATE_IGNORE: int
    SCARD_STATE_CHANGED: int
    SCARD_STATE_UNKNOWN: int
    SCARD_STATE_UNAVAILABLE: int
    SCARD_STATE_PRESENT: int

    def SCardEstablishContext(self, scope: int, /) -> tuple[int, int]: ...  # noqa: N802 - PC/SC's names
    def SCardReleaseContext(self, context: int, /) -> int: ...  # noqa: N802
    def SCardCancel(self, context: int, /) -> int: ...  # noqa: N802
    def SCardListReaders(self, context: int, groups: list[str], /) -> tuple[int, list[str]]: ...  # noqa: N802
    def SCardGetStatusChange(  # noqa: N802
        self, context: int, timeout_ms: int, states: list[tuple[str, int]], /
    ) -> tuple[int, list[tuple[str, int, list[int]]]]: ...
    def SCardConnect(  # noqa: N802
        self, context: int, reader: str, sharing: int, protocols: int, /
    ) -> tuple[int, int, int]: ...
    def SCardTransmit(self, card: int, pci: int, command: list[int], /) -> tuple[int, list[int]]: ...  # noqa: N802
    def SCardDisconnect(self, card: int, disposition: int, /) -> int: ...  # noqa: N802
    def SCardGetErrorMessage(self, result: int, /) -> str: ...  # noqa: N802
