"""What provisioning asks of whoever keeps the identities: the hub's journal in a store, a list in memory in tests."""

from __future__ import annotations

from typing import Protocol

from protocol.identity import StationId
from protocol.identity_words import IdentityWord, Standing


class IdentityBook(Protocol):
    """Keeps what is said of identities; `protocol.identity_words.after` decides what may follow."""

    async def say(self, word: IdentityWord) -> Standing:
        """Commit a word and what follows from it, all or nothing, and give the standing after it.

        Who is certified by an invitation takes over its position: the one it `replaces` is retired in the same step,
        if that still is of this position.
        A word under a `key` that was said before is not said again; the standing as it is now is given. So is that of
        an identity that has ended as it is told to. Raises the protocol's `BadInput` if the word may not be said: as
        `after` does; "position-taken" for one that is invited, or certified by an invitation, to where another that is
        enrolled stands, which it does not replace; "identity-unknown" and "position-differs" for one that is invited to
        replace nobody known, or one of another position; "bad-entry" for itself.
        """
        ...

    async def standing(self, identity: StationId) -> Standing | None:
        """Give what an identity is; None: nothing was ever said of it."""
        ...

    async def invited_by(self, token_sha256: str) -> Standing | None:
        """Give the identity whose last invitation has this token."""
        ...

    async def standings(self) -> tuple[Standing, ...]:
        """List all identities, ended ones too, by name."""
        ...
