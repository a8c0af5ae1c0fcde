"""A Zebra scanner that speaks Simple Serial Interface, with what goes wrong on its cable."""

from __future__ import annotations

import asyncio
from enum import Enum
from pathlib import Path

from shelfwire.simulators.on_port import DeviceOnPort

EAN_13, GS1_DATAMATRIX = 0x0B, 0xC1

_DECODE_DATA, _ACK, _NAK = 0xF3, 0xD0, 0xD1
_RESEND, _MORE = 1, 2
_NAK_RESEND = 1
_ROOM = 250
"""Bytes of a code that one packet takes."""


class Fault(Enum):
    """What happens to the next packet that is sent, once."""

    DAMAGED = "damaged"
    """A bit of the code is turned over on the way."""
    LOST = "lost"
    """It does not arrive."""
    CUT = "cut"
    """Only its first half arrives."""
    NOISE = "noise"
    """Line noise comes before it."""
    DEAF = "deaf"
    """It arrives, but the answer to it does not."""


class SimulatedSsiScanner(DeviceOnPort):
    """Sends codes as packets, waits for an answer to each, and sends one that got none twice more, marked as resent.

    `patience_s` is how long it waits (2 s in a scanner from the factory). Counters, since it was made: `sent` codes, of
    these `accepted`, `refused` and `unanswered` (the scanner tells its user of a transmission error); `resent` packets.
    """

    def __init__(self, path: Path, *, patience_s: float = 2.0, each_packet: bool = True) -> None:
        super().__init__(path)
        self._patience_s = patience_s
        self._each_packet = each_packet
        self._faults: list[Fault] = []
        self._received = bytearray()
        self._one_at_a_time = asyncio.Lock()
        self.sent = 0
        self.accepted = 0
        self.refused = 0
        self.unanswered = 0
        self.resent = 0

    def suffer(self, *faults: Fault) -> None:
        """Have these happen to the packets that are sent next, one each, resends included."""
        self._faults += faults

    async def scan(self, code: bytes, kind: int = EAN_13) -> bool | None:
        """Read a code of a code type: True when it was accepted, False when refused, None when nobody said."""
        async with self._one_at_a_time:
            self._received.clear()
            self._port.receive_waiting()
            content = bytes([kind]) + code
            parts = [content[at : at + _ROOM] for at in range(0, len(content), _ROOM)]
            answer: bool | None = None
            if self._each_packet:
                for number, part in enumerate(parts, 1):
                    answer = await self._until_answered([(part, number < len(parts))])
                    if answer is not True:
                        break
            else:
                answer = await self._until_answered([(part, n < len(parts)) for n, part in enumerate(parts, 1)])
            self.sent += 1
            self.accepted += answer is True
            self.refused += answer is False
            self.unanswered += answer is None
            return answer

    async def _until_answered(self, parts: list[tuple[bytes, bool]]) -> bool | None:
        """Send packets up to three times; ask again at once where the station asked for a resend."""
        for attempt in range(3):
            deaf = False
            for data, more in parts:
                status = (_RESEND if attempt else 0) | (_MORE if more else 0)
                deaf |= await self._transmit(_packet(_DECODE_DATA, data, status))
                self.resent += bool(attempt)
            if deaf:
                # What comes in the meantime is the answer that got lost.
                await asyncio.sleep(self._patience_s)
                self._port.receive_waiting()
                continue
            answer = await self._answer()
            if answer is not None and answer != bytes([_NAK, _NAK_RESEND]):
                return answer[0] == _ACK
        return None

    async def _transmit(self, frame: bytes) -> bool:
        """Send a packet with the next fault on it; True if its answer is to get lost."""
        fault = self._faults.pop(0) if self._faults else None
        if fault is Fault.DAMAGED:
            frame = frame[:6] + bytes([frame[6] ^ 0x01]) + frame[7:]
        elif fault is Fault.CUT:
            frame = frame[: len(frame) // 2]
        elif fault is Fault.NOISE:
            frame = b"\xff\x00\x9c\x03" + frame
        if fault is not Fault.LOST:
            await self._port.send(frame)
        return fault is Fault.DEAF

    async def _answer(self) -> bytes | None:
        """Wait for a packet from the station: its opcode and data. None if none came in time."""
        try:
            async with asyncio.timeout(self._patience_s):
                while True:
                    held = self._received
                    if held and len(held) >= held[0] + 2:
                        frame = bytes(held[: held[0] + 2])
                        del held[: len(frame)]
                        if frame == _packet(frame[1], frame[4:-2], frame[3], source=4) and frame[1] in (_ACK, _NAK):
                            return bytes([frame[1]]) + frame[4:-2]
                        continue
                    data = await self._port.receive()
                    held += data
                    if not data:
                        await self._port.wait_for_reader(self._patience_s)
        except TimeoutError:
            return None


def _packet(opcode: int, data: bytes, status: int, *, source: int = 0) -> bytes:
    """The scanner's own way to build a packet, so that a fault of the codec's is not made here too."""
    frame = [4 + len(data), opcode, source, status, *data]
    total = 0
    for byte in frame:
        total = (total + byte) % 65536
    checksum = (65536 - total) % 65536
    return bytes([*frame, checksum // 256, checksum % 256])
