"""Keeps the station's catalogue replica current: the reader's side of the hub's catalogue log."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from edge.catalogue.api import Applied, Catalogue
from edge.catalogue.errors import CatalogueFailing
from edge.uplink.snapshot_feed import SnapshotFeed
from protocol.errors import BadInput
from protocol.frames import decode_writer_message, encode_reader_message, payload_mark
from protocol.identity import Epoch
from protocol.replication.ports import ReaderState
from protocol.replication.reader import LogReader
from protocol.replication.reader_actions import Commit, ForkSeen, LookUpRead, OutOfReach, Reply, Stage

CREDIT = 20_000
ASK_AGAIN_S = 5.0
INBOX = 1024
"""Messages that may wait: all the parts of a snapshot, packed, should the disk be slower than the network."""

TOGETHER = 8
"""Messages read before what they bring is committed."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Incoming:
    """A snapshot that is being stored while it comes; `state` is what it leads to."""

    state: ReaderState
    feed: SnapshotFeed
    stored: asyncio.Task[Applied]


class CatalogueFollower:
    """The replica's reader, for as long as the agent runs; `follow` for each connection."""

    def __init__(self, replica: Catalogue, nonce: Callable[[], int], on_change: Callable[[], None]) -> None:
        """`on_change` is told that the replica holds something else now."""
        self._replica = replica
        self._on_change = on_change
        self._nonce = nonce
        self._reader: LogReader | None = None
        self._inbox: asyncio.Queue[bytes] = asyncio.Queue(INBOX)
        self._incoming: _Incoming | None = None

    def hear(self, payload: bytes) -> None:
        """Take a message from the hub; what does not fit is asked for again."""
        with contextlib.suppress(asyncio.QueueFull):
            self._inbox.put_nowait(payload)

    async def follow(self, send: Callable[[bytes], None]) -> None:
        """Ask for what is missing and take what comes, over one connection; ends by being cancelled."""
        if self._reader is None:
            state = self._replica.reader_state
            self._reader = LogReader(state, self._nonce(), self._nonce, OutOfReach.SNAPSHOT, CREDIT, staged=True)
        try:
            await self._converse(self._reader, send)
        finally:
            self._give_up()

    async def _converse(self, reader: LogReader, send: Callable[[bytes], None]) -> None:
        reader.say_cursor()
        while True:
            await self._carry_out(reader, send)
            try:
                async with asyncio.timeout(ASK_AGAIN_S):
                    payload = await self._inbox.get()
            except TimeoutError:
                if reader.wants_snapshot or reader.state.at is None:
                    reader.say_cursor()
                continue
            self._take(reader, payload)
            for _ in range(min(TOGETHER - 1, self._inbox.qsize())):
                self._take(reader, self._inbox.get_nowait())

    @staticmethod
    def _take(reader: LogReader, payload: bytes) -> None:
        try:
            reader.receive(decode_writer_message(payload))
        except BadInput as error:
            _log.warning("catalogue message refused", extra={"error": error.name, "detail": error.detail})
            reader.refuse(payload_mark(payload), error.name)

    async def _carry_out(self, reader: LogReader, send: Callable[[bytes], None]) -> None:
        frames: list[Commit] = []
        while (action := reader.next_action()) is not None or frames:
            if isinstance(action, Commit) and action.entries is not None and not action.flagged:
                # What came while the last commit ran shares the next.
                frames.append(action)
                continue
            if frames and not isinstance(action, Reply):
                together, frames = _together(frames), []
                if not await self._durable(reader, together):
                    return
            match action:
                case Reply():
                    send(encode_reader_message(action.message))
                case Stage():
                    await self._stage(action)
                case Commit():
                    if not await self._durable(reader, action):
                        return
                case LookUpRead():
                    own: dict[tuple[Epoch, int], bytes | None] = {}
                    for epoch, seq in action.entries:
                        own[epoch, seq] = (await self._replica.digests(epoch, [seq])).get(seq)
                    reader.looked_up(own)
                case ForkSeen():
                    _log.warning("catalogue fork", extra={"epoch": str(action.epoch), "seq": action.seq})
                case None:
                    pass

    async def _durable(self, reader: LogReader, commit: Commit) -> bool:
        """Commit and tell the reader; say whether that was done."""
        try:
            await self._commit(commit)
        except CatalogueFailing as error:
            _log.error("catalogue not stored", extra={"error": str(error)})
            reader.commit_failed()
            return False
        reader.committed(commit.serial)
        self._on_change()
        return True

    async def _stage(self, stage: Stage) -> None:
        part = stage.part
        if part.part == 1:
            self._give_up()
            feed = SnapshotFeed()
            stored = asyncio.create_task(self._replica.replace(feed, stage.state))
            stored.add_done_callback(lambda _: feed.stop())
            self._incoming = _Incoming(stage.state, feed, stored)
        if self._incoming is not None:
            await self._incoming.feed.put(part.lines)

    async def _commit(self, commit: Commit) -> None:
        incoming = self._incoming
        if commit.snapshot is not None:
            if incoming is None or incoming.state != commit.state:
                raise CatalogueFailing("a snapshot was overtaken")
            self._incoming = None
            incoming.feed.end()
            await incoming.stored
            return
        self._give_up()
        if commit.entries is not None:
            entries = commit.entries
            await self._replica.apply(entries.first, entries.lines, commit.state, flagged=commit.flagged)
        else:
            await self._replica.apply(1, (), commit.state)

    def _give_up(self) -> None:
        """Forget what came of a snapshot that will not come whole."""
        incoming, self._incoming = self._incoming, None
        if incoming is not None:
            incoming.feed.give_up()
            # It ends in `CatalogueFailing`, which is nobody's news.
            incoming.stored.add_done_callback(lambda stored: stored.cancelled() or stored.exception())


def _together(frames: list[Commit]) -> Commit:
    """Make one commit of several whose entries follow each other."""
    first, last = frames[0], frames[-1]
    assert first.entries is not None
    lines = tuple(line for frame in frames if frame.entries is not None for line in frame.entries.lines)
    return replace(last, entries=replace(first.entries, lines=lines))
