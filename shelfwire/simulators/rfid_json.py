"""Readers that tell their reads as JSON, and the HTTP server inside one that streams them."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from typing import Any

from shelfwire.simulators.listening import ListeningDevice

TIME = "2021-07-09T23:35:59.278427551Z"
TIME_US = 1_625_873_759_278_427


def impinj(epc: bytes, antenna: int = 1, rssi_cdbm: int = -5325, *, as_base64: bool = False, **more: Any) -> bytes:
    """A tag as Impinj's IoT device interface tells it; `more` goes into its event."""
    told = {"epc": base64.urlsafe_b64encode(epc).decode()} if as_base64 else {"epcHex": epc.hex().upper()}
    event = {**told, "antennaPort": antenna, "peakRssiCdbm": rssi_cdbm, "lastSeenTime": TIME, **more}
    return _document({"timestamp": TIME, "hostname": "impinj-13-f8-f5", "tagInventoryEvent": event})


def impinj_antenna(antenna: int, connected: bool) -> bytes:
    """An antenna that comes or goes, in Impinj's words."""
    name = "antennaConnectedEvent" if connected else "antennaDisconnectedEvent"
    return _document({"timestamp": TIME, "hostname": "impinj-13-f8-f5", name: {"antennaPort": antenna}})


def impinj_status() -> bytes:
    """What an Impinj reader says beside its tags."""
    return _document({"timestamp": TIME, "inventoryStatusEvent": {"inventoryStatus": "running"}})


def zebra_fx(epc: bytes, antenna: int | None = 1, rssi_dbm: int = -45, reads: int = 1) -> bytes:
    """A tag as the IoT Connector of an FX reader tells it; without its antenna if that is not set."""
    data = {"eventNum": 1, "format": "epc", "idHex": epc.hex(), "peakRssi": rssi_dbm, "reads": reads}
    data |= {} if antenna is None else {"antenna": antenna}
    return _document({"type": "SIMPLE", "timestamp": "2021-07-10T01:35:59.278+0200", "data": data})


def zebra_rfd(*epcs: bytes, rssi_dbm: int = -52, seen: int = 14) -> bytes:
    """Tags as an RFD40 tells them."""
    tags = [{"EPC": epc.hex().upper(), "peakRssi": rssi_dbm, "seenCount": seen, "eventNum": 1} for epc in epcs]
    return _document({"type": "CYCLE_COUNT", "timestamp": "2021-07-09T23:35:59Z", "data": {"tagData": tags}})


def _document(content: dict[str, Any]) -> bytes:
    return json.dumps(content).encode() + b"\n"


class SimulatedStream(ListeningDevice):
    """An HTTP server on 127.0.0.1 that answers every request with a stream of lines.

    `status` is what it answers with; `user` and `password`, if given, must be told. `fall_silent` leaves a request
    without any answer.
    """

    def __init__(self, *, user: str = "", password: str = "") -> None:
        super().__init__()
        self._wanted = f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}" if user else ""
        self._listeners: set[asyncio.StreamWriter] = set()
        self._silent = False
        self.status = "200 OK"
        self.requests: list[str] = []

    @property
    def url(self) -> str:
        """What the agent's `url` setting names."""
        return f"http://127.0.0.1:{self.port}/api/v1/data/stream"

    @property
    def listeners(self) -> int:
        """How many listen now."""
        return len(self._listeners)

    def switch_off(self) -> None:
        """Be gone. Twice is harmless."""
        super().switch_off()
        self.drop()

    def drop(self) -> None:
        """Break all connections without a word."""
        for one in self._listeners:
            one.transport.abort()

    def fall_silent(self) -> None:
        """Take requests and answer nothing."""
        self._silent = True

    async def say(self, data: bytes) -> int:
        """Send to all who listen; gives how many."""
        for one in tuple(self._listeners):
            one.write(data)
            with contextlib.suppress(ConnectionError):
                await one.drain()
        return len(self._listeners)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.requests.append(request.splitlines()[0])
            if self._silent:
                await reader.read()
                return
            allowed = not self._wanted or f"\r\nAuthorization: {self._wanted}\r\n".lower() in request.lower()
            status = self.status if allowed else "401 Unauthorized"
            writer.write(f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n".encode())
            await writer.drain()
            if status.startswith("200"):
                self._listeners.add(writer)
                await reader.read()
        finally:
            self._listeners.discard(writer)
            writer.transport.abort()
