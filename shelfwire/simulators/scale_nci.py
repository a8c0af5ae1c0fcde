"""A scale that answers in one of the NCI protocols (sources: `edge.codecs.nci`)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from shelfwire.simulators.scale_base import SimulatedScale, Trouble

_STATUS: dict[Trouble | None, bytes] = {
    None: b"00",
    "motion": b"10",
    "over": b"02",
    "under": b"01",
    "unready": b"08",
}
_FILL = {"over": "^", "under": "_", "unready": "-"}


class SimulatedScaleNci(SimulatedScale):
    """Answers W CR in kilograms, and `LF ? CR ETX` to anything else that ends in CR."""

    def __init__(self, path: Path, *, dialect: Literal["scp01", "scp02", "scp12"] = "scp01") -> None:
        super().__init__(path)
        self._dialect = dialect
        self._command = b""

    def answer(self) -> bytes:
        status = _STATUS[self._trouble]
        if self._trouble is None and self._grams == 0:
            status = b"20"
        if self._net:
            status = status[:1] + bytes([status[1] | 0x40]) + b"4"
        figure = f"{self._grams / 1000:.3f}"
        if self._dialect == "scp02":
            return (
                b"\nS" + status + b"\r\x03" if self._trouble else f"\n{figure:0>6}KG\r\nS".encode() + status + b"\r\x03"
            )
        if self._trouble in _FILL:
            figure = _FILL[self._trouble] * 8
        if self._dialect == "scp12":
            return f"\n{figure:>8}KG\r".encode() + status + b"\x03"
        return f"\n{figure:>8}kg\r\n".encode() + status + b"\r\x03"

    def _hear(self, byte: bytes) -> bytes | None:
        self._command = (self._command + byte)[-8:]
        if not self._command.endswith(b"\r"):
            return None
        command, self._command = self._command, b""
        return command

    def _reply(self, question: bytes) -> bytes:
        return self.answer() if question == b"W\r" else b"\n?\r\x03"
