"""What REST takes and gives of identities: invitations, certificates, and what stations found at their checks."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from hub.web.floor_models import PlaceName
from hub.web.identities_judged import IdentityLine, State
from hub.web.models import Model, Next
from protocol.cards import Mode
from protocol.identity_words import End, Invited
from protocol.invitation import rows
from protocol.topics import Stream

IdentityName = Annotated[str, Field(pattern=r"^st-[a-z2-7]{13}$", description="drawn when it was first invited")]
Author = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Note = Annotated[str, StringConstraints(min_length=1, max_length=500)]
MAX_VALID_S = 7 * 86_400
MAX_DRAIN_S = 86_400


class NewInvitation(Model):
    """Who is invited to be what, where, and for how long the invitation is good.

    `replaces` is an identity whose position the new one takes over: it is retired in the moment the new one enrols.
    `again` is an identity that is to enrol once more with a new key, its certificate having run out, say.
    """

    position: PlaceName
    place: PlaceName
    area: PlaceName | None = None
    mode: Mode = Mode.SALE
    replaces: IdentityName | None = None
    again: IdentityName | None = None
    valid_s: Annotated[int, Field(ge=60, le=MAX_VALID_S)] = 900
    author: Author
    note: Note


class NewEnd(Model):
    """How an identity ends: taken out of service, or not to be trusted any more. Nothing brings it back."""

    end: End
    author: Author
    note: Note


class NewDrain(Model):
    """For how long the log of a retired station may begin to come in, once, and who lets it."""

    stream: Stream = Stream.STOCK
    valid_s: Annotated[int, Field(ge=60, le=MAX_DRAIN_S)] = 3600
    author: Author
    note: Note


class DrainTold(Model):
    """How a log of a retired station may come in: until when, or which was taken (its end, "EPOCH:SEQ") and when."""

    stream: Stream
    opened_us: int
    until_us: int
    author: str
    up_to: str | None
    taken_us: int | None


class CertificateGiven(Model):
    """A certificate: serial and the SHA-256 of its key in hex; `renews` the serial it renewed, null: by invitation."""

    serial: str
    key_sha256: str
    not_before_us: int
    not_after_us: int
    renews: str | None


class Identity(Model):
    """An identity: what it is to be, its state, its certificates (the newest last), when its station was last heard,
    and when the hub got the record of its last hand-over check."""

    identity: str
    role: str
    state: State
    position: str
    place: str
    area: str | None
    mode: str
    replaces: str | None
    invited_us: int
    invited_by: str
    invitation_open: bool
    expires_us: int
    certificates: list[CertificateGiven]
    renewal_late: bool
    ended_us: int | None
    last_heard_us: int | None
    health: str | None
    drains: list[DrainTold]
    handed_over_us: int | None

    @classmethod
    def of(cls, line: IdentityLine, terms: Invited | None = None) -> Identity:
        """`terms` are what it is to be, where that is not yet what it is."""
        standing, health = line.standing, line.health
        asked, invited = terms or standing.terms, standing.invitation
        return cls(
            identity=standing.identity,
            role=asked.role.value,
            state=line.state,
            position=asked.position,
            place=asked.place,
            area=asked.area or None,
            mode=asked.mode,
            replaces=asked.replaces or None,
            invited_us=invited.at_us,
            invited_by=invited.author,
            invitation_open=line.awaited,
            expires_us=invited.expires_us,
            certificates=[
                CertificateGiven(
                    serial=each.serial,
                    key_sha256=each.key_sha256,
                    not_before_us=each.not_before_us,
                    not_after_us=each.not_after_us,
                    renews=each.renews or None,
                )
                for each in standing.certificates
            ],
            renewal_late=line.late,
            ended_us=standing.ended_us,
            last_heard_us=None if health is None else health.row.last_seen_us,
            health=None if health is None else health.health.value,
            drains=[
                DrainTold(
                    stream=each.stream,
                    opened_us=each.opened_us,
                    until_us=each.until_us,
                    author=each.author,
                    up_to=None if each.end is None else f"{each.end[0]}:{each.end[1]}",
                    taken_us=each.taken_us,
                )
                for each in standing.drains
            ],
            handed_over_us=standing.handed_over[-1].at_us if standing.handed_over else None,
        )


class IdentityPage(Model):
    """Identities in the order of their names."""

    identities: list[Identity]
    next: Next


class InvitationTold(Model):
    """An invitation. Its digits are told this once and kept nowhere: `rows` are the same as they are printed."""

    identity: Identity
    digits: str
    rows: list[str]

    @classmethod
    def of(cls, line: IdentityLine, digits: str) -> InvitationTold:
        return cls(identity=Identity.of(line, line.standing.invitation), digits=digits, rows=list(rows(digits)))
