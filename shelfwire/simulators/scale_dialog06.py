"""A scale that speaks Checkout-Dialog 06 (DIVA service manual, pages 52 to 56) and challenges uncertified tills."""

from __future__ import annotations

from pathlib import Path

from shelfwire.simulators.scale_base import SimulatedScale, Trouble

_ACK, _NAK = b"\x06", b"\x15"
_REASONS: dict[Trouble, str] = {"motion": "20", "under": "31", "over": "32", "unready": "01"}


class SimulatedScaleDialog06(SimulatedScale):
    """Takes a price, gives a weight, says why it has none. It weighs each load once, until it is moved by a `put`.

    `challenge_after` so many weighings it asks for checksums before it takes a price: 0 for a scale just switched on,
    50 is usual, None for never. It holds all it gets for wrong.
    Counters, beside those of every simulated scale: `weighings`, `challenges`, and `checksums` it was sent.
    """

    def __init__(self, path: Path, *, challenge_after: int | None = None) -> None:
        super().__init__(path)
        self._challenge_after = challenge_after
        self._command = b""
        self._price = 0
        self._reason = "00"
        self._moved = True
        self.weighings = 0
        self.challenges = 0
        self.checksums = 0

    def put(self, grams: int, *, net: bool = False) -> None:
        super().put(grams, net=net)
        self._moved = True

    def answer(self) -> bytes:
        """Give what EOT ENQ gets now."""
        reason = _REASONS[self._trouble] if self._trouble else "21" if not self._moved else None
        if reason is None and self._grams == 0:
            reason = "30"
        if reason is not None:
            self._reason = reason
            return _NAK
        self._moved = False
        self.weighings += 1
        total = (self._grams * self._price + 500) // 1000
        return f"\x0202\x1b3\x1b{self._grams:05d}\x1b{self._price:06d}\x1b{total:06d}\x03".encode()

    def _hear(self, byte: bytes) -> bytes | None:
        self._command = self._command[-40:] + byte if byte != b"\x04" else byte
        if byte != b"\x03" and self._command != b"\x04\x05":
            return None
        command, self._command = self._command, b""
        return command

    def _reply(self, question: bytes) -> bytes:
        if question == b"\x04\x05":
            return self.answer()
        record = question[2:4]
        if record == b"01" and len(question) == 13:
            return self._take_price(int(question[5:11]))
        if record == b"08":
            return f"\x0209\x1b{self._reason}\x03".encode()
        if record == b"10":
            self.checksums += 1
        else:
            self._reason = "10"
        return _NAK

    def _take_price(self, price: int) -> bytes:
        if self._challenge_after is not None and self.weighings >= self._challenge_after:
            self.challenges += 1
            return b"\x0211\x1b247\x03"
        if price == 0:
            self._reason = "11"
            return _NAK
        self._price = price
        return _ACK
