"""The hub's composition root: builds its parts from the settings, runs them, and stops them in order.

It alone of the hub looks into `provisioning`, so what carries the store's authority is here, too.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import ssl
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from hub.bookkeeping import keep_books
from hub.central.exchange import HqExchange, HqStatus
from hub.clock import HubClock
from hub.errors import TryAgain
from hub.ingest.ingest import Ingest
from hub.safekeeping import Safekeeping
from hub.settings import EnrolmentSettings, Settings, TlsSettings
from hub.store.seats import Seat, seat_at
from hub.store.store import HubStore
from hub.tokens import TokenFile, TokenWatch
from hub.web.app import make_app
from hub.web.catching_up import ProgressWatch
from hub.web.enrolling import EnrolmentStatus, InvitationAsked, InvitationGiven
from hub.web.outside import Outside
from hub.web.server import WebServer
from hub.web.tls import TlsServer, present, server_context
from hub.wire.carrying import Carrier
from hub.wire.tls import TlsFiles
from hub.wire.whole_catalogue import WholeCatalogue
from protocol.enrolment import Role
from protocol.errors import BadInput
from protocol.identity import StationId
from protocol.identity_words import End, Ended, Standing
from provisioning.authority import Authority
from provisioning.authority_folder import FOLDER, load_authority
from provisioning.broker_keeping import BrokerKeeper, Commands
from provisioning.broker_place import BrokerPlace
from provisioning.desk import BrokerAddress, EnrolmentDesk
from provisioning.errors import AuthorityUnusable
from provisioning.est import est_application
from provisioning.orders import Order
from provisioning.own_certificates import OWN_FILE, TRUSTED_FILE

DATABASE = "hub.db"
_LOOK_AGAIN_S = 5.0
"""For an authority that could not be read: it may be made, or put back, while the hub runs."""
_LOOK_AT_OWN_S = 600.0

_log = logging.getLogger(__name__)


def seat_of(settings: Settings) -> Seat:
    """Say where a hub's store is."""
    return seat_at(settings.data_dir / DATABASE, settings.database_url)


def broker_place(settings: Settings) -> BrokerPlace | None:
    """Say where the broker that this hub looks after has its files, and by which names it is reached."""
    mosquitto, enrolment = settings.mosquitto, settings.enrolment
    if mosquitto is None:
        return None
    told = () if enrolment is None else (enrolment.address, enrolment.broker_host or enrolment.address)
    return BrokerPlace(
        folder=Path(mosquitto.folder),
        data_dir=settings.data_dir.absolute(),
        hosts=("localhost", "127.0.0.1", settings.broker.host, *told, *mosquitto.hosts),
        port=settings.broker.port,
        random_bytes=secrets.token_bytes,
        listen=mosquitto.listen,
        connections=mosquitto.connections,
        user=mosquitto.user,
    )


def _broker_identity(settings: Settings) -> TlsFiles | None:
    place = broker_place(settings)
    if settings.broker.tls is not None or place is None:
        return _tls_files(settings.broker.tls)
    own = place.identity / OWN_FILE
    return TlsFiles(place.identity / TRUSTED_FILE, own, own)


def _tls_files(tls: TlsSettings | None) -> TlsFiles | None:
    return None if tls is None else TlsFiles(Path(tls.ca), Path(tls.certificate), Path(tls.key), tls.name)


def authority_of(settings: Settings) -> Path:
    """Say where the folder of a store's authority is, if it has one."""
    return settings.data_dir / FOLDER


class Ready(msgspec.Struct, frozen=True):
    """The hub serves: whose it is, and where its page is."""

    store: str
    web: str
    pid: int


