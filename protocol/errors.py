"""The errors of the wire, told apart by whose fault they are."""

from __future__ import annotations


class ProtocolError(Exception):
    """Root of everything `protocol` raises on purpose."""


class BadInput(ProtocolError):
    """Their bytes: what came from a wire, a scanner or a file cannot be understood.

    `name` is a short stable word for counters and quarantine rows ("check-digit", "bad-frame").
    """

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(f"{name}: {detail}")
        self.name = name
        self.detail = detail


class ContractBroken(ProtocolError):
    """Our bug: a caller did what the contract of a state machine or builder forbids."""
