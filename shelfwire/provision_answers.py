"""What the hub tells of identities over REST, as far as commands look at it (`hub.web.identity_models`)."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote

import msgspec

from shelfwire.hub_api import HubApi


class CertificateTold(msgspec.Struct, frozen=True):
    """A certificate; serial in hex."""

    serial: str
    not_before_us: int
    not_after_us: int
    key_sha256: str = ""
    renews: str | None = None


class DrainTold(msgspec.Struct, frozen=True):
    """How a log of a retired station may come in; `up_to` is the end of the one that was taken."""

    stream: str
    opened_us: int
    until_us: int
    author: str
    up_to: str | None = None
    taken_us: int | None = None


class IdentityTold(msgspec.Struct, frozen=True):
    """An identity and its state."""

    identity: str
    state: str
    position: str
    place: str
    area: str | None
    mode: str
    replaces: str | None
    invited_us: int
    invited_by: str
    invitation_open: bool
    expires_us: int
    certificates: tuple[CertificateTold, ...]
    renewal_late: bool = False
    ended_us: int | None = None
    last_heard_us: int | None = None
    drains: tuple[DrainTold, ...] = ()


class IdentityPage(msgspec.Struct, frozen=True):
    """Some identities; `next` asks for those that follow."""

    identities: tuple[IdentityTold, ...]
    next: str | None = None


class InvitationTold(msgspec.Struct, frozen=True):
    """An invitation, whose digits are a secret until they are used."""

    identity: IdentityTold
    digits: str
    rows: tuple[str, ...]


class Said(msgspec.Struct, frozen=True):
    """A word on an identity, or on a service token."""

    kind: str
    identity: str | None
    at_us: int
    author: str
    note: str
    position: str | None = None
    serial: str | None = None
    end: str | None = None
    stream: str | None = None
    until_us: int | None = None
    up_to: str | None = None
    token: str | None = None
    name: str | None = None
    scopes: tuple[str, ...] | None = None


class Audit(msgspec.Struct, frozen=True):
    """Some of what was said, the newest first; `next` asks for what was said before."""

    words: tuple[Said, ...]
    next: str | None = None


def day(at_us: int) -> str:
    """Write a day."""
    return datetime.fromtimestamp(at_us // 1_000_000, UTC).date().isoformat()


def minute(at_us: int) -> str:
    """Write a minute."""
    return datetime.fromtimestamp(at_us // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def identities_of(hub: HubApi) -> list[IdentityTold]:
    """Ask for all identities, ended ones too. Raises `HubError` as `HubApi` does."""
    found: list[IdentityTold] = []
    after = ""
    while True:
        page = hub.get(f"/identities?limit=100{after}", IdentityPage)
        found += page.identities
        if page.next is None:
            return found
        after = f"&after={quote(page.next, safe='')}"
