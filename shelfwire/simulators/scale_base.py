"""A scale on a pty that answers when it is asked, and the faults that every dialect can have."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from shelfwire.simulators.on_port import ServingDevice

Trouble = Literal["motion", "over", "under", "unready"]
"""Why a scale has no weight; "unready": it has no zero, or something in it is broken."""


class SimulatedScale(ServingDevice):
    """Has something on its platter or some trouble, and answers questions at any pace; 15 kg capacity.

    Counters: `asked` questions that came whole, `ignored` bytes that belong to none.
    """

    CAPACITY_GRAMS = 15_000

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._grams = 0
        self._net = False
        self._trouble: Trouble | None = None
        self._silent = False
        self._spoil: Callable[[bytes], bytes] | None = None
        self._late_s = 0.0
        self.asked = 0
        self.ignored = 0

    def put(self, grams: int, *, net: bool = False) -> None:
        """Have this much on the platter, at rest. More than the capacity is an overload, less than 0 is under zero."""
        self._grams, self._net = grams, net
        self._trouble = "over" if grams > self.CAPACITY_GRAMS else "under" if grams < 0 else None

    def trouble(self, what: Trouble) -> None:
        """Have no weight to give, until the next `put`."""
        self._trouble = what

    def fall_silent(self, silent: bool = True) -> None:
        """Answer nothing, as with the power off, or answer again."""
        self._silent = silent

    def spoil_next(self, how: Callable[[bytes], bytes]) -> None:
        """Send the next answer as `how` makes it: `half`, `mangled`, `after_noise`."""
        self._spoil = how

    def be_late(self, seconds: float) -> None:
        """Take so long for each answer; 0: answer at once again. What is asked meanwhile waits."""
        self._late_s = seconds

    @abstractmethod
    def answer(self) -> bytes:
        """Give what the question for the weight gets now."""

    @abstractmethod
    def _hear(self, byte: bytes) -> bytes | None:
        """Take a byte from the till; give the question that it ends, if it ends one."""

    def _reply(self, question: bytes) -> bytes:
        """Give what a question gets; only a dialect with several kinds of them has to look at it."""
        return self.answer()

    async def _serve(self) -> None:
        while True:
            data = await self._port.receive()
            if not data:
                await self._port.wait_for_reader(60)
            for byte in data:
                question = self._hear(bytes([byte]))
                if question is None:
                    continue
                self.asked += 1
                if not self._silent:
                    await self._send(self._reply(question))

    async def _send(self, reply: bytes) -> None:
        if self._late_s:
            await asyncio.sleep(self._late_s)
        spoil, self._spoil = self._spoil, None
        await self._port.send(spoil(reply) if spoil else reply)


def half(reply: bytes) -> bytes:
    """Break off in the middle."""
    return reply[: len(reply) // 2]


def mangled(reply: bytes) -> bytes:
    """Set bit 7 of the byte in the middle, as a line with another parity does."""
    middle = len(reply) // 2
    return reply[:middle] + bytes([reply[middle] | 0x80]) + reply[middle + 1 :]


def after_noise(reply: bytes) -> bytes:
    """Have noise on the line before it."""
    return b"~x~" + reply
