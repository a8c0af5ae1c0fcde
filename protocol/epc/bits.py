"""Bits read from the left and written to the right, in numbers of any size."""

from __future__ import annotations

from protocol.errors import BadInput


class BitReader:
    """Reads a run of bits from its left end."""

    __slots__ = ("_bits", "left")

    def __init__(self, bits: int, size: int) -> None:
        """Take the lowest `size` bits of a number."""
        self._bits = bits & ((1 << size) - 1)
        self.left = size
        """How many bits are still to be read."""

    def read(self, size: int) -> int:
        """Read the next bits as a number. Raises `BadInput` ("bad-epc") if there are not as many."""
        if size > self.left:
            raise BadInput("bad-epc", f"ends {size - self.left} bits early")
        self.left -= size
        number = self._bits >> self.left
        self._bits ^= number << self.left
        return number

    @property
    def rest(self) -> int:
        """What was not read yet, as a number: 0 if it is padding."""
        return self._bits


class BitWriter:
    """Collects bits."""

    __slots__ = ("_bits", "size")

    def __init__(self) -> None:
        self._bits = 0
        self.size = 0

    def write(self, number: int, size: int) -> None:
        """Append a number in `size` bits. Raises `BadInput` ("bad-epc") if it does not fit."""
        if number >> size:
            raise BadInput("bad-epc", f"{number} does not fit into {size} bits")
        self._bits = self._bits << size | number
        self.size += size

    def words(self) -> bytes:
        """Give the bits with zeros up to a whole number of 16-bit words, as they stand in a tag's memory."""
        padding = -self.size % 16
        return (self._bits << padding).to_bytes((self.size + padding) // 8, "big")


def digits_bits(count: int) -> int:
    """Say in how many bits a number of so many digits fits (TDS table B)."""
    return int("9" * count or "0").bit_length()
