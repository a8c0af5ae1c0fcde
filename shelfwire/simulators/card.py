"""Contactless cards for Debian's vsmartcard-vpcd, a virtual reader for pcscd that a card is put on over TCP.

The reader listens; a card is a connection to it (virtualsmartcard, "Creating a virtual smart card")::

    reader -> card   00 01 00 off, 00 01 01 on, 00 01 02 reset    no answer
                     00 01 04 ATR?                                length (2), ATR
                     length (2), command                          length (2), answer
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from types import TracebackType
from typing import Self

_ATR_WANTED = b"\x04"
GET_UID = bytes.fromhex("FF CA 00 00 00")
_AGAIN_S = 0.02


@dataclass(frozen=True, slots=True)
class Card:
    """What a card says: its ATR, and its answer when it is asked for its UID."""

    atr: bytes
    answer: bytes


def storage_atr(standard: int, name: int) -> bytes:
    """Make the ATR that a reader makes up for a storage card (PC/SC part 3, section 3.1.3.2.3.2)."""
    history = bytes.fromhex("80 4F 0C A0 00 00 03 06") + bytes([standard]) + name.to_bytes(2, "big") + bytes(4)
    return with_check(bytes([0x3B, 0x80 | len(history), 0x80, 0x01]) + history)


def with_check(atr: bytes) -> bytes:
    """Add TCK: all bytes from T0 on, it included, are 0 by exclusive or (ISO/IEC 7816-3, section 8.2.5)."""
    check = 0
    for byte in atr[1:]:
        check ^= byte
    return atr + bytes([check])


def ntag(uid: bytes) -> Card:
    """An NTAG or Ultralight, with 7 bytes of UID."""
    return Card(storage_atr(0x03, 0x0003), uid + b"\x90\x00")


def icode(uid: bytes) -> Card:
    """An ISO 15693 label (ICODE SLI), with 8 bytes of UID."""
    return Card(storage_atr(0x0B, 0x0014), uid + b"\x90\x00")


def with_contacts() -> Card:
    """A card that knows no such command."""
    return Card(bytes.fromhex("3B 02 14 50"), b"\x6d\x00")


class SimulatedCard:
    """The place above one virtual reader's slot, where at most one card lies. `port` is the slot's.

    Counter: `asked`, how often a card was asked for its UID.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._writer: asyncio.StreamWriter | None = None
        self._lying: asyncio.Task[None] | None = None
        self._was_asked = asyncio.Event()
        self.asked = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.lift()

    async def tap(self, card: Card, *, timeout_s: float = 10.0) -> None:
        """Put a card down, and take it away once it was asked for its UID. Raises `TimeoutError`."""
        async with asyncio.timeout(timeout_s):
            await self.lay(card)
            await self._was_asked.wait()
        await self.lift()

    async def lay(self, card: Card) -> None:
        """Put a card down, the one before taken away; waits until a reader is there."""
        await self.lift()
        while True:
            try:
                reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
                break
            except ConnectionError:
                await asyncio.sleep(_AGAIN_S)
        self._was_asked.clear()
        self._lying = asyncio.create_task(self._answer(reader, self._writer, card), name=f"card {self._port}")

    async def lift(self) -> None:
        """Take the card away. Twice is harmless."""
        if self._lying is not None and self._writer is not None:
            lying, writer = self._lying, self._writer
            self._lying = self._writer = None
            lying.cancel()
            await asyncio.wait([lying])
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, card: Card) -> None:
        try:
            while True:
                command = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
                if command == _ATR_WANTED:
                    answer = card.atr
                elif len(command) < 2:
                    continue
                elif command == GET_UID:
                    answer = card.answer
                else:
                    answer = b"\x6d\x00"
                writer.write(len(answer).to_bytes(2, "big") + answer)
                await writer.drain()
                if command == GET_UID:
                    self.asked += 1
                    self._was_asked.set()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the reader was unplugged, or pcscd is gone; the card lies there without power
