"""The card that lies on QEMU's USB reader of smart cards (`usb-ccid` with `ccid-card-passthru`), played by the harness.

QEMU and a card speak over a socket, in frames of their own (libcacard's vscard_common.h), numbers big-endian::

    type (4)   reader (4)   length (4)   data
    1 init     2 error, 0: done     3 reader added     5 ATR     6 card removed     7 APDU, both ways
"""

from __future__ import annotations

import asyncio
import struct
from types import TracebackType
from typing import Final, Self

from shelfwire.simulators.card import GET_UID, Card

INIT, ERROR, READER_ADD, ATR, CARD_REMOVE, APDU = 1, 2, 3, 5, 6, 7
_HEAD: Final = struct.Struct("!III")
_MAGIC: Final = b"VSCD"
_VERSION: Final = 0x00000002
_UNKNOWN: Final = b"\x6d\x00"
_NOBODY: Final = 0xFFFFFFFF
ASKED_S: Final = 120.0


def frame(kind: int, reader: int, data: bytes = b"") -> bytes:
    """Give a frame as it goes over the socket."""
    return _HEAD.pack(kind, reader, len(data)) + data


class PassedCard:
    """The place on that reader, where at most one card lies. `port` is where QEMU listens for it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader = 0
        self._card: Card | None = None
        self._asked = asyncio.Event()
        self._added = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None

    @property
    def qemu(self) -> list[str]:
        """Give QEMU's words for the reader; it stands on the bus `usb`."""
        return [
            *("-chardev", f"socket,id=card,host=127.0.0.1,port={self._port},server=on,wait=off"),
            *("-device", "usb-ccid,bus=usb.0,id=ccid"),
            *("-device", "ccid-card-passthru,chardev=card"),
        ]

    async def __aenter__(self) -> Self:
        """Connect to the reader of a machine that runs."""
        told, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._task = asyncio.create_task(self._serve(told, self._writer), name="card")
        self._writer.write(frame(INIT, _NOBODY, _MAGIC + struct.pack("!II", _VERSION, 0)))
        self._writer.write(frame(READER_ADD, _NOBODY, b"lab\0"))
        async with asyncio.timeout(ASKED_S):
            await self._added.wait()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None and self._writer is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._writer.close()

    async def put(self, card: Card) -> None:
        """Put a card down, and wait until it was asked for its UID. Raises `TimeoutError`."""
        assert self._writer is not None
        self._card = card
        self._asked.clear()
        self._writer.write(frame(ATR, self._reader, card.atr))
        async with asyncio.timeout(ASKED_S):
            await self._asked.wait()

    def lift(self) -> None:
        """Take the card away. One that is gone before the reader has its answer leaves QEMU's reader waiting for it."""
        assert self._writer is not None
        self._writer.write(frame(CARD_REMOVE, self._reader))
        self._card = None

    async def _serve(self, told: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            kind, reader, length = _HEAD.unpack(await told.readexactly(_HEAD.size))
            data = await told.readexactly(length)
            if kind == ERROR:
                self._reader = reader
                self._added.set()
            elif kind == APDU and self._card is not None:
                is_asked = data == GET_UID
                writer.write(frame(APDU, reader, self._card.answer if is_asked else _UNKNOWN))
                if is_asked:
                    self._asked.set()
