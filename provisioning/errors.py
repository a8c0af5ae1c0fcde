"""The errors of provisioning that are not a visitor's: his are `protocol.errors.BadInput`, named as at the book."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class ProvisioningError(Exception):
    """Root of everything `provisioning` raises on purpose, but for `protocol.errors.BadInput`."""


class AuthorityUnusable(ProvisioningError):
    """The store's authority is not there, not whole, or lies open to others; the message says which and what to do."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong on a line of a list, and what could be done about it."""

    line: int
    what: str
    suggestion: str = ""

    def __str__(self) -> str:
        return f"line {self.line}: {self.what}" + (f" ({self.suggestion})" if self.suggestion else "")


class ListWrong(ProvisioningError):
    """A list that somebody made has lines that cannot be taken; none of it is. `wrong` are all of them, by line."""

    def __init__(self, wrong: Iterable[Wrong]) -> None:
        self.wrong = tuple(sorted(wrong, key=lambda each: each.line))
        super().__init__("; ".join(map(str, self.wrong)))
