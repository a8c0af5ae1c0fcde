"""A scale that answers as a Mettler Toledo 8217 does (DIVA service manual, pages 44 and 45)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from shelfwire.simulators.scale_base import SimulatedScale, Trouble

__all__ = ["SimulatedScale8217", "Trouble"]

_ALWAYS = 0x40
_BITS: dict[Trouble, int] = {"motion": 0x01, "over": 0x02, "under": 0x04, "unready": 0x08}
_NET = 0x20


class SimulatedScale8217(SimulatedScale):
    """Answers `W` with what lies on it; asked on a pty, at any pace. It has 15 kg capacity and weighs in grams.

    `once`: sends each new weight once and then only the all-clear status, as some models do. Counters, beside those of
    every simulated scale: `weights` and `statuses` sent.
    """

    def __init__(self, path: Path, *, unit: Literal["kg", "g"] = "kg", once: bool = False) -> None:
        super().__init__(path)
        self._unit = unit
        self._once = once
        self._told = False
        self.weights = 0
        self.statuses = 0

    def put(self, grams: int, *, net: bool = False) -> None:
        super().put(grams, net=net)
        self._told = False

    def trouble(self, what: Trouble) -> None:
        super().trouble(what)
        self._told = False

    def answer(self) -> bytes:
        """Give the frame that `W` gets now."""
        if self._trouble is not None:
            self.statuses += 1
            return self._status(_BITS[self._trouble])
        if self._once and self._told:
            self.statuses += 1
            return self._status(0)
        self._told = True
        self.weights += 1
        figure = f"{self._grams:05d}" if self._unit == "g" else f"{self._grams // 1000:02d}.{self._grams % 1000:03d}"
        return f"\x02{figure}{'N' if self._net else ''}\r".encode()

    def _status(self, bits: int) -> bytes:
        return b"\x02?" + bytes([_ALWAYS | bits | (_NET if self._net else 0)]) + b"\r"

    def _hear(self, byte: bytes) -> bytes | None:
        self.ignored += byte != b"W"
        return byte if byte == b"W" else None
