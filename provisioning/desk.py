"""Where machines are invited, enrolled, renewed and taken out of service: every step is a word in the identity book.

The book alone is kept. What was certified can be certified again from it, byte for byte, so that a station whose answer
was lost with the power asks once more with the same key and gets the same certificate.

Beyond 300 lines because each way to the desk is some checks and one word, one after the other under the same lock.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from protocol.acceptance import Acceptance, read_envelope, summary
from protocol.enrolment import IDENTITY_BYTES, Papers, Role, identity_of
from protocol.errors import BadInput
from protocol.identity import StationId
from protocol.identity_words import (
    Certified,
    End,
    Ended,
    HandedOver,
    IdentityWord,
    Invited,
    Standing,
    may_use_token,
    token_hash,
)
from protocol.invitation import TOKEN_BYTES, Invitation, write_invitation
from provisioning.acceptance import hold_to_book
from provisioning.authority import Authority
from provisioning.book import IdentityBook
from provisioning.certificates import (
    DAY_US,
    SERIAL_BYTES,
    Request,
    Subject,
    Validity,
    read_request,
    serial_of,
    serial_text,
)
from provisioning.orders import Invite, Order, check_author, check_order
from provisioning.papers import BrokerAddress, papers_of
from provisioning.revocation import given_us, revoked, revoked_of
from provisioning.wrong_tokens import WrongTokens

RENEWALS_A_DAY = 20
"""More new keys than this in a day are a fault at the station: its words would fill the journal."""

CHECKS_A_DAY = 20
"""More hand-over checks than this in a day are a fault, or worse: each is a word in the journal."""

Changed = Callable[[Standing], Awaitable[None]]
"""Is told what an identity is after each word on it is committed. Who must not miss one reads the book at his start."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate in DER, and the standing of whom it names."""

    certificate: bytes
    standing: Standing


@dataclass(frozen=True, slots=True)
class Recognised:
    """Who showed a certificate that is good."""

    standing: Standing
    role: Role
    serial: str
    public_key: ec.EllipticCurvePublicKey


