"""A scale that answers in SASI (Datalogic KA-01089)."""

from __future__ import annotations

from shelfwire.simulators.scale_base import SimulatedScale, Trouble

_LETTERS: dict[Trouble, bytes] = {"motion": b"A", "over": b"B", "under": b"C", "unready": b"D"}


class SimulatedScaleSasi(SimulatedScale):
    """Answers W in kilograms. It has no net weight."""

    def answer(self) -> bytes:
        if self._trouble is not None:
            return b"\x02?" + _LETTERS[self._trouble] + b"\r"
        return f"\x02{self._grams / 1000:06.3f}\r".encode()

    def _hear(self, byte: bytes) -> bytes | None:
        self.ignored += byte != b"W"
        return byte if byte == b"W" else None
