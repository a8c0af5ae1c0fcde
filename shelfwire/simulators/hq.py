"""Head office, simulated: writes catalogue and documents, reads a store's feed and journal, keeps a twin of the books.

    hq/cat       ->  LogWriter over a log in memory       hq/cursor/cat   <-  the hub's cursor
    hq/doc       ->  likewise                             hq/cursor/doc   <-  the hub's cursor
    feed/log     <-  LogReader, FeedBooks                 feed/cursor     ->  HQ's cursor
    journal/log  <-  LogReader, lines kept                journal/cursor  ->  HQ's cursor

It outlives its broker but not its process: what it read is in memory, as is what it wrote.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import MappingProxyType, TracebackType
from typing import Self

from edge.buffer.memory_log import MemoryLog
from hub.catalogue.snapshot import snapshot_parts
from hub.wire.broker import Address, Broker, nonce, sender, stay_connected
from hub.wire.outbound import LogServer
from protocol.catalogue import CatalogueRow, encode_row
from protocol.catalogue_set import CatalogueSet, SetHash
from protocol.chain import Position, extend
from protocol.documents import HqDocument, StatedLine, StockStated, encode_document
from protocol.errors import BadInput
from protocol.feed import decode_feed_entry
from protocol.feed_books import FeedBooks
from protocol.feed_documents import FeedDocuments
from protocol.frames import (
    decode_reader_message,
    decode_writer_message,
    encode_reader_message,
    encode_writer_message,
    payload_mark,
)
from protocol.identity import Epoch, ItemId, PlaceId, StoreId
from protocol.replication.ports import ReaderState
from protocol.replication.reader import LogReader
from protocol.replication.reader_actions import Commit, ForkSeen, LookUpRead, OutOfReach, Reply
from protocol.topics import StoreTopics
from shelfwire.simulators.hq_transfers import TransferTwin

CREDIT = 20_000
STATED = 500
"""Figures in one part of a stock statement."""
NOTHING_OFF: Mapping[tuple[str, str], int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class HqFigures:
    """What HQ can say of itself.

    `feed_seq` and `journal_seq` are its cursors; `feed_entries` different entries of the store told of; `unreadable`
    lines it could not understand; `forks` and `losses` what replication owned up to; `catalogue_backlog` entries not
    known to be at the hub.
    """

    connected: bool
    feed_seq: int
    journal_seq: int
    feed_entries: int
    unreadable: int
    forks: int
    losses: int
    catalogue_seq: int
    catalogue_rows: int
    catalogue_backlog: int | None


class HeldLog:
    """A log of the hub's, as HQ holds it: where it stands, the chain after every entry, and what each line was for."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take
        self._reader = LogReader(ReaderState(), nonce(), nonce, OutOfReach.RECORD_LOSS, CREDIT)
        self._chain: dict[tuple[Epoch, int], bytes] = {}
        self.forks = 0
        self.losses = 0

    @property
    def at(self) -> Position | None:
        """Up to where it was read, None if it never was."""
        return self._reader.state.at

    @property
    def seq(self) -> int:
        """How far it was read in the epoch read now."""
        return 0 if self.at is None else self.at.seq

    def greet(self) -> list[bytes]:
        """Give what to send on connecting."""
        self._reader.say_cursor()
        return self._carried_out()

    def hear(self, payload: bytes) -> list[bytes]:
        """Take a payload from the log's writer; give what to send back."""
        try:
            self._reader.receive(decode_writer_message(payload))
        except BadInput as error:
            self._reader.refuse(payload_mark(payload), error.name)
        return self._carried_out()

    def _carried_out(self) -> list[bytes]:
        replies: list[bytes] = []
        while (action := self._reader.next_action()) is not None:
            match action:
                case Reply():
                    replies.append(encode_reader_message(action.message))
                case Commit():
                    self._commit(action)
                    self._reader.committed(action.serial)
                case LookUpRead():
                    self._reader.looked_up({entry: self._chain.get(entry) for entry in action.entries})
                case ForkSeen():
                    self.forks += 1
        return replies

    def _commit(self, commit: Commit) -> None:
        self.losses += len(commit.losses)
        if commit.state.at is not None:
            at = commit.state.at
            self._chain[at.epoch, at.seq] = at.digest
        if commit.entries is None:
            return
        digest = commit.entries.digest
        for seq, line in enumerate(commit.entries.lines, commit.entries.first):
            digest = extend(digest, (line,))
            self._chain[commit.entries.epoch, seq] = digest
            self._take(line)