class EnrolmentDesk:
    """One at a hub. Everything refused raises `BadInput` and is counted in `refused` under its name."""

    def __init__(
        self,
        book: IdentityBook,
        authority: Authority,
        broker: BrokerAddress,
        now_us: Callable[[], int],
        random_bytes: Callable[[int], bytes],
        changed: Changed | None = None,
    ) -> None:
        self.authority = authority
        self.refused: Counter[str] = Counter()
        self._book = book
        self._broker = broker
        self._now_us = now_us
        self._random_bytes = random_bytes
        self._changed = changed
        self._wrong = WrongTokens()
        self._one_at_a_time = asyncio.Lock()
        self._list_number = 0

    async def invite(self, order: Order) -> Invite:
        """Invite a machine. The digits are told this once; the book keeps only a hash of their token.

        Raises `BadInput` as `check_order`, `write_invitation` and the book's `say` do; "identity-unknown"; "key-used"
        (an invitation was made under this key, and its digits were told then).
        """
        with self._counting():
            check_order(order)
            async with self._one_at_a_time:
                return await self._invite(order)

    async def enrol(self, csr: bytes, token: bytes, peer: str = "") -> Issued:
        """Give a certificate for the key of a request, to whom the token invited. `peer` is the caller's address.

        The spare of a dead station ends that one in the same step. Raises `BadInput`: "token-unknown",
        "too-many-tokens" (wait a minute), "invitation-expired", "invitation-closed", "identity-ended",
        "position-taken", "key-in-use", "identity-claimed", and those of `read_request`.
        """
        with self._counting():
            now_us = self._now_us()
            if self._wrong.too_many(peer, now_us):
                raise BadInput("too-many-tokens", "too many wrong tokens from here; wait a minute")
            async with self._one_at_a_time:
                standing = await self._book.invited_by(token_hash(token))
                if standing is None:
                    self._wrong.add(peer, now_us)
                    raise BadInput("token-unknown", "nobody was invited by this token")
                request = read_request(csr)
                may_use_token(standing, request.key_sha256, now_us)
                if not standing.open:
                    return self._once_more(standing, request)
                await self._may_have(standing, request)
                dead = await self._book.standing(StationId(standing.invitation.replaces))
                issued = await self._certify(standing, request, standing.invitation.author, standing.invitation.note)
                if dead is not None and dead.end is None:
                    await self._tell(await self._book.standing(dead.identity))
                return issued

    async def renew(self, csr: bytes, presented: bytes) -> Issued:
        """Give a new certificate to whom a certificate in DER names, which its bearer has shown over TLS.

        The one before stays good until it runs out. Raises `BadInput` as `recognise` does, "renewal-too-often",
        "key-in-use", "identity-claimed", and those of `read_request`.
        """
        with self._counting():
            request = read_request(csr)
            async with self._one_at_a_time:
                recognised = await self._recognise(presented)
                standing = recognised.standing
                newest = standing.certificates[-1]
                now_us = self._now_us()
                if request.key_sha256 == newest.key_sha256 and now_us - given_us(newest) < DAY_US:
                    # Its answer was lost, or a stock client asks twice with the key it has.
                    return self._once_more(standing, request)
                if sum(now_us - given_us(each) < DAY_US for each in standing.certificates) >= RENEWALS_A_DAY:
                    raise BadInput("renewal-too-often", f"{standing.identity} was renewed {RENEWALS_A_DAY} times today")
                await self._may_have(standing, request)
                return await self._certify(standing, request, standing.identity, "renewed", recognised.serial)

    async def end(self, identity: StationId, end: End, author: str, note: str, key: str = "") -> Standing:
        """Take an identity out of service, or out of trust. Raises `BadInput` ("identity-unknown", "bad-author", …)."""
        with self._counting():
            check_author(author, note)
            async with self._one_at_a_time:
                return await self._say(Ended(self._now_us(), identity, end, author, note, key))

    async def accept(self, body: bytes, presented: bytes) -> Acceptance:
        """Take the signed record of a hand-over check, sent by whom a certificate in DER names; give what it says.

        One that was taken before is not taken again, and answered alike. Raises `BadInput` as `recognise` and
        `hold_to_book` do, and "acceptance-too-often".
        """
        with self._counting():
            signed = read_envelope(body)
            async with self._one_at_a_time:
                standing = (await self._recognise(presented)).standing
                record, given = hold_to_book(signed, standing, self.authority)
                if signed.record in (each.record for each in standing.handed_over):
                    return record
                now_us = self._now_us()
                if sum(now_us - each.at_us < DAY_US for each in standing.handed_over) >= CHECKS_A_DAY:
                    raise BadInput(
                        "acceptance-too-often", f"{standing.identity} was checked {CHECKS_A_DAY} times today"
                    )
                await self._say(
                    HandedOver(
                        at_us=now_us,
                        identity=standing.identity,
                        serial=given.serial,
                        record=signed.record,
                        signature=signed.signature,
                        public_key=signed.public_key,
                        author=standing.identity,
                        note=summary(record),
                    )
                )
                return record

    async def recognise(self, presented: bytes) -> Recognised:
        """Say who shows this certificate, in DER.

        Raises `BadInput`: "bad-certificate", "certificate-foreign", "certificate-expired", "certificate-early",
        "certificate-revoked", "certificate-unknown" (of a book restored from before it), "identity-ended".
        """
        with self._counting():
            return await self._recognise(presented)

    async def papers(self, identity: StationId) -> Papers:
        """Give an identity's papers. Raises `BadInput` ("identity-unknown")."""
        standing = await self._book.standing(identity)
        if standing is None:
            raise BadInput("identity-unknown", f"{identity} was never invited")
        return papers_of(standing, self.authority.store, self._broker, self._now_us())

    async def crl(self) -> bytes:
        """Make the list of what is revoked, as of now, in PEM. Call it daily, and after each `Ended`."""
        now_us = self._now_us()
        self._list_number = max(self._list_number + 1, now_us)
        return self.authority.revocation_list(revoked(await self._book.standings(), now_us), self._list_number, now_us)

    async def _invite(self, order: Order) -> Invite:
        identity = order.again or identity_of(self._random_bytes(IDENTITY_BYTES))
        if order.again is not None and await self._book.standing(identity) is None:
            raise BadInput("identity-unknown", f"{identity} was never invited")
        now_us = self._now_us()
        token = self._random_bytes(TOKEN_BYTES)
        digits = write_invitation(Invitation(order.hub, order.port, self.authority.fingerprint, token))
        word = Invited(
            at_us=now_us,
            identity=identity,
            role=Role.STATION,
            position=order.position,
            place=order.place,
            area=order.area,
            mode=order.mode.value,
            replaces=order.replaces or "",
            token_sha256=token_hash(token),
            expires_us=now_us + order.valid_s * 1_000_000,
            author=order.author,
            note=order.note,
            key=order.key,
        )
        after = await self._say(word)
        if after.invitation.token_sha256 != word.token_sha256:
            raise BadInput("key-used", f"{after.identity} was invited under this key; its digits were told then")
        return Invite(digits, after)

    async def _may_have(self, standing: Standing, request: Request) -> None:
        if request.claims - {standing.identity}:
            raise BadInput("identity-claimed", f"the request names another than {standing.identity}")
        for each in await self._book.standings():
            if each.identity != standing.identity and any(
                given.key_sha256 == request.key_sha256 for given in each.certificates
            ):
                raise BadInput("key-in-use", "this key is another's: make one of its own on each station")

    async def _certify(self, standing: Standing, request: Request, author: str, note: str, renews: str = "") -> Issued:
        now_us = self._now_us()
        valid = self.authority.lasting(now_us)
        serial = serial_text(serial_of(self._random_bytes(SERIAL_BYTES)))
        word = Certified(
            at_us=now_us,
            identity=standing.identity,
            serial=serial,
            key_sha256=request.key_sha256,
            not_before_us=valid.not_before_us,
            not_after_us=valid.not_after_us,
            author=author,
            note=note,
            renews=renews,
        )
        after = await self._say(word)
        return self._once_more(after, request)

    def _once_more(self, standing: Standing, request: Request) -> Issued:
        """Make the newest certificate of an identity, which is for the key of this request, from the book."""
        given = standing.certificates[-1]
        assert given.key_sha256 == request.key_sha256
        certificate = self.authority.certify(
            Subject(standing.identity, self.authority.store, standing.invitation.role),
            request.public_key,
            Validity(given.not_before_us, given.not_after_us),
            given.serial,
        )
        return Issued(certificate.public_bytes(Encoding.DER), standing)

    async def _recognise(self, presented: bytes) -> Recognised:
        shown = self.authority.recognise(presented, self._now_us())
        standing = await self._book.standing(shown.identity)
        if standing is None:
            raise BadInput("certificate-unknown", f"the book does not know {shown.identity}: invite it again")
        if standing.end is not None:
            raise BadInput("identity-ended", f"{shown.identity} is {standing.end}")
        if shown.serial not in (each.serial for each in standing.certificates):
            raise BadInput("certificate-unknown", f"the book does not know this certificate of {shown.identity}")
        if shown.serial in (each.serial for each in revoked_of(standing)):
            raise BadInput("certificate-revoked", f"{shown.identity} has enrolled with another key since")
        return Recognised(standing, shown.role, shown.serial, shown.public_key)

    async def _say(self, word: IdentityWord) -> Standing:
        standing = await self._book.say(word)
        await self._tell(standing)
        return standing

    async def _tell(self, standing: Standing | None) -> None:
        if self._changed is not None and standing is not None:
            await self._changed(standing)

    @contextmanager
    def _counting(self) -> Iterator[None]:
        try:
            yield
        except BadInput as error:
            self.refused[error.name] += 1
            raise
