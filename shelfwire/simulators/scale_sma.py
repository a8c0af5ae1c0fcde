"""A scale that answers as SMA SCP-0499 says."""

from __future__ import annotations

from pathlib import Path

from shelfwire.simulators.scale_base import SimulatedScale


class SimulatedScaleSma(SimulatedScale):
    """Answers LF W CR in kilograms, and `LF ? CR` to anything else that ends in CR."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._command = b""

    def answer(self) -> bytes:
        status, motion, figure = " ", " ", f"{self._grams / 1000:.3f}"
        if self._trouble == "motion":
            motion = "M"
        elif self._trouble == "unready":
            status, figure = "E", "-" * 10
        elif self._trouble is not None:
            status = "O" if self._trouble == "over" else "U"
        elif self._grams == 0:
            status = "Z"
        return f"\n{status}1{'N' if self._net else 'G'}{motion} {figure:>10}kg \r".encode()

    def _hear(self, byte: bytes) -> bytes | None:
        self._command = (self._command + byte)[-8:]
        if not self._command.endswith(b"\r"):
            return None
        command, self._command = self._command, b""
        return command

    def _reply(self, question: bytes) -> bytes:
        return self.answer() if question == b"\nW\r" else b"\n?\r"
