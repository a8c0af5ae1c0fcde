"""A balance that answers as MT-SICS says."""

from __future__ import annotations

from pathlib import Path

from shelfwire.simulators.scale_base import SimulatedScale


class SimulatedScaleMtSics(SimulatedScale):
    """Answers SI in grams with two places, and ES to any other command. It does not say whether a weight is net."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._command = b""

    def answer(self) -> bytes:
        if self._trouble == "over":
            return b"S +\r\n"
        if self._trouble == "under":
            return b"S -\r\n"
        if self._trouble == "unready":
            return b"S I\r\n"
        state = "D" if self._trouble == "motion" else "S"
        return f"S {state} {self._grams:>7}.00 g\r\n".encode()

    def switch_on(self) -> bytes:
        """Give what the balance says by itself when it is switched on."""
        return b'I4 A "0123456789"\r\n'

    def _hear(self, byte: bytes) -> bytes | None:
        self._command = (self._command + byte)[-8:]
        if not self._command.endswith(b"\r\n"):
            return None
        command, self._command = self._command, b""
        return command

    def _reply(self, question: bytes) -> bytes:
        return self.answer() if question == b"SI\r\n" else b"ES\r\n"
