"""Receives logs that others write: one reader a log, many frames a transaction, an acknowledgement only after it.

Everything happens on the event loop but the store's own work. `take` feeds a payload to its log's reader; what the
readers want committed gathers while the last transaction runs, so that frames share the next one, whatever log they are
of.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import replace

from hub.errors import TryAgain
from hub.store.reader_logs import Flagged, LogCommit
from hub.store.store import HubStore
from hub.wire.pacing import FLOOR, MOST_BYTES, Pacing
from hub.wire.waiting import Waiting, bytes_of, entries_of
from protocol.errors import BadInput
from protocol.frames import decode_writer_message, encode_reader_message, payload_mark
from protocol.identity import Epoch
from protocol.replication.messages import Cursor, Frame, Hello, ReaderMessage, WriterMessage
from protocol.replication.ports import LogView, ReaderState, Slice
from protocol.replication.reader import LogReader
from protocol.replication.reader_actions import Commit, ForkSeen, LookUpRead, OutOfReach, Reply
from protocol.topics import Stream

MOST_WAITING_BYTES = 4 * MOST_BYTES
"""Of stored lines. Only writers that do not obey their credit come near it; their frames are left to come again."""
MANY_A_TRANSACTION = 500
BUSY_AFTER_S = 0.3
"""How long after a transaction of many entries the next is expected."""
FAILED_WAIT_S = 1.0
"""How long a store that did not take something is left alone."""

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
        self._waiting = Waiting()
        self._wanted = asyncio.Event()
        self._brought: dict[str, list[tuple[int, asyncio.Future[None]]]] = {}
        self._busy_until_s = 0.0
        self._pacing = Pacing()
        self._told: dict[str, LogView] = {}
        self.refused = 0
        """Payloads that could not be understood."""
        self.forks = 0
        self.overrun = 0
        """Frames left to come again, because their writers sent more than they may."""

    @property
    def backlogs(self) -> dict[str, int]:
        """Entries that the writers of logs told of and that are not durable here, of those heard since the start."""
        return {log: self._backlog(log) for log in self._told}

    def state(self, log: str) -> ReaderState | None:
        """How far a log is read, durably; None before anything of it was heard."""
        reader = self._readers.get(log)
        return None if reader is None else reader.state

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
            self._pace(log, message)
            if isinstance(message, Frame) and self._overruns(log, message):
                self.overrun += 1
                return
            reader.receive(message)
        await self._carry_out(log, reader)

    async def choose(self, log: str, incarnation: int) -> None:
        """Let one of two live writers go on, as a person decided."""
        reader = await self._reader(log)
        reader.choose(incarnation)
        await self._carry_out(log, reader)

    async def bring(self, log: str, step: Callable[[LogReader], int | None], *, at_rest: bool = False) -> bool:
        """Let `step` give a log's reader what no writer sends, and wait until the commit it names is durable.

        `at_rest`: let what writers sent be committed first. False where `step` names none. Raises `TryAgain` if
        something could not be committed, or nobody can say now whether it was.
        """
        reader = await self._reader(log)
        while at_rest and reader.busy:
            await self._durable(log, 0)
        serial = step(reader)
        if serial is None:
            return False
        durable = self._durable(log, serial)
        await self._carry_out(log, reader)
        await durable
        return True

    def _durable(self, log: str, serial: int) -> asyncio.Future[None]:
        """Give what is done once the commit `serial` of a log is; 0: any commit of it."""
        durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._brought.setdefault(log, []).append((serial, durable))
        return durable

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
                log, LogReader(state, self._nonce(), self._nonce, self._out_of_reach, FLOOR)
            )
        return reader

    async def _carry_out(self, log: str, reader: LogReader) -> None:
        while (action := reader.next_action()) is not None:
            match action:
                case Reply():
                    self._say(log, action.message)
                case Commit():
                    self._waiting.add(log, action)
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
        batch = self._waiting.gather(self._pacing.transaction_entries)
        entries = sum(entries_of(commit) for _, commit in batch)
        if entries >= MANY_A_TRANSACTION:
            self._busy_until_s = math.inf
        return batch

    async def _commit(self, batch: list[tuple[str, Commit]]) -> None:
        began_s = asyncio.get_running_loop().time()
        last = dict(batch)
        try:
            await self._store.commit([_as_stored(log, commit) for log, commit in batch])
        except TryAgain as error:
            _log.error("not committed", extra={"error": str(error)})
            self._tell_failed(last)
            if not await self._came_to_pass(last):
                self._give_up(last.keys())
                return
            _log.warning("committed all the same", extra={"logs": sorted(last)})
        finally:
            # However long it waited for what was under way: only from here on may the rest of it be slow to come.
            if self._busy_until_s == math.inf:
                self._busy_until_s = asyncio.get_running_loop().time() + BUSY_AFTER_S
        took_s = asyncio.get_running_loop().time() - began_s
        self._pacing.committed_in(sum(bytes_of(commit) for _, commit in batch), took_s)
        for log, commit in last.items():
            reader = self._readers[log]
            reader.committed(commit.serial)
            self._tell_bringers(log, commit.serial, None)
            entries = sum(entries_of(commit) for name, commit in batch if name == log)
            self._pacing.committed(log, entries, self._backlog(log))
            await self._carry_out(log, reader)

    async def _came_to_pass(self, last: Mapping[str, Commit]) -> bool:
        """Say whether a transaction that failed happened: a database may die between committing and saying so.

        Waits until the store can be asked. `last`: the last commit of each log in it; all were to be durable, or none.
        """
        moved = next(((log, new.state) for log, new in last.items() if new.state != self._readers[log].state), None)
        while True:
            await asyncio.sleep(FAILED_WAIT_S)
            if moved is None:
                return False
            log, state = moved
            try:
                return await self._store.settled_state(log) == state
            except TryAgain:
                continue  # told when it began

    def _give_up(self, logs: Set[str]) -> None:
        self._waiting.drop(logs)
        for log in logs:
            self._readers[log].commit_failed()
        self._tell_failed(logs)

    def _tell_failed(self, logs: Iterable[str]) -> None:
        for log in logs:
            self._tell_bringers(log, None, TryAgain("the store did not take it"))

    def _tell_bringers(self, log: str, serial: int | None, error: Exception | None) -> None:
        """Wake those whose commit is durable, up to `serial`, or all of them where it failed."""
        for brought, durable in self._brought.pop(log, ()):
            if serial is not None and brought > serial:
                self._brought.setdefault(log, []).append((brought, durable))
            elif not durable.done():
                if error is None:
                    durable.set_result(None)
                else:
                    durable.set_exception(error)

    def _say(self, log: str, message: ReaderMessage) -> None:
        if isinstance(message, Cursor):
            credit = self._pacing.credit(log, asyncio.get_running_loop().time())
            message = replace(message, hub_us=self._now_us(), credit=credit)
        self._respond(log, encode_reader_message(message))

    # Pacing

    def _pace(self, log: str, message: WriterMessage) -> None:
        """Note what a message tells of its log's length."""
        entry_bytes = None
        match message:
            case Hello():
                self._told[log] = LogView(message.lineage, message.first, message.head)
            case Frame():
                view = self._told.get(log)
                if view is not None and view.head.epoch == message.epoch and view.head.seq < message.last:
                    head = replace(view.head, seq=message.last)
                    self._told[log] = replace(view, head=head)
                entry_bytes = sum(map(len, message.lines)) // len(message.lines)
        now_s = asyncio.get_running_loop().time()
        self._pacing.heard(
            log,
            self._backlog(log),
            now_s,
            entry_bytes=entry_bytes,
            greeting=isinstance(message, Hello),
            first=not log.endswith(f"/{Stream.CHATTER}"),
        )

    def _backlog(self, log: str) -> int:
        view = self._told.get(log)
        if view is None:
            return 0
        at = self._readers[log].state.at
        here = view.first if at is None or view.index(at.epoch) is None else at
        return max(0, view.depth - view.depth_of((here.epoch, here.seq)))

    def _overruns(self, log: str, frame: Frame) -> bool:
        """Say whether too much waits already, and this is not the first of its log."""
        if self._waiting.bytes < MOST_WAITING_BYTES:
            return False
        return self._waiting.holds(log) or len(frame.lines) > FLOOR


def _as_stored(log: str, commit: Commit) -> LogCommit:
    parts: tuple[Slice | Flagged, ...] = ()
    if commit.entries is not None:
        parts = (Flagged(commit.entries, "refused-frame") if commit.flagged else commit.entries,)
    whole = None if commit.snapshot is None else commit.snapshot.lines
    return LogCommit(log, parts, commit.state, commit.losses, whole)
