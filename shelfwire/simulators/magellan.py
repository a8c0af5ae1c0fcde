"""A Datalogic Magellan: a scanner and a scale that share a cable, with what goes wrong between them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from shelfwire.simulators.on_port import ServingDevice

Trouble = Literal["unready", "motion", "over", "under"]

_STATUS = {"unready": "0", "motion": "1", "over": "2", "under": "5"}
_CAPACITY = {"kg": 15_000, "lb": 3_000}
_DIGITS = {"kg": 5, "lb": 4}


class SimulatedMagellan(ServingDevice):
    """Answers `S14` with what lies on it, sends codes unasked, and sounds its tone on `S334`.

    It weighs in grams (kg) or hundredths of a pound (lb). Counters: `asked`, `tones`, `ignored` lines that are no
    command it knows.
    """

    def __init__(self, path: Path, *, unit: Literal["kg", "lb"] = "kg", bcc: bool = False) -> None:
        super().__init__(path)
        self._unit = unit
        self._bcc = bcc
        self._figure = 0
        self._trouble: Trouble | None = None
        self._silent = False
        self._before_answer: list[bytes] = []
        self._inside_answer: list[bytes] = []
        self.asked = 0
        self.tones = 0
        self.ignored = 0

    # The scale

    def put(self, figure: int) -> None:
        """Have this much on the platter, at rest: grams, or hundredths of a pound."""
        self._figure = figure
        self._trouble = "over" if figure > _CAPACITY[self._unit] else "under" if figure < 0 else None

    def trouble(self, what: Trouble) -> None:
        """Have no weight to give, until the next `put`."""
        self._trouble = what

    def fall_silent(self, silent: bool = True) -> None:
        """Have the scale answer nothing, or answer again; codes are read all the same."""
        self._silent = silent

    def answer(self) -> bytes:
        """Give the line that `S14` gets now."""
        if self._trouble is not None:
            return self._framed("S14" + _STATUS[self._trouble])
        return self._framed(f"S144{self._figure:0{_DIGITS[self._unit]}d}" if self._figure else "S143")

    # The scanner

    async def scan(self, code: str, label: str = "F") -> None:
        """Read a code."""
        await self._port.send(self._framed(f"S08{label}{code}"))

    def scan_before_answering(self, code: str, label: str = "F") -> None:
        """Read a code between the next question and its answer."""
        self._before_answer.append(self._framed(f"S08{label}{code}"))

    def scan_inside_answer(self, code: str, label: str = "F") -> None:
        """Read a code in the middle of the line that answers the next question, as bad firmware does."""
        self._inside_answer.append(self._framed(f"S08{label}{code}"))

    def _framed(self, text: str) -> bytes:
        body = text.encode("ascii")
        if not self._bcc:
            return body + b"\r"
        check = 0
        for byte in body:
            check ^= byte
        return body + bytes([check, 0x0D])

    async def _serve(self) -> None:
        line = b""
        while True:
            data = await self._port.receive()
            if not data:
                line = b""
                await self._port.wait_for_reader(60)
            line += data
            while b"\r" in line:
                command, _, line = line.partition(b"\r")
                await self._obey(command + b"\r")

    async def _obey(self, command: bytes) -> None:
        if command == self._framed("S334"):
            self.tones += 1
        elif command == self._framed("S14"):
            self.asked += 1
            if self._silent:
                return
            answer = self.answer()
            for code in self._inside_answer:
                answer = answer[:4] + code + answer[4:]
            await self._port.send(b"".join(self._before_answer) + answer)
            self._before_answer.clear()
            self._inside_answer.clear()
        else:
            self.ignored += 1
