"""An RFID reader on TCP that speaks LLRP, with the faults of real ones."""

from __future__ import annotations

import asyncio
import contextlib
import struct

from shelfwire.simulators import llrp_speech as speech
from shelfwire.simulators.listening import ListeningDevice

NAMES = {
    2: "GET_READER_CONFIG",
    3: "SET_READER_CONFIG",
    14: "CLOSE_CONNECTION",
    20: "ADD_ROSPEC",
    21: "DELETE_ROSPEC",
    22: "START_ROSPEC",
    24: "ENABLE_ROSPEC",
    72: "KEEPALIVE_ACK",
}
A_INVALID, M_UNSUPPORTED = 300, 109


class SimulatedLlrpReader(ListeningDevice):
    """One reader with antennas 1 to 4, on 127.0.0.1; its ROSpecs outlive a connection, as in a real one.

    It takes one client at a time. `refuse` makes it answer a request with an error; `ghost` makes it believe, after a
    connection broke, that its client is still there until `forget`. `requests` is what it was asked, oldest first.
    """

    def __init__(self, *, port: int = 0) -> None:
        super().__init__(port)
        self._client: asyncio.StreamWriter | None = None
        self._refused: dict[str, tuple[int, str]] = {}
        self._silent = False
        self._half = False
        self._speaking = asyncio.Lock()
        self._ghost = False
        self._haunted = False
        self._keepalive_s = 0.0
        self.rospecs: dict[int, str] = {}
        """State of each: "disabled", "enabled" or "active"."""
        self.antennas = {1: True, 2: True, 3: False, 4: False}
        self.requests: list[str] = []
        self.refused_clients = 0
        self.acknowledged = 0
        self.added = b""
        """The last ADD_ROSPEC's body."""

    @property
    def reading(self) -> bool:
        """Whether a client is there and has an active ROSpec."""
        return self._client is not None and "active" in self.rospecs.values()

    @property
    def connected(self) -> bool:
        return self._client is not None

    def switch_off(self) -> None:
        """Lose power: no client, no ROSpec, nobody listens. Twice is harmless."""
        super().switch_off()
        self.rospecs.clear()
        self._haunted = False
        self._hang_up()
        if self._client is not None:
            self._client.transport.abort()
            self._client = None

    def refuse(self, request: str, code: int, said: str = "") -> None:
        """Answer this request with an error from now on; code 0 is none."""
        self._refused[request] = (code, said)

    def fall_silent(self, silent: bool = True) -> None:
        """Say nothing, keepalives neither, with the connection left open."""
        self._silent = silent

    def halve(self, half: bool = True) -> None:
        """Send each message in two halves, a moment apart."""
        self._half = half

    def ghost(self) -> None:
        """Do not notice when the next connection breaks."""
        self._ghost = True

    def forget(self) -> None:
        """Notice at last that the client of the ghost connection is gone."""
        self._haunted = False

    async def see(self, *tags: bytes) -> bool:
        """Report these tags (`llrp_speech.tag`); False if nobody has it reading."""
        if not self.reading:
            return False
        await self.say(speech.report(*tags))
        return True

    async def set_antenna(self, antenna: int, connected: bool) -> None:
        """Plug an antenna in or out, and say so."""
        self.antennas[antenna] = connected
        await self.say(speech.antenna_event(antenna, connected))

    async def say(self, data: bytes) -> None:
        """Send these bytes to the client, whatever they are."""
        async with self._speaking:
            client = self._client
            if client is None or self._silent:
                return
            cut = len(data) // 2 if self._half else len(data)
            for part in (data[:cut], data[cut:]):
                client.write(part)
                with contextlib.suppress(ConnectionError):
                    await client.drain()
                if self._half:
                    await asyncio.sleep(0.005)

    def drop(self) -> None:
        """Break the connection without a word; ROSpecs stay."""
        if self._client is not None:
            self._client.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._client is not None or self._haunted:
            self.refused_clients += 1
            writer.write(speech.connection_attempt(2))
            await writer.drain()
            return
        self._client = writer
        keeping: asyncio.Task[None] | None = None
        try:
            await self.say(speech.connection_attempt(0))
            keeping = asyncio.create_task(self._keep_alive())
            while True:
                kind, length, ident = struct.unpack(">HII", await reader.readexactly(10))
                body = await reader.readexactly(length - 10)
                await self._hear(kind & 0x3FF, ident, body)
        finally:
            if keeping is not None:
                keeping.cancel()
            if self._client is writer:
                self._client = None
                self._haunted, self._ghost = self._ghost, False

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(self._keepalive_s or 0.01)
            if self._keepalive_s:
                await self.say(speech.keepalive(77))

    async def _hear(self, kind: int, ident: int, body: bytes) -> None:
        if kind == 72:
            self.acknowledged += 1
            return
        name = NAMES.get(kind, str(kind))
        self.requests.append(name)
        if self._silent:
            return
        code, said = self._refused.get(name, (0, ""))
        if kind == 14:
            self._keepalive_s = 0.0
            await self.say(speech.answer(4, ident, code, said))
            self.drop_politely()
            return
        if not code:
            code, said = self._obey(kind, body)
        more = b"".join(speech.antenna_properties(*one) for one in self.antennas.items()) if kind == 2 else b""
        await self.say(speech.answer(kind + 10, ident, code, said, more=b"" if code else more))

    def drop_politely(self) -> None:
        """End the connection from the reader's side."""
        if self._client is not None:
            self._client.close()

    def _obey(self, kind: int, body: bytes) -> tuple[int, str]:
        """Carry a request out; gives the status."""
        if kind == 20:
            (rospec,) = struct.unpack_from(">I", body, 4)
            if rospec in self.rospecs or body[9] != 0:
                return A_INVALID, "ROSpec exists already, or is not disabled"
            self.rospecs[rospec] = "disabled"
            self.added = body
            return 0, ""
        if kind in (21, 22, 24):
            (rospec,) = struct.unpack(">I", body)
            return self._turn(kind, rospec)
        if kind == 3:
            self._keepalive_s = _keepalive_s(body)
        return (0, "") if kind in (2, 3) else (M_UNSUPPORTED, "unsupported message")

    def _turn(self, kind: int, rospec: int) -> tuple[int, str]:
        """DELETE, START or ENABLE a ROSpec."""
        if kind == 21 and rospec == 0:
            self.rospecs.clear()
            return 0, ""
        wanted = {22: "enabled", 24: "disabled"}.get(kind, self.rospecs.get(rospec))
        if rospec not in self.rospecs or self.rospecs[rospec] != wanted:
            return A_INVALID, "no such ROSpec, or not in that state"
        if kind == 21:
            del self.rospecs[rospec]
        else:
            self.rospecs[rospec] = "active" if kind == 22 else "enabled"
        return 0, ""


def _keepalive_s(body: bytes) -> float:
    """Give the period that a SET_READER_CONFIG asks for, 0 for none."""
    at = 1
    while at + 4 <= len(body):
        kind, length = struct.unpack_from(">HH", body, at)
        if kind == 220 and body[at + 4] == 1:
            (period_ms,) = struct.unpack_from(">I", body, at + 5)
            return float(period_ms) / 1000
        at += length
    return 0.0
