"""Keeps the station's catalogue replica current: the reader's side of the hub's catalogue log."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable

from edge.catalogue.api import Catalogue
from edge.catalogue.errors import CatalogueFailing
from protocol.errors import BadInput
from protocol.frames import decode_writer_message, encode_reader_message, payload_mark
from protocol.identity import Epoch
from protocol.replication.reader import LogReader
from protocol.replication.reader_actions import Commit, ForkSeen, LookUpRead, OutOfReach, Reply

CREDIT = 20_000
ASK_AGAIN_S = 5.0
INBOX = 256
SNAPSHOT_LINES = 2_000

_log = logging.getLogger(__name__)


class CatalogueFollower:
    """The replica's reader, for as long as the agent runs; `follow` for each connection."""

    def __init__(self, replica: Catalogue, nonce: Callable[[], int], on_change: Callable[[], None]) -> None:
        """`on_change` is told that the replica holds something else now."""
        self._replica = replica
        self._on_change = on_change
        self._nonce = nonce
        self._reader: LogReader | None = None
        self._inbox: asyncio.Queue[bytes] = asyncio.Queue(INBOX)

    def hear(self, payload: bytes) -> None:
        """Take a message from the hub; what does not fit is asked for again."""
        with contextlib.suppress(asyncio.QueueFull):
            self._inbox.put_nowait(payload)

    async def follow(self, send: Callable[[bytes], None]) -> None:
        """Ask for what is missing and take what comes, over one connection; ends by being cancelled."""
        if self._reader is None:
            state = self._replica.reader_state
            self._reader = LogReader(state, self._nonce(), self._nonce, OutOfReach.SNAPSHOT, CREDIT)
        reader = self._reader
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
            try:
                reader.receive(decode_writer_message(payload))
            except BadInput as error:
                _log.warning("catalogue message refused", extra={"error": error.name, "detail": error.detail})
                reader.refuse(payload_mark(payload), error.name)

    async def _carry_out(self, reader: LogReader, send: Callable[[bytes], None]) -> None:
        while (action := reader.next_action()) is not None:
            match action:
                case Reply():
                    send(encode_reader_message(action.message))
                case Commit():
                    try:
                        await self._commit(action)
                    except CatalogueFailing as error:
                        _log.error("catalogue not stored", extra={"error": str(error)})
                        reader.commit_failed()
                        return
                    reader.committed(action.serial)
                    self._on_change()
                case LookUpRead():
                    own: dict[tuple[Epoch, int], bytes | None] = {}
                    for epoch, seq in action.entries:
                        own[epoch, seq] = (await self._replica.digests(epoch, [seq])).get(seq)
                    reader.looked_up(own)
                case ForkSeen():
                    _log.warning("catalogue fork", extra={"epoch": str(action.epoch), "seq": action.seq})

    async def _commit(self, commit: Commit) -> None:
        if commit.snapshot is not None:
            await self._replica.replace(_in_parts(commit.snapshot.lines), commit.state)
        elif commit.entries is not None:
            entries = commit.entries
            await self._replica.apply(entries.first, entries.lines, commit.state, flagged=commit.flagged)
        else:
            await self._replica.apply(1, (), commit.state)


def _in_parts(lines: tuple[bytes, ...]) -> Iterable[tuple[bytes, ...]]:
    for start in range(0, len(lines), SNAPSHOT_LINES):
        yield lines[start : start + SNAPSHOT_LINES]
