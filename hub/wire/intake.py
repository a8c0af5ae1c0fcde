"""Receives logs that others write: one reader a log, many frames a transaction, an acknowledgement only after it.

Everything happens on the event loop but the store's own work. `take` feeds a payload to its log's reader; what the
readers want committed gathers while the last transaction runs, so that frames share the next one, whatever log they are
of.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

from hub.errors import TryAgain
from hub.store.reader_logs import Flagged, LogCommit
from hub.store.store import HubStore
from protocol.errors import BadInput
from protocol.frames import decode_writer_message, encode_reader_message, payload_mark
from protocol.identity import Epoch
from protocol.replication.messages import Cursor, ReaderMessage
from protocol.replication.ports import Slice
from protocol.replication.reader import LogReader
from protocol.replication.reader_actions import Commit, ForkSeen, LookUpRead, OutOfReach, Reply

CREDIT = 40_000
"""Entries a writer may have in flight."""
MOST_A_TRANSACTION = 20_000
MANY_A_TRANSACTION = 500
BUSY_AFTER_S = 0.3
"""How long after a transaction of many entries the next is expected."""
FAILED_WAIT_S = 1.0

_log = logging.getLogger(__name__)

Respond = Callable[[str, bytes], None]
"""Told the log and the payload for its writer's side."""


class IntakeDesk:
    """All logs that this hub reads from one broker."""

    def __init__(
        self,
        store: HubStore,
        out_of_reach: OutOfReach,
        nonce: Callable[[], int],
        now_us: Callable[[], int],
        respond: Respond,
    ) -> None:
        self._store = store
        self._out_of_reach = out_of_reach
        self._nonce = nonce
        self._now_us = now_us
        self._respond = respond
        self._readers: dict[str, LogReader] = {}
        self._waiting: list[tuple[str, Commit]] = []
        self._wanted = asyncio.Event()
        self._busy_until_s = 0.0
        self.refused = 0
        """Payloads that could not be understood."""
        self.forks = 0

    @property
    def busy(self) -> bool:
        """Whether a backlog is coming in, not just a live trickle: then whoever has less to do steps back."""
        return asyncio.get_running_loop().time() < self._busy_until_s

    @property
    def contested(self) -> dict[str, tuple[int, ...]]:
        """The logs with two live writers, and the incarnations that were found alive."""
        return {name: r.state.contested for name, r in self._readers.items() if r.state.contested}

    async def know(self, log: str) -> None:
        """Tell a log's writer where we are, unasked: so a restarted hub finds out what it missed."""
        reader = await self._reader(log)
        reader.say_cursor()
        await self._carry_out(log, reader)

    async def take(self, log: str, payload: bytes) -> None:
        """Take a payload from a log's writer. Raises `BadInput` for a name that is no log's."""
        reader = await self._reader(log)
        try:
            message = decode_writer_message(payload)
        except BadInput as error:
            self.refused += 1
            _log.warning("payload refused", extra={"log": log, "error": error.name, "detail": error.detail})
            reader.refuse(payload_mark(payload), error.name)
        else:
            reader.receive(message)
        await self._carry_out(log, reader)

    async def choose(self, log: str, incarnation: int) -> None:
        """Let one of two live writers go on, as a person decided."""
        reader = await self._reader(log)
        reader.choose(incarnation)
        await self._carry_out(log, reader)

    async def run(self) -> None:
        """Commit what gathers, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            while self._waiting:
                await self._commit(self._gather())

    async def _reader(self, log: str) -> LogReader:
        reader = self._readers.get(log)
        if reader is None:
            state = await self._store.reader_state(log)
            # While the state was read another message may have made the reader.
            reader = self._readers.setdefault(
                log, LogReader(state, self._nonce(), self._nonce, self._out_of_reach, CREDIT)
            )
        return reader

    async def _carry_out(self, log: str, reader: LogReader) -> None:
        while (action := reader.next_action()) is not None:
            match action:
                case Reply():
                    self._say(log, action.message)
                case Commit():
                    self._waiting.append((log, action))
                    self._wanted.set()
                case LookUpRead():
                    reader.looked_up(await self._chains(log, action.entries))
                case ForkSeen():
                    self.forks += 1
                    _log.error("fork seen", extra={"log": log, "epoch": str(action.epoch), "seq": action.seq})

    async def _chains(self, log: str, entries: tuple[tuple[Epoch, int], ...]) -> dict[tuple[Epoch, int], bytes | None]:
        own: dict[tuple[Epoch, int], bytes | None] = {}
        for epoch in {epoch for epoch, _ in entries}:
            found = await self._store.digests(log, epoch, [seq for e, seq in entries if e == epoch])
            own.update({(epoch, seq): digest for seq, digest in found.items()})
        return own

    def _gather(self) -> list[tuple[str, Commit]]:
        taken = entries = 0
        for _, commit in self._waiting:
            taken += 1
            entries += 0 if commit.entries is None else len(commit.entries.lines)
            if entries >= MOST_A_TRANSACTION:
                break
        if entries >= MANY_A_TRANSACTION:
            self._busy_until_s = asyncio.get_running_loop().time() + BUSY_AFTER_S
        batch, self._waiting = self._waiting[:taken], self._waiting[taken:]
        return batch

    async def _commit(self, batch: list[tuple[str, Commit]]) -> None:
        try:
            await self._store.commit([_as_stored(log, commit) for log, commit in batch])
        except TryAgain as error:
            _log.error("not committed", extra={"error": str(error)})
            self._give_up({log for log, _ in batch})
            await asyncio.sleep(FAILED_WAIT_S)
            return
        last = {log: commit.serial for log, commit in batch}
        for log, serial in last.items():
            reader = self._readers[log]
            reader.committed(serial)
            await self._carry_out(log, reader)

    def _give_up(self, logs: set[str]) -> None:
        self._waiting = [(log, commit) for log, commit in self._waiting if log not in logs]
        for log in logs:
            self._readers[log].commit_failed()

    def _say(self, log: str, message: ReaderMessage) -> None:
        if isinstance(message, Cursor):
            message = replace(message, hub_us=self._now_us())
        self._respond(log, encode_reader_message(message))


def _as_stored(log: str, commit: Commit) -> LogCommit:
    parts: tuple[Slice | Flagged, ...] = ()
    if commit.entries is not None:
        parts = (Flagged(commit.entries, "refused-frame") if commit.flagged else commit.entries,)
    whole = None if commit.snapshot is None else commit.snapshot.lines
    return LogCommit(log, parts, commit.state, commit.losses, whole)
