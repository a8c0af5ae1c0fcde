"""What a reader says is somebody else's bytes: none of it may break a writer, or spoil its log for good."""

from __future__ import annotations

from itertools import count

import pytest

from edge.buffer.memory_log import MemoryLog
from protocol.chain import Position
from protocol.errors import BadInput
from protocol.frames import decode_reader_message, encode_reader_message
from protocol.identity import Epoch
from protocol.replication.messages import Cursor
from protocol.replication.writer import MAX_LEAP, LogWriter, Standing
from protocol.replication.writer_actions import WriterLimits
from protocol.serving import serve

READER = 5


class Drained:
    """A log of three entries, its writer greeted; `answer` gives the writer a cursor and has it work."""

    def __init__(self, log: MemoryLog, numbers: count[int]) -> None:
        self.log = log
        self.sent: list[bytes] = []
        self._nonce = lambda: next(numbers)
        self.writer = LogWriter(log.view, 71, self._nonce, WriterLimits())

    async def answer(self, at: Position | None, *, snapshot: bool = False) -> None:
        self.writer.connect(0.0)
        await self._work()
        self.writer.receive(Cursor(at, READER, 100, re=self.writer.ask, snapshot=snapshot), 0.0)
        await self._work()

    async def _work(self) -> None:
        async def send(payload: bytes) -> None:
            self.sent.append(payload)

        await serve(self.writer, self.log, send, now_s=lambda: 0.0, nonce=self._nonce)


async def drained() -> Drained:
    numbers = count(1000)
    log = MemoryLog(clock=lambda: 1, nonce=lambda: next(numbers))
    await log.__aenter__()
    await log.append([b"a", b"b", b"c"])
    return Drained(log, numbers)


async def test_asked_for_a_whole_state_that_the_log_has_not_it_sends_entries_to_the_next_who_asks_for_those() -> None:
    side = await drained()
    await side.answer(None, snapshot=True)
    before = len(side.sent)
    await side.answer(Position(side.log.view.head.epoch, 0, side.log.view.lineage[0].origin().digest))
    assert [payload.splitlines()[1:] for payload in side.sent[before + 1 :]] == [[b"a", b"b", b"c"]]


@pytest.mark.parametrize("generation", [1 + MAX_LEAP + 1, 999_999_999])
async def test_a_generation_out_of_this_world_is_not_followed(generation: int) -> None:
    """The next epoch would have to be greater still, and there must be one after that."""
    side = await drained()
    await side.answer(Position(Epoch(generation, 1), 3, bytes(32)))
    assert side.writer.standing is not Standing.TRACING
    assert len(side.log.view.lineage) == 1


async def test_one_that_a_few_lives_explain_is() -> None:
    side = await drained()
    await side.answer(Position(Epoch(1 + MAX_LEAP, 1), 3, bytes(32)))
    assert side.writer.standing is Standing.TRACING


@pytest.mark.parametrize("hub_us", [-1, 2**53 + 1, 10**30])
def test_a_time_beyond_all_calendars_is_refused(hub_us: int) -> None:
    payload = encode_reader_message(Cursor(None, READER, 100, hub_us=12345))
    with pytest.raises(BadInput, match="bad-cursor"):
        decode_reader_message(payload.replace(b"12345", b"%d" % hub_us))
