"""UHF readers on serial ports, with their faults: R200 and YRM100, Chainway, ThingMagic M6e.

Their frames are written beside the codecs and not with them, so that a wrong number in one shows in the other.
"""

from __future__ import annotations

import binascii
from abc import abstractmethod
from functools import reduce
from operator import xor
from pathlib import Path

from shelfwire.simulators.on_port import ServingDevice


def pc_of(epc: bytes) -> bytes:
    """A tag's protocol control word for an EPC of whole words."""
    return (len(epc) // 2 << 11).to_bytes(2, "big")


class SimulatedSerialReader(ServingDevice):
    """Answers on a pty. `reading` once started; `asked` counts requests by number.

    `refuse` makes it answer a request with an error, `fall_silent` with nothing; `spoil` garbles the next frame;
    `tire` ends its reading without a word, as an R200 does when its rounds are over.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._silent = False
        self._spoilt = False
        self._refused: set[int] = set()
        self._held = b""
        self.reading = False
        self.asked: dict[int, int] = {}

    def plug_in(self) -> None:
        """Be there, and not reading. Twice is harmless."""
        if self._serving is None:
            self.reading, self._held = False, b""
        super().plug_in()

    def unplug(self) -> None:
        """Be gone, cable and power. Twice is harmless."""
        self.reading = False
        super().unplug()

    def refuse(self, request: int) -> None:
        """Answer this request with an error from now on."""
        self._refused.add(request)

    def fall_silent(self, silent: bool = True) -> None:
        """Answer and report nothing, as with its power off."""
        self._silent = silent

    def spoil(self) -> None:
        """Have one bit wrong in the next frame."""
        self._spoilt = True

    def tire(self) -> None:
        """Stop reading without a word."""
        self.reading = False

    async def see(self, epc: bytes, *, antenna: int = 1, rssi_dbm: int = -60) -> bool:
        """Report a tag; False if it was not started."""
        if not self.reading:
            return False
        await self.say(self.tag(epc, antenna, rssi_dbm))
        return True

    async def say(self, data: bytes) -> None:
        """Send these bytes, whatever they are."""
        if self._silent:
            return
        if self._spoilt:
            self._spoilt = False
            data = data[:-4] + bytes([data[-4] ^ 0x10]) + data[-3:]
        await self._port.send(data)

    @abstractmethod
    def tag(self, epc: bytes, antenna: int, rssi_dbm: int) -> bytes:
        """The frame that reports a tag."""

    @abstractmethod
    def _request(self, held: bytes) -> tuple[int, bytes, int] | None:
        """Cut a request off the front: its number, its data, its length; None if it has not all come."""

    @abstractmethod
    def _answer(self, request: int, data: bytes, refused: bool) -> bytes:
        """Obey a request; gives the answer, b"" for none."""

    async def _serve(self) -> None:
        while True:
            data = await self._port.receive()
            if not data:
                self._held = b""
                await self._port.wait_for_reader(60)
            self._held += data
            while self._held and (cut := self._request(self._held)) is not None:
                request, content, length = cut
                self._held = self._held[length:]
                self.asked[request] = self.asked.get(request, 0) + 1
                if not self._silent:
                    await self.say(self._answer(request, content, request in self._refused))


class SimulatedR200(SimulatedSerialReader):
    """An R200 or YRM100; `first` and `last` as its variant has them."""

    def __init__(self, path: Path, *, first: int = 0xBB, last: int = 0x7E) -> None:
        super().__init__(path)
        self._first, self._last = first, last

    def frame(self, kind: int, command: int, parameters: bytes) -> bytes:
        body = bytes([kind, command, 0, len(parameters)]) + parameters
        return bytes([self._first]) + body + bytes([sum(body) % 256, self._last])

    def tag(self, epc: bytes, antenna: int, rssi_dbm: int) -> bytes:
        control = pc_of(epc)
        air_crc = binascii.crc_hqx(control + epc, 0xFFFF) ^ 0xFFFF
        return self.frame(2, 0x22, bytes([rssi_dbm % 256]) + control + epc + air_crc.to_bytes(2, "big"))

    def no_tag(self) -> bytes:
        """What it says of a round without a tag."""
        return self.error(0x15)

    def error(self, code: int) -> bytes:
        return self.frame(1, 0xFF, bytes([code]))

    def _request(self, held: bytes) -> tuple[int, bytes, int] | None:
        if len(held) < 7 or len(held) < 7 + held[4]:
            return None
        length = 7 + held[4]
        right = held[0] == self._first and held[length - 1] == self._last and sum(held[1 : length - 2]) % 256
        return (held[2] if right == held[length - 2] else -1), held[5 : length - 2], length

    def _answer(self, request: int, data: bytes, refused: bool) -> bytes:
        if refused or request not in (0x03, 0x27, 0x28):
            return self.error(0x17)
        if request == 0x27:
            self.reading = True
            return b""
        if request == 0x28:
            self.reading = False
        return self.frame(1, request, b"\x00M100 26dBm V1.0" if request == 0x03 else b"\x00")


class SimulatedChainway(SimulatedSerialReader):
    """A Chainway module with two of four antennas connected; `connected` is a bit for each."""

    connected = 0b0011

    def frame(self, command: int, payload: bytes) -> bytes:
        body = (8 + len(payload)).to_bytes(2, "big") + bytes([command]) + payload
        return b"\xc8\x8c" + body + bytes([reduce(xor, body)]) + b"\r\n"

    def tag(self, epc: bytes, antenna: int, rssi_dbm: int) -> bytes:
        rssi = (10 * rssi_dbm).to_bytes(2, "big", signed=True)
        return self.frame(0x83, pc_of(epc) + epc + rssi + bytes([antenna]))

    def _request(self, held: bytes) -> tuple[int, bytes, int] | None:
        length = int.from_bytes(held[2:4], "big")
        if len(held) < 8 or len(held) < length:
            return None
        right = held[:2] == b"\xa5\x5a" and reduce(xor, held[2 : length - 3]) == held[length - 3]
        return (held[4] if right else -1), held[5 : length - 3], length

    def _answer(self, request: int, data: bytes, refused: bool) -> bytes:
        if request == 0x8C:
            self.reading = False
        elif self.reading or refused:
            return b""
        if request == 0x82:
            self.reading = True
            return b""
        told = {0x02: b"\x07\x01\x02", 0x4E: self.connected.to_bytes(2, "big")}
        return self.frame(request + 1, told.get(request, b"\x01"))


class SimulatedM6e(SimulatedSerialReader):
    """An M6e Nano."""

    def frame(self, opcode: int, status: int, data: bytes = b"") -> bytes:
        body = bytes([len(data), opcode]) + status.to_bytes(2, "big") + data
        return b"\xff" + body + _thingmagic_crc(body).to_bytes(2, "big")

    def tag(self, epc: bytes, antenna: int, rssi_dbm: int) -> bytes:
        control = pc_of(epc)
        air_crc = (binascii.crc_hqx(control + epc, 0xFFFF) ^ 0xFFFF).to_bytes(2, "big")
        metadata = bytes([1, rssi_dbm % 256, antenna * 17]) + bytes.fromhex("0e1640 00000127 0000 05 0000 0f")
        bits = (8 * (len(epc) + 4)).to_bytes(2, "big")
        return self.frame(0x22, 0, bytes.fromhex("10 001b 01ff 01") + metadata + bits + control + epc + air_crc)

    def no_tag(self) -> bytes:
        """What it says of a second without a tag."""
        return self.frame(0x22, 0x0400)

    def _request(self, held: bytes) -> tuple[int, bytes, int] | None:
        if len(held) < 5 or len(held) < 5 + held[1]:
            return None
        length = 5 + held[1]
        right = (
            held[0] == 0xFF and _thingmagic_crc(held[1 : length - 2]).to_bytes(2, "big") == held[length - 2 : length]
        )
        return (held[2] if right else -1), held[3 : length - 2], length

    def _answer(self, request: int, data: bytes, refused: bool) -> bytes:
        if refused or request not in (0x03, 0x2F, 0x91, 0x93, 0x97, 0x9A):
            return self.frame(request, 0x0105 if refused else 0x0101)
        if request == 0x2F:
            self.reading = data[2] == 1
            return self.frame(request, 0, data[2:3])
        return self.frame(request, 0, bytes(20) if request == 0x03 else b"")


def _thingmagic_crc(data: bytes) -> int:
    """Bit by bit: CCITT's polynomial, with the message's last 16 bits still inside."""
    register = 0xFFFF
    for byte in data:
        for bit in range(7, -1, -1):
            carry = register >> 15
            register = (register << 1 | byte >> bit & 1) & 0xFFFF
            register ^= 0x1021 if carry else 0
    return register
