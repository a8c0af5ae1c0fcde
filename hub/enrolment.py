"""The store's authority at work in the hub: its desk, the address that stations enrol at, and what it shows them.

Part of the composition root: with `hub.app`, it alone of the hub looks into `provisioning`.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.requests import Request

from hub.announcing import Announcing
from hub.errors import TryAgain
from hub.release_files import FOLDER as RELEASES
from hub.settings import EnrolmentSettings, Settings
from hub.store.store import HubStore
from hub.web.enrolling import EnrolmentStatus, InvitationAsked, InvitationGiven
from hub.web.releases import Caller, ReleaseDesk
from hub.web.tls import TlsServer, present, server_context
from protocol.draining import DrainOpened
from protocol.enrolment import Role, hub_name
from protocol.errors import BadInput
from protocol.identity import StationId
from protocol.identity_words import End, Ended, Standing
from protocol.topics import Stream
from provisioning.authority import Authority
from provisioning.authority_folder import load_authority
from provisioning.desk import EnrolmentDesk
from provisioning.errors import AuthorityUnusable
from provisioning.est import est_application, presented_certificate
from provisioning.orders import Order, check_author
from provisioning.papers import BrokerAddress

_LOOK_AGAIN_S: Final = 5.0
"""For an authority that could not be read: it may be made, or put back, while the hub runs."""
_LOOK_AT_OWN_S: Final = 600.0

_log = logging.getLogger(__name__)


class Enrolment:
    """The store's authority at work: its desk, and the address that stations enrol at. Never stops the hub."""

    def __init__(
        self, store: HubStore, settings: Settings, enrolment: EnrolmentSettings, now_us: Callable[[], int]
    ) -> None:
        self._store = store
        self._settings = settings
        self._enrolment = enrolment
        self._now_us = now_us
        self._desk: EnrolmentDesk | None = None
        self._server: TlsServer | None = None
        self._failure = "the store's authority is not read yet"
        self._announcing: Announcing | None = None
        self.own: OwnCertificate | None = None

    @property
    def status(self) -> EnrolmentStatus:
        """How it stands."""
        desk, server = self._desk, self._server
        return EnrolmentStatus(
            address=self._enrolment.address,
            port=self._enrolment.port if server is None else server.port,
            failure=self._failure,
            unfound="" if self._announcing is None else self._announcing.failure,
            refused={} if desk is None else dict(desk.refused),
            turned_away=0 if server is None else server.turned_away,
            certificate_until_us=None if self.own is None else self.own.until_us,
        )

    async def invite(self, asked: InvitationAsked) -> InvitationGiven:
        """See `hub.web.enrolling.Enrolling`. Raises `BadInput` ("enrolment-off") without an authority, too."""
        if self._desk is None:
            raise BadInput("enrolment-off", self._failure)
        invite = await self._desk.invite(
            Order(
                position=asked.position,
                place=asked.place,
                area=asked.area,
                mode=asked.mode,
                replaces=asked.replaces,
                again=asked.again,
                hub=self._enrolment.address,
                port=self.status.port,
                valid_s=asked.valid_s,
                author=asked.author,
                note=asked.note,
                key=asked.key,
            )
        )
        return InvitationGiven(invite.digits, invite.standing)

    async def end(self, identity: StationId, end: End, author: str, note: str, key: str) -> Standing:
        """See `hub.web.enrolling.Enrolling`. It needs no authority."""
        if self._desk is None:
            return await self._store.identities.say(Ended(self._now_us(), identity, end, author, note, key))
        return await self._desk.end(identity, end, author, note, key)

    async def open_drain(
        self, identity: StationId, stream: Stream, valid_s: int, author: str, note: str, key: str
    ) -> Standing:
        """See `hub.web.enrolling.Enrolling`. It needs no authority."""
        check_author(author, note)
        now_us = self._now_us()
        until_us = now_us + valid_s * 1_000_000
        return await self._store.identities.say(DrainOpened(now_us, identity, stream, until_us, author, note, key))

    async def run(self) -> None:
        """Enrol stations until cancelled; without an authority, look for one again and again."""
        while True:
            try:
                authority = await asyncio.to_thread(load_authority, self._settings.data_dir, self._settings.store)
                await self._serve(authority)
            except (AuthorityUnusable, TryAgain, BadInput, OSError) as error:
                if self._failure != str(error):
                    _log.error("no stations are enrolled", extra={"error": str(error)})
                self._failure = str(error)
            await asyncio.sleep(_LOOK_AGAIN_S)

    async def _serve(self, authority: Authority) -> None:
        enrolment = self._enrolment
        by_name = enrolment.address is None and enrolment.broker_host is None
        name = hub_name(self._settings.store)
        broker = BrokerAddress(enrolment.broker_host, enrolment.broker_port, name if by_name else None)
        # Kept across a failure of the listener, with what it has counted.
        desk = self._desk or EnrolmentDesk(self._store.identities, authority, broker, self._now_us, secrets.token_bytes)
        context = server_context(authority.trusted_pem)
        own = OwnCertificate(
            authority, context, (enrolment.address or name, "localhost", "127.0.0.1", *self._settings.web.hosts)
        )
        own.renew(self._now_us())
        self.own = own
        try:
            app = est_application(desk)
            app.router.routes.extend(self._releases(desk).routes())
            async with TlsServer(app, enrolment.host, enrolment.port, context) as server:
                self._desk, self._server, self._failure = desk, server, ""
                _log.info("stations are enrolled", extra={"address": enrolment.address, "port": server.port})
                async with self._announced(server.port):
                    while True:
                        await server.watch_for(_LOOK_AT_OWN_S)
                        if own.is_due(self._now_us()):
                            own.renew(self._now_us())
        finally:
            self._server = None

    def _releases(self, desk: EnrolmentDesk) -> ReleaseDesk:
        async def recognise(request: Request) -> Caller:
            recognised = await desk.recognise(presented_certificate(request))
            terms = recognised.standing.terms
            return Caller(recognised.standing.identity, terms.position)

        settings = self._settings
        folder = settings.data_dir / RELEASES
        return ReleaseDesk(self._store, folder, settings.closed, settings.zone, self._now_us, recognise)

    @asynccontextmanager
    async def _announced(self, port: int) -> AsyncIterator[None]:
        """Say on the shop's network where this is, if no address does; never ends enrolment."""
        if self._enrolment.address is not None:
            yield
            return
        self._announcing = Announcing(self._settings.store, self._enrolment.host, port)
        running = asyncio.create_task(self._announcing.run(), name="announcing")
        try:
            yield
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            self._announcing = None


class OwnCertificate:
    """What the hub shows stations: given by its own authority, for a key that is nowhere but in its memory."""

    def __init__(self, authority: Authority, context: ssl.SSLContext, hosts: tuple[str, ...]) -> None:
        """`context` is what it is presented by."""
        self._authority = authority
        self._context = context
        self._hosts = tuple(dict.fromkeys(hosts))
        self._given_us = 0
        self.until_us = 0

    def is_due(self, now_us: int) -> bool:
        """Whether two thirds of its life are over, or the clock was set back to before it."""
        return not self._given_us <= now_us < self._given_us + (self.until_us - self._given_us) * 2 // 3

    def renew(self, now_us: int) -> None:
        """Present another one from now on. Raises `BadInput` ("bad-host")."""
        key = ec.generate_private_key(ec.SECP256R1())
        given = self._authority.certify_own(Role.HUB, self._hosts, key.public_key(), now_us, secrets.token_bytes(16))
        pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        present(
            self._context, self._authority.chain_pem(given), key.private_bytes(pem, form, serialization.NoEncryption())
        )
        self._given_us, self.until_us = now_us, int(given.not_valid_after_utc.timestamp()) * 1_000_000
