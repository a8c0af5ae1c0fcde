"""HQ's side of a log of the hub's, driven by the writer it will meet."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from edge.buffer.memory_log import MemoryLog
from protocol.frames import decode_reader_message
from protocol.replication.writer import LogWriter
from protocol.replication.writer_actions import WriterLimits
from protocol.serving import serve
from shelfwire.simulators.hq import HeldLog


def counting_from(first: int) -> Callable[[], int]:
    return itertools.count(first).__next__


async def converse(writer: LogWriter, log: MemoryLog, held: HeldLog) -> None:
    """Carry messages to and fro until both sides are silent; time stands still."""
    answers: list[bytes] = []

    async def send(payload: bytes) -> None:
        answers.extend(held.hear(payload))

    while True:
        await serve(writer, log, send, now_s=lambda: 0.0, nonce=counting_from(9000))
        if not answers:
            return
        writer.receive(decode_reader_message(answers.pop(0)), 0.0)


async def test_every_line_comes_once_and_in_order_also_when_the_writer_starts_anew() -> None:
    taken: list[bytes] = []
    held = HeldLog(taken.append)
    log = MemoryLog(clock=lambda: 0, nonce=counting_from(1))
    async with log:
        for life in range(3):
            await log.append([b"line %d of life %d" % (number, life) for number in range(5)])
            writer = LogWriter(log.view, 100 + life, counting_from(1000 * (life + 1)), WriterLimits())
            writer.connect(0.0)
            await converse(writer, log, held)
            assert writer.backlog == 0
    assert taken == [b"line %d of life %d" % (number, life) for life in range(3) for number in range(5)]
    assert held.seq == 15
    assert held.losses == held.forks == 0


async def test_a_payload_that_is_none_is_refused_and_does_no_harm() -> None:
    taken: list[bytes] = []
    held = HeldLog(taken.append)
    [answer] = held.hear(b"\x00 nonsense")
    refusal = decode_reader_message(answer)
    assert getattr(refusal, "refused", None) is not None
    assert taken == []