class Hub:
    """One store's hub. `run` opens everything, serves until `stop`, and closes everything."""

    def __init__(
        self, settings: Settings, on_ready: Callable[[Ready], None], now_us: Callable[[], int] | None = None
    ) -> None:
        """`on_ready` is called once stations and browsers are served. `now_us` replaces the machine's clock."""
        now_us = HubClock().now_us if now_us is None else now_us
        self._settings = settings
        self._on_ready = on_ready
        self._stop = asyncio.Event()
        self._live_rows = 0
        seat = seat_of(settings)
        self._store = HubStore(seat.engine(), settings.store, now_us, settings.codes)
        broker = settings.broker
        self._ingest = Ingest(
            self._store,
            settings.store,
            broker.host,
            broker.port,
            now_us,
            whole_catalogue=WholeCatalogue(self._store),
            catalogue_rows=lambda: self._live_rows,
            tls=_broker_identity(settings),
        )
        self._progress = ProgressWatch(self._store, self._ingest.to_come)
        backup, medium = settings.backup, settings.medium
        self._safekeeping = (
            None
            if backup is None or medium is None
            else Safekeeping(self._store, seat, settings.store, medium, backup, now_us, authority_of(settings))
        )
        self._tokens = TokenWatch(TokenFile(settings.data_dir))
        enrolment = settings.enrolment
        self._enrolment = None if enrolment is None else Enrolment(self._store, settings, enrolment, now_us)
        self._outside = Outside(
            store=settings.store,
            now_us=now_us,
            broker_connected=lambda: self._ingest.connected,
            broker_trouble=lambda: self._ingest.trouble,
            broker_current=lambda: None if self._broker_keeper is None else self._broker_keeper.is_current(),
            hq=self._hq_status,
            contested=lambda: self._ingest.desk.contested,
            choose=self._ingest.desk.choose,
            carrier=Carrier(self._store, settings.store, self._ingest.desk, now_us, settings.data_dir),
            safekeeping=self._safekeeping,
            uncounted=self._ingest.uncounted,
            sighted=self._ingest.changes,
            catching_up=lambda: self._progress.latest,
            tokens=self._tokens.latest,
            enrolling=self._enrolment,
            tolerances=settings.tolerances,
        )
        mosquitto, place = settings.mosquitto, broker_place(settings)
        self._broker_keeper = (
            None
            if mosquitto is None or place is None
            else BrokerKeeper(
                settings.store,
                self._store.identities,
                partial(load_authority, settings.data_dir, settings.store),
                self._ingest,
                place,
                Commands(place.folder, mosquitto.reload, mosquitto.restart),
                now_us,
                (TryAgain,),
            )
        )
        hq = settings.hq
        self._hq = (
            None
            if hq is None
            else HqExchange(self._store, settings.store, hq.host, hq.port, now_us, _tls_files(hq.tls))
        )

    def stop(self) -> None:
        """Ask `run` to end, orderly."""
        self._stop.set()

    async def run(self) -> None:
        """Serve until `stop`. Raises what opening the store or the web port raises, before anything is served."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._store)
            self._live_rows = await self._count_rows()
            await self._tokens.look()
            app = make_app(self._store, self._settings.web, self._outside)
            web = WebServer(app, self._settings.web.host, self._settings.web.port, self._outside.stopping, ready=app)
            await stack.enter_async_context(web)
            jobs: list[asyncio.Task[None]] = [
                asyncio.create_task(self._ingest.run(), name="ingest"),
                asyncio.create_task(keep_books(self._store, lambda: self._ingest.desk.busy), name="bookkeeping"),
                asyncio.create_task(self._count_live_rows(), name="live rows"),
                asyncio.create_task(self._progress.run(), name="progress"),
                asyncio.create_task(web.watch(), name="web"),
                asyncio.create_task(self._tokens.run(), name="tokens"),
                asyncio.create_task(self._wait_for_stop(), name="stop"),
            ]
            if self._safekeeping is not None:
                jobs.append(asyncio.create_task(self._safekeeping.run(), name="safekeeping"))
            if self._enrolment is not None:
                jobs.append(asyncio.create_task(self._enrolment.run(), name="enrolment"))
            if self._broker_keeper is not None:
                jobs.append(asyncio.create_task(self._broker_keeper.run(), name="broker's files"))
            if self._hq is not None:
                jobs.append(asyncio.create_task(self._hq.run(), name="hq"))
            _log.info("ready", extra={"store": self._settings.store, "web": web.url})
            self._on_ready(Ready(self._settings.store, web.url, os.getpid()))
            try:
                done, _ = await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
                for job in done:
                    job.result()
            finally:
                for job in jobs:
                    job.cancel()
                await asyncio.gather(*jobs, return_exceptions=True)
        _log.info("stopped")

    async def _wait_for_stop(self) -> None:
        await self._stop.wait()

    def _hq_status(self) -> HqStatus | None:
        return None if self._hq is None else self._hq.status

    async def _count_live_rows(self) -> None:
        async for change in self._store.changes():
            if change.catalogue:
                self._live_rows = await self._count_rows()

    async def _count_rows(self) -> int:
        return (await self._store.totals()).catalogue_rows


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
        self.own: OwnCertificate | None = None

    @property
    def status(self) -> EnrolmentStatus:
        """How it stands."""
        desk, server = self._desk, self._server
        return EnrolmentStatus(
            address=self._enrolment.address,
            port=self._enrolment.port if server is None else server.port,
            failure=self._failure,
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
        broker = BrokerAddress(enrolment.broker_host, enrolment.broker_port)
        # Kept across a failure of the listener, with what it has counted.
        desk = self._desk or EnrolmentDesk(self._store.identities, authority, broker, self._now_us, secrets.token_bytes)
        context = server_context(authority.trusted_pem)
        own = OwnCertificate(
            authority, context, (enrolment.address, "localhost", "127.0.0.1", *self._settings.web.hosts)
        )
        own.renew(self._now_us())
        self.own = own
        try:
            async with TlsServer(est_application(desk), enrolment.host, enrolment.port, context) as server:
                self._desk, self._server, self._failure = desk, server, ""
                _log.info("stations are enrolled", extra={"address": enrolment.address, "port": server.port})
                while True:
                    await server.watch_for(_LOOK_AT_OWN_S)
                    if own.is_due(self._now_us()):
                        own.renew(self._now_us())
        finally:
            self._server = None


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
