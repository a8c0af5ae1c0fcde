"""The hub's composition root: builds its parts from the settings, runs them, and stops them in order.

With `hub.enrolment`, it alone of the hub looks into `provisioning`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import msgspec

from hub.bookkeeping import keep_books
from hub.central.exchange import HqExchange, HqStatus
from hub.clock import HubClock
from hub.enrolment import Enrolment
from hub.errors import TryAgain
from hub.ingest.ingest import Ingest
from hub.release_files import FOLDER as RELEASES
from hub.safekeeping import Safekeeping
from hub.settings import Settings, TlsSettings
from hub.store.seats import Seat, seat_at
from hub.store.store import HubStore
from hub.token_keeping import TokenKeeper
from hub.tokens import TokenFile, TokenWatch
from hub.web.app import make_app
from hub.web.catching_up import ProgressWatch
from hub.web.outside import Outside
from hub.web.server import WebServer
from hub.wire.carrying import Carrier
from hub.wire.tls import TlsFiles
from hub.wire.whole_catalogue import WholeCatalogue
from protocol.enrolment import hub_name
from provisioning.authority_folder import FOLDER, load_authority
from provisioning.broker_keeping import BrokerKeeper, Commands
from provisioning.broker_place import BrokerPlace
from provisioning.own_certificates import OWN_FILE, TRUSTED_FILE

DATABASE = "hub.db"

_log = logging.getLogger(__name__)


def seat_of(settings: Settings) -> Seat:
    """Say where a hub's store is."""
    return seat_at(settings.data_dir / DATABASE, settings.database_url)


def broker_place(settings: Settings) -> BrokerPlace | None:
    """Say where the broker that this hub looks after has its files, and by which names it is reached."""
    mosquitto, enrolment = settings.mosquitto, settings.enrolment
    if mosquitto is None:
        return None
    told = () if enrolment is None else (enrolment.address or hub_name(settings.store), enrolment.broker_host)
    return BrokerPlace(
        folder=Path(mosquitto.folder),
        data_dir=settings.data_dir.absolute(),
        hosts=("localhost", "127.0.0.1", settings.broker.host, *(each for each in told if each), *mosquitto.hosts),
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
        self._tokens = TokenKeeper(TokenWatch(TokenFile(settings.data_dir)), self._store.service_tokens)
        enrolment = settings.enrolment
        self._enrolment = None if enrolment is None else Enrolment(self._store, settings, enrolment, now_us)
        self._outside = Outside(
            store=settings.store,
            now_us=now_us,
            broker_connected=lambda: self._ingest.connected,
            broker_trouble=lambda: self._ingest.trouble,
            broker_current=lambda: None if self._broker_keeper is None else self._broker_keeper.is_current(),
            broker_list_until_us=lambda: None if self._broker_keeper is None else self._broker_keeper.list_until_us,
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
            releases=settings.data_dir / RELEASES,
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

    async def answers(self) -> None:
        """Return once the thread that writes into the store has answered."""
        await self._store.answers()

    @property
    def stopping(self) -> asyncio.Event:
        """Set once it was told to stop."""
        return self._stop

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
