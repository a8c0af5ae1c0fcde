"""CAS scales: one that answers in AP-1, one as a PD-II does (sources: `edge.codecs.cas_ap1`, `cas_pd2`)."""

from __future__ import annotations

import asyncio
from functools import reduce
from operator import xor
from pathlib import Path

from shelfwire.simulators.scale_base import SimulatedScale, Trouble

_ENQ, _ACK, _DC1, _NAK = b"\x05", b"\x06", b"\x11", b"\x15"


class SimulatedScaleCasAp1(SimulatedScale):
    """Answers ENQ with ACK and DC1 with the weight; while "unready", ENQ with NAK. It has no net weight."""

    def answer(self) -> bytes:
        if self._trouble == "over":
            data = b"SFFFFFFFkg"
        else:
            status = "U" if self._trouble == "motion" else "S"
            sign = "-" if self._trouble == "under" else " "
            data = f"{status}{sign}{abs(self._grams) / 1000:06.3f}kg".encode()
        return b"\x01\x02" + data + bytes([reduce(xor, data)]) + b"\x03\x04"

    def _hear(self, byte: bytes) -> bytes | None:
        self.ignored += byte not in (_ENQ, _DC1)
        return byte if byte in (_ENQ, _DC1) else None

    def _reply(self, question: bytes) -> bytes:
        if question == _DC1:
            return self.answer()
        return _NAK if self._trouble == "unready" else _ACK


class SimulatedScaleCasPd2(SimulatedScale):
    """After W it sends its figure, and another at each `put`, until CR. Five digits, grams; no net weight.

    What a real one sends when it has no weight is not known: this one sends figures that change while in motion, and
    dashes in any other trouble.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._wobble = 0
        self._streaming = False
        self._telling: set[asyncio.Task[None]] = set()

    def put(self, grams: int, *, net: bool = False) -> None:
        super().put(grams, net=net)
        self._tell()

    def trouble(self, what: Trouble) -> None:
        super().trouble(what)
        self._tell()

    def answer(self) -> bytes:
        if self._trouble == "motion":
            self._wobble = self._wobble % 50 + 2
            return f"\x02{abs(self._grams) + self._wobble:05d}\r".encode()
        return b"\x02-----\r" if self._trouble else f"\x02{self._grams:05d}\r".encode()

    def _hear(self, byte: bytes) -> bytes | None:
        self.ignored += byte not in (b"W", b"\r")
        self._streaming = byte == b"W"
        return byte if self._streaming else None

    def _tell(self) -> None:
        if self._streaming and not self._silent:
            telling = asyncio.get_running_loop().create_task(self._send(self.answer()))
            self._telling.add(telling)
            telling.add_done_callback(self._telling.discard)


def wrong_bcc(reply: bytes) -> bytes:
    """Spoil an AP-1 frame so that its check character is not that of its bytes."""
    return reply[:-3] + bytes([reply[-3] ^ 1]) + reply[-2:]