class SimulatedHq:
    """Head office for one store: `async with` starts it; it dials its broker until it is closed."""

    def __init__(self, host: str, port: int, store: StoreId) -> None:
        self._topics = StoreTopics(store)
        self._address = Address(host, port, "hq")
        self._log = MemoryLog(clock=lambda: time.time_ns() // 1000, nonce=nonce)
        self._server = LogServer(self._log, nonce, time.monotonic, self._whole_catalogue)
        self._documents = MemoryLog(clock=lambda: time.time_ns() // 1000, nonce=nonce)
        self._document_server = LogServer(self._documents, nonce, time.monotonic)
        self.transfers = TransferTwin()
        self.told = FeedDocuments()
        self._catalogue = CatalogueSet()
        self._books = FeedBooks()
        self._journal: list[bytes] = []
        self._unreadable: list[bytes] = []
        self._feed_log = HeldLog(self._take_feed)
        self._journal_log = HeldLog(self._journal.append)
        self._connected = False
        self._stack = AsyncExitStack()
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._log)
        await self._stack.enter_async_context(self._documents)
        self._running = asyncio.create_task(stay_connected(self._address, self._converse), name="head office")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        running, self._running = self._running, None
        if running is not None:
            running.cancel()
            await asyncio.wait([running])
        await self._stack.aclose()

    async def write(self, rows: Sequence[CatalogueRow]) -> None:
        """Append rows to the catalogue log; the store gets them as soon as it can be reached."""
        lines = [encode_row(row) for row in rows]
        await self._log.append(lines)
        for line in lines:
            self._catalogue.apply(line)

    async def write_documents(self, documents: Sequence[HqDocument]) -> None:
        """Append documents; the store gets them as soon as it can be reached."""
        await self._documents.append([encode_document(each) for each in documents])

    async def state_stock(self, document: str, off_milli: Mapping[tuple[str, str], int] = NOTHING_OFF) -> Position:
        """Tell the store what it has, as its feed tells it up to here; give that place in the feed.

        `off_milli` is by how much this head office is wrong about an item and area. Raises `ValueError` before the
        first entry of the feed came.
        """
        at = self._feed_log.at
        if at is None:
            raise ValueError("head office has read nothing yet")
        stock = {(str(item), str(area)): milli for (item, area), milli in self.stock().items()}
        scopes = sorted(stock.keys() | off_milli.keys())
        lines = [StatedLine(*scope, stock.get(scope, 0) + off_milli.get(scope, 0)) for scope in scopes]
        parts = [lines[first : first + STATED] for first in range(0, len(lines), STATED)]
        now_us = time.time_ns() // 1000
        await self.write_documents(
            [
                StockStated(
                    now_us, document, part, str(at.epoch), at.seq, tuple(some), "head office", "stock statement"
                )
                for part, some in enumerate(parts)
            ]
        )
        return at

    @property
    def catalogue_hash(self) -> SetHash:
        """The hash of the live rows: what the hub and every station must come to."""
        return self._catalogue.hash

    @property
    def journal(self) -> tuple[bytes, ...]:
        """The hub's journal, as its second medium holds it."""
        return tuple(self._journal)

    def stock(self) -> dict[tuple[ItemId, PlaceId], int]:
        """The store's stock as its feed tells it, in milli-units."""
        return self._books.stock()

    @property
    def figures(self) -> HqFigures:
        """How HQ stands now."""
        return HqFigures(
            connected=self._connected,
            feed_seq=self._feed_log.seq,
            journal_seq=self._journal_log.seq,
            feed_entries=len(self._books),
            unreadable=len(self._unreadable),
            forks=self._feed_log.forks + self._journal_log.forks,
            losses=self._feed_log.losses + self._journal_log.losses,
            catalogue_seq=self._log.view.head.seq,
            catalogue_rows=len(self._catalogue),
            catalogue_backlog=self._server.backlog,
        )

    async def _converse(self, broker: Broker) -> None:
        topics = self._topics
        held = {
            topics.feed_log: (self._feed_log, topics.feed_cursor),
            topics.journal_log: (self._journal_log, topics.journal_cursor),
        }
        served = {
            topics.hq_cursor("cat"): (self._server, topics.hq_catalogue),
            topics.hq_cursor("doc"): (self._document_server, topics.hq_documents),
        }
        for topic in (*held, *served):
            await broker.subscribe(topic, qos=1)
        self._connected = True
        serving = [
            asyncio.create_task(server.serve_until_gone(sender(broker, topic))) for server, topic in served.values()
        ]
        try:
            for log, cursor in held.values():
                _send(broker, cursor, log.greet())
            async for topic, payload in broker.heard():
                if topic in held:
                    log, cursor = held[topic]
                    _send(broker, cursor, log.hear(payload))
                else:
                    self._hear_cursor(served[topic][0], payload)
        finally:
            self._connected = False
            for task in serving:
                task.cancel()
            await asyncio.wait(serving)

    def _hear_cursor(self, server: LogServer, payload: bytes) -> None:
        try:
            server.hear(decode_reader_message(payload))
        except BadInput:
            self._unreadable.append(payload)

    def _take_feed(self, line: bytes) -> None:
        try:
            entry = decode_feed_entry(line)
            self._books.upsert(entry)
            self.transfers.take(entry)
            self.told.take(entry)
        except BadInput:
            self._unreadable.append(line)

    async def _whole_catalogue(self, snapshot: int) -> AsyncIterator[bytes]:
        for part in snapshot_parts(self._log.view.head, snapshot, self._catalogue.lines()):
            yield encode_writer_message(part)


def _send(broker: Broker, topic: str, payloads: list[bytes]) -> None:
    for payload in payloads:
        broker.post(topic, payload)
