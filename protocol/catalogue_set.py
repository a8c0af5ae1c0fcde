"""The live rows of a catalogue, and the hash by which two sides prove that they hold the same ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from protocol.catalogue import Gone, LiveRow, RowKey, decode_row, row_key
from protocol.errors import BadInput

_MODULUS: Final = 2**256


@dataclass(frozen=True, slots=True)
class SetHash:
    """The sum, modulo 2^256, of the SHA-256 of each stored line in a set.

    A sum needs no order, and a row that changes costs one addition and one subtraction, so a till that took
    10,000 deltas and one that took a snapshot agree. It is a sum and not an XOR because in an XOR a line held
    twice vanishes, and of any 257 lines some subset XORs to nothing, so rows can be missing without a trace. It
    shows faults, not forgery: forgers are kept out by the certificates of the wire.
    """

    value: int = 0

    def __str__(self) -> str:
        return f"{self.value:064x}"

    def __add__(self, other: SetHash) -> SetHash:
        return SetHash((self.value + other.value) % _MODULUS)

    def __sub__(self, other: SetHash) -> SetHash:
        return SetHash((self.value - other.value) % _MODULUS)

    @classmethod
    def parse(cls, text: str) -> SetHash:
        """Read 64 lower-case hex digits. Raises `BadInput` ("bad-set-hash")."""
        if len(text) != 64 or not set(text) <= set("0123456789abcdef"):
            raise BadInput("bad-set-hash", f"{text[:80]!r} is not 64 hex digits")
        return cls(int(text, 16))

    def add(self, line: bytes) -> SetHash:
        """Take a line into the set."""
        return self + set_hash((line,))

    def remove(self, line: bytes) -> SetHash:
        """Take a line out of the set."""
        return self - set_hash((line,))

    def replace(self, old: bytes, new: bytes) -> SetHash:
        """Put `new` in the place of `old`."""
        return self.remove(old).add(new)


def set_hash(lines: Iterable[bytes]) -> SetHash:
    """Hash a whole set of stored lines."""
    return SetHash(sum(map(int.from_bytes, [sha256(line).digest() for line in lines])) % _MODULUS)


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A live row and the line it came in."""

    row: LiveRow
    line: bytes


class CatalogueSet:
    """The live rows after some lines of the log, in memory, with their hash kept up to date."""

    def __init__(self, lines: Iterable[bytes] = ()) -> None:
        self._rows: dict[RowKey, StoredRow] = {}
        self._hash = SetHash()
        for line in lines:
            self.apply(line)

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[StoredRow]:
        """Walk the live rows, in the order in which their keys were first seen."""
        return iter(self._rows.values())

    @property
    def hash(self) -> SetHash:
        """The hash of the live rows' lines."""
        return self._hash

    def get(self, key: RowKey) -> StoredRow | None:
        """Find a live row by its key."""
        return self._rows.get(key)

    def apply(self, line: bytes) -> RowKey:
        """Take the next line of the log. Raises `BadInput` ("bad-row") and changes nothing then."""
        row = decode_row(line)
        key = row_key(row)
        old = self._rows.get(key)
        if isinstance(row, Gone):
            if old is not None:
                del self._rows[key]
                self._hash = self._hash.remove(old.line)
        else:
            self._rows[key] = StoredRow(row, line)
            self._hash = self._hash.add(line) if old is None else self._hash.replace(old.line, line)
        return key

    def lines(self) -> list[bytes]:
        """Give the live rows' lines in the order of their keys: what a snapshot holds."""
        return [self._rows[key].line for key in sorted(self._rows)]
