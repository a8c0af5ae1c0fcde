"""What the web asks of whoever enrols stations: the store's authority, as the composition root hands it in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from protocol.cards import Mode
from protocol.identity import StationId
from protocol.identity_words import End, Standing
from protocol.topics import Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationAsked:
    """What a person asks an invitation for.

    `again` is an identity that is to enrol once more, with a new key; `replaces` one whose position the new one takes.
    It is good for `valid_s`. `key` is the one it is asked for under, "" without one.
    """

    position: str
    place: str
    area: str = ""
    mode: Mode = Mode.SALE
    replaces: StationId | None = None
    again: StationId | None = None
    valid_s: int
    author: str
    note: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class InvitationGiven:
    """The 80 digits, told this once, and the standing of whom they invite."""

    digits: str = field(repr=False)
    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentStatus:
    """How enrolment stands; `failure` says why nobody can be enrolled, "" while stations can.

    `address` and `port` are those that invitations name; no address: stations look for the hub by mDNS, and `unfound`
    says why they cannot find it, "" while they can. `refused` counts what was asked for and not given, by name;
    `turned_away` connections beyond what is taken. `certificate_until_us` is when the hub's own runs out.
    """

    address: str | None
    port: int
    failure: str = ""
    unfound: str = ""
    refused: Mapping[str, int] = field(default_factory=dict[str, int])
    turned_away: int = 0
    certificate_until_us: int | None = None


class Enrolling(Protocol):
    """The authority's desk."""

    @property
    def status(self) -> EnrolmentStatus: ...

    async def invite(self, asked: InvitationAsked) -> InvitationGiven:
        """Invite a station. Raises `BadInput` for what cannot be; "key-used" if its key made an invitation before."""
        ...

    async def end(self, identity: StationId, end: End, author: str, note: str, key: str) -> Standing:
        """Take an identity out of service, or out of trust. Raises `BadInput`."""
        ...

    async def open_drain(
        self, identity: StationId, stream: Stream, valid_s: int, author: str, note: str, key: str
    ) -> Standing:
        """Let a log of a retired station come in, once. Raises `BadInput`."""
        ...
