"""The errors of the hub, told apart by whose fault they are."""

from __future__ import annotations


class HubError(Exception):
    """Root of everything `hub` raises on purpose."""


class BadInput(HubError):
    """Their bytes: what a station, HQ, a file or a person sent cannot be accepted.

    `name` is a short stable word for counters, quarantine rows and problem documents ("item-unknown").
    """

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(f"{name}: {detail}")
        self.name = name
        self.detail = detail


class ContractBroken(HubError):
    """Our bug: a caller did what the contract of a part of the hub forbids. Never caught to carry on."""


class TryAgain(HubError):
    """Neither their fault nor ours: a full disk, a lock, a peer away. The same call may work later."""
