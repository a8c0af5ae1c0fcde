"""What is said of identities: entries of the hub journal, and what an identity is after each of them.

    ["invited"]     ["I", at_us, identity, role, position, place, area, mode, replaces, token_sha256, expires_us,
                     author, note, key]
    ["certified"]   ["C", at_us, identity, serial, key_sha256, not_before_us, not_after_us, author, note, renews]
    ["ended"]       ["X", at_us, identity, end, author, note, key]
    ["handed over"] ["N", at_us, identity, serial, record, signature, public_key, author, note]
    of the log of one that was retired: `protocol.draining`

Who may be invited, certified and ended when is decided here alone: `after` gives the standing that follows, or refuses.
An identity is never used again: ended, it stays ended. `key` is the one that was asked under, once only ("": without
one). Fields are only ever added at the end.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum

import msgspec

from protocol.draining import Drain, DrainOpened, DrainTaken, drains_after
from protocol.enrolment import Role
from protocol.errors import BadInput
from protocol.identity import StationId


class Invited(msgspec.Struct, frozen=True, array_like=True, tag="I"):
    """A person invited a machine to be `identity`, until `expires_us` (UTC), by a token; only this hash of it is kept.

    A station stands at `position`, in `place` of `area` ("" where the store has one), in `mode`. `replaces` is the
    identity whose position it takes over, "" for none. An identity that was certified before may be invited again: its
    certificate ran out, or its key was lost; what it is to be is then said anew.
    """

    at_us: int
    identity: str
    role: Role
    position: str
    place: str
    area: str
    mode: str
    replaces: str
    token_sha256: str
    expires_us: int
    author: str
    note: str
    key: str = ""


class Certified(msgspec.Struct, frozen=True, array_like=True, tag="C"):
    """The hub gave `identity` a certificate of this serial for the key of this SHA-256 (its SPKI in DER), in hex.

    `renews` is the serial of the certificate it was asked for with; "": by the token of the last invitation.
    """

    at_us: int
    identity: str
    serial: str
    key_sha256: str
    not_before_us: int
    not_after_us: int
    author: str
    note: str
    renews: str = ""


class End(StrEnum):
    """How an identity ends: a station is taken out of service, or is no longer to be trusted."""

    RETIRED = "retired"
    REVOKED = "revoked"


class Ended(msgspec.Struct, frozen=True, array_like=True, tag="X"):
    """A person, or a spare that took its position, ended `identity`: none of its certificates is good from now on.

    One that is retired may still be revoked; nothing brings either back.
    """

    at_us: int
    identity: str
    end: End
    author: str
    note: str
    key: str = ""


class HandedOver(msgspec.Struct, frozen=True, array_like=True, tag="N"):
    """The station told of a hand-over check, and signed that by the key of its certificate of this serial.

    `record`, `signature` and `public_key` are as they came (`protocol.acceptance.SignedAcceptance`): anybody can check
    them again. `author` is the station, `note` what it came to.
    """

    at_us: int
    identity: str
    serial: str
    record: str
    signature: str
    public_key: str
    author: str
    note: str


IdentityWord = Invited | Certified | Ended | HandedOver | DrainOpened | DrainTaken


class Certificate(msgspec.Struct, frozen=True):
    """A certificate that an identity was given; serial and the SHA-256 of its key in hex, times in UTC.

    `renews` is as in `Certified`.
    """

    serial: str
    key_sha256: str
    not_before_us: int
    not_after_us: int
    renews: str = ""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What an identity is by all that was said of it.

    `invitation` is the last one and `open` whether its token is unused; `admitted` the one it last enrolled by, None
    before it has; `certificates` are all it was given, the newest last, and `handed_over` what was told of its checks.
    `drains` say how its logs may still come in once it is retired.
    """

    identity: StationId
    invitation: Invited
    open: bool
    certificates: tuple[Certificate, ...] = ()
    end: End | None = None
    ended_us: int | None = None
    admitted: Invited | None = None
    drains: tuple[Drain, ...] = ()
    handed_over: tuple[HandedOver, ...] = ()

    @property
    def terms(self) -> Invited:
        """What it is to be: invited again, as before until it has enrolled again."""
        return self.admitted or self.invitation

    @property
    def enrolled(self) -> bool:
        """Whether it has been certified, and not ended."""
        return self.end is None and bool(self.certificates)


