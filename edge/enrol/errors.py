"""What can go wrong between a station and those who give it its identity, told apart by what can be done about it."""

from __future__ import annotations

from edge.errors import EdgeError, TryAgain


class Unreachable(TryAgain):
    """The hub does not answer, or not now: the same question may be answered later."""


class Untrusted(EdgeError):
    """Whoever answers is not the hub that the invitation, or the certificate, speaks of. Nothing was told to it."""


class Refused(EdgeError):
    """The hub said no, for good: `name` is a short stable word, the text is for a technician.

    "invitation-closed" (used), "invitation-expired", "identity-ended" (retired or revoked), "identity-expired" (its
    certificate), "not-invited" and others that the hub may say.
    """

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(detail)
        self.name = name
        self.detail = detail


class IdentityDamaged(EdgeError):
    """What is kept of the identity cannot be read, or its parts do not belong together."""


class NotNow(EdgeError):
    """The station is enrolled, or is not to be enrolled: the invitation is not for it."""
