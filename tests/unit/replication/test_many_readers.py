"""One log towards several readers, a writer for each, as the hub serves its catalogue to all its stations.

The log is an old copy: every reader has read on in the life that was lost, and each fork wants a new epoch.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from edge.buffer.memory_log import MemoryLog
from protocol.chain import Position, extend
from protocol.frames import decode_reader_message, decode_writer_message, encode_reader_message
from protocol.replication.messages import Cursor, Traced
from protocol.replication.ports import ReaderState, Record
from protocol.replication.reader import LogReader
from protocol.replication.reader_actions import Commit, ForkSeen, LookUpRead, OutOfReach, Reply
from protocol.replication.writer import LogWriter
from protocol.replication.writer_actions import WriterLimits
from protocol.serving import serve

OLD = (b"a", b"b")
LOST = (b"lost 1", b"lost 2")
NEW = (b"new 1", b"new 2", b"new 3")


class Conversation:
    """A reader that had read `OLD` and `LOST`, and the writer that serves it; what they say waits to be heard."""

    def __init__(self, log: MemoryLog, numbers: count[int]) -> None:
        self._log = log
        self._nonce: Callable[[], int] = lambda: next(numbers)
        self.writer = LogWriter(log.view, self._nonce(), self._nonce, WriterLimits())
        origin = log.view.lineage[0].origin()
        self._chain = {(origin.epoch, 0): origin.digest}
        for seq, line in enumerate((*OLD, *LOST), 1):
            self._chain[origin.epoch, seq] = extend(self._chain[origin.epoch, seq - 1], [line])
        at = Position(origin.epoch, 4, self._chain[origin.epoch, 4])
        state = ReaderState(at=at, records=(Record(at, 0),), generation=1)
        self.reader = LogReader(state, self._nonce(), self._nonce, OutOfReach.RECORD_LOSS, 100)
        self.read: list[bytes] = []
        self.to_reader: list[bytes] = []
        self.to_writer: list[bytes] = []

    async def connect(self) -> None:
        self.writer.connect(0.0)
        await self.write()

    async def step(self) -> bool:
        """Let one message of each direction be heard; say whether there was any."""
        if self.to_reader:
            self.reader.receive(decode_writer_message(self.to_reader.pop(0)))
            self._carry_out()
            return True
        if self.to_writer:
            self.writer.receive(decode_reader_message(self.to_writer.pop(0)), 0.0)
            await self.write()
            return True
        return False

    async def write(self) -> None:
        async def send(payload: bytes) -> None:
            self.to_reader.append(payload)

        self.writer.grew(self._log.view, 0.0)
        await serve(self.writer, self._log, send, now_s=lambda: 0.0, nonce=self._nonce)

    def _carry_out(self) -> None:
        while (action := self.reader.next_action()) is not None:
            match action:
                case Reply():
                    assert isinstance(action.message, Cursor | Traced)
                    self.to_writer.append(encode_reader_message(action.message))
                case Commit():
                    if action.entries is not None:
                        entries, digest = action.entries, action.entries.digest
                        for seq, line in enumerate(entries.lines, entries.first):
                            digest = extend(digest, [line])
                            self._chain[entries.epoch, seq] = digest
                        self.read += entries.lines
                    if action.state.at is not None:
                        self._chain[action.state.at.epoch, action.state.at.seq] = action.state.at.digest
                    self.reader.committed(action.serial)
                case LookUpRead():
                    self.reader.looked_up({entry: self._chain.get(entry) for entry in action.entries})
                case ForkSeen():
                    pass


async def test_every_reader_of_a_log_brought_back_from_a_copy_gets_what_is_new_with_no_time_passing() -> None:
    numbers = count(1000)
    async with MemoryLog(clock=lambda: 1, nonce=lambda: next(numbers)) as log:
        await log.append([*OLD, *NEW])
        all_of_them = [Conversation(log, numbers) for _ in range(5)]
        for one in all_of_them:
            await one.connect()
        # In turns, a message each: every writer learns of the others' epochs in the middle of its own search.
        steps = 0
        while any([await one.step() for one in all_of_them]):
            for one in all_of_them:
                await one.write()
            steps += 1
            assert steps < 500
        assert [tuple(one.read) for one in all_of_them] == [NEW] * 5
        assert [one.reader.state.at for one in all_of_them] == [log.view.head] * 5