def token_hash(token: bytes) -> str:
    """Give what is kept of an invitation's token."""
    return hashlib.sha256(b"shelfwire invitation " + token).hexdigest()


def after(standing: Standing | None, word: IdentityWord) -> Standing:
    """Say what an identity is once `word` is said of it, None standing for one of which nothing was said.

    Raises `BadInput`: "identity-unknown", "identity-ended", "identity-role", "invitation-closed" (a second key for a
    token that has been used), "invitation-expired", "certificate-unknown" (renewed or signed by, never given);
    "identity-live" and "identity-revoked" for the drain of one that is not retired, and those of `drains_after`.
    """
    if standing is None:
        if not isinstance(word, Invited):
            raise BadInput("identity-unknown", f"{word.identity} was never invited")
        return Standing(identity=StationId(word.identity), invitation=word, open=True)
    match word:
        case Invited():
            _alive(standing)
            if word.role is not standing.invitation.role:
                raise BadInput("identity-role", f"{word.identity} is a {standing.invitation.role}")
            return msgspec.structs.replace(standing, invitation=word, open=True)
        case Certified():
            _alive(standing)
            if word.renews and word.renews not in (each.serial for each in standing.certificates):
                raise BadInput("certificate-unknown", f"{standing.identity} was given no certificate {word.renews}")
            if not (word.renews or standing.open):
                raise BadInput("invitation-closed", f"the invitation of {standing.identity} has been used")
            given = Certificate(word.serial, word.key_sha256, word.not_before_us, word.not_after_us, word.renews)
            certificates = (*standing.certificates, given)
            if word.renews:
                # Who is renewed while invited again has not used that token.
                return msgspec.structs.replace(standing, certificates=certificates)
            return msgspec.structs.replace(
                standing, open=False, certificates=certificates, admitted=standing.invitation
            )
        case HandedOver():
            _alive(standing)
            if word.serial not in (each.serial for each in standing.certificates):
                raise BadInput("certificate-unknown", f"{standing.identity} was given no certificate {word.serial}")
            if word.record in (each.record for each in standing.handed_over):
                return standing
            return msgspec.structs.replace(standing, handed_over=(*standing.handed_over, word))
        case Ended():
            if standing.end is word.end or standing.end is End.REVOKED:
                return standing
            return msgspec.structs.replace(standing, open=False, end=word.end, ended_us=word.at_us)
        case DrainOpened() | DrainTaken():
            may_be_drained(standing)
            drains = drains_after(standing.drains, word)
            return standing if drains is standing.drains else msgspec.structs.replace(standing, drains=drains)


def may_be_drained(standing: Standing) -> None:
    """Refuse to drain one that is in use, and one that is not to be trusted.

    Raises `BadInput` ("identity-live", "identity-revoked").
    """
    if standing.end is None:
        raise BadInput("identity-live", f"{standing.identity} is not retired: its log needs no drain")
    if standing.end is End.REVOKED:
        raise BadInput("identity-revoked", f"{standing.identity} was revoked: nothing of it is believed any more")


def may_use_token(standing: Standing, key_sha256: str, now_us: int) -> None:
    """Refuse a token that is not good for this key at `now_us`.

    Good is an unused one before it expires; and one that was used for this very key, for as long: the answer to the
    first use may have been lost with the power. Raises `BadInput` as `after` does.
    """
    _alive(standing)
    if now_us >= standing.invitation.expires_us:
        raise BadInput("invitation-expired", f"the invitation of {standing.identity} has expired")
    if not standing.open and standing.certificates[-1].key_sha256 != key_sha256:
        raise BadInput("invitation-closed", f"the invitation of {standing.identity} has been used")


def _alive(standing: Standing) -> None:
    if standing.end is not None:
        raise BadInput("identity-ended", f"{standing.identity} is {standing.end}")
