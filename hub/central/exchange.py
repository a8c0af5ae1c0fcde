"""One connection to HQ's broker: serves the store feed and the journal, reads HQ's catalogue and its documents."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from hub.errors import TryAgain
from hub.store.reader_logs import HQ_CATALOGUE, HQ_DOCUMENTS
from hub.store.store import HubStore
from hub.wire.broker import Address, Broker, nonce, sender, stay_connected
from hub.wire.intake import IntakeDesk
from hub.wire.outbound import LogServer
from hub.wire.tls import TlsFiles
from protocol.errors import BadInput
from protocol.frames import decode_reader_message
from protocol.handshake import Trouble
from protocol.identity import StoreId
from protocol.replication.reader_actions import OutOfReach
from protocol.topics import StoreTopics

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HqStatus:
    """How the exchange stands: whether HQ's broker is reached, and feed entries HQ is not known to have.

    `trouble` is what stood between us and that broker at the last call.
    """

    connected: bool
    feed_backlog: int | None
    journal_backlog: int | None
    trouble: Trouble | None = None


class HqExchange:
    """Runs until cancelled; a lost connection is dialled again, and the store goes on without it."""

    def __init__(
        self,
        store: HubStore,
        name: StoreId,
        host: str,
        port: int,
        now_us: Callable[[], int],
        tls: TlsFiles | None = None,
    ) -> None:
        self._topics = StoreTopics(name)
        self._address = Address(host, port, f"hub-{name}", tls)
        self._broker: Broker | None = None
        self._trouble: Trouble | None = None
        self._feed = LogServer(store.feed, nonce, time.monotonic)
        self._journal = LogServer(store.journal, nonce, time.monotonic)
        self._desk = IntakeDesk(store, OutOfReach.SNAPSHOT, nonce, now_us, self._respond)
        # Of documents there is no state that could be told instead of those that are gone.
        self._documents = IntakeDesk(store, OutOfReach.RECORD_LOSS, nonce, now_us, self._respond)

    @property
    def status(self) -> HqStatus:
        """How it stands now."""
        return HqStatus(self._broker is not None, self._feed.backlog, self._journal.backlog, self._trouble)

    async def run(self) -> None:
        """Exchange for as long as the hub runs."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._desk.run())
            group.create_task(self._documents.run())
            group.create_task(stay_connected(self._address, self._converse, self._note))

    def _note(self, trouble: Trouble | None) -> None:
        self._trouble = trouble

    async def _converse(self, broker: Broker) -> None:
        topics = self._topics
        for topic in (topics.feed_cursor, topics.journal_cursor, topics.hq_catalogue, topics.hq_documents):
            await broker.subscribe(topic, qos=1)
        self._broker = broker
        serving = [
            asyncio.create_task(self._feed.serve_until_gone(sender(broker, topics.feed_log))),
            asyncio.create_task(self._journal.serve_until_gone(sender(broker, topics.journal_log))),
        ]
        try:
            await self._desk.know(HQ_CATALOGUE)
            await self._documents.know(HQ_DOCUMENTS)
            async for topic, payload in broker.heard():
                await self._route(topic, payload)
        finally:
            self._broker = None
            for task in serving:
                task.cancel()
            await asyncio.gather(*serving, return_exceptions=True)

    async def _route(self, topic: str, payload: bytes) -> None:
        topics = self._topics
        try:
            if topic == topics.feed_cursor:
                self._feed.hear(decode_reader_message(payload))
            elif topic == topics.journal_cursor:
                self._journal.hear(decode_reader_message(payload))
            elif topic == topics.hq_catalogue:
                await self._desk.take(HQ_CATALOGUE, payload)
            elif topic == topics.hq_documents:
                await self._documents.take(HQ_DOCUMENTS, payload)
        except BadInput as error:
            _log.warning("HQ message refused", extra={"topic": topic, "error": error.name, "detail": error.detail})
        except TryAgain as error:
            _log.error("HQ message dropped", extra={"topic": topic, "error": str(error)})

    def _respond(self, log: str, payload: bytes) -> None:
        if self._broker is not None:
            self._broker.post(self._topics.hq_cursor(log.removeprefix("hq/")), payload)
