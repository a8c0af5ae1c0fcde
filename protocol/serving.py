"""Carries out what a log's writer asks for, against any log and any way of sending; waits only on those two."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

from protocol.chain import Position
from protocol.frames import encode_frame, encode_writer_message, payload_mark
from protocol.identity import Epoch
from protocol.replication.messages import Frame
from protocol.replication.ports import ReadableLog
from protocol.replication.writer import LogWriter
from protocol.replication.writer_actions import Acked, LookUp, OpenEpoch, Say, SendFrame, SendSnapshot

WholeState = Callable[[int], AsyncIterator[bytes]]
"""Gives the payloads of a snapshot, the whole state of a log's subject, in order; a new one is named by the number."""


async def serve(
    writer: LogWriter,
    log: ReadableLog,
    send: Callable[[bytes], Awaitable[None]],
    *,
    now_s: Callable[[], float],
    acked: Callable[[Position], Awaitable[None]] | None = None,
    whole_state: WholeState | None = None,
    nonce: Callable[[], int],
) -> None:
    """Drain the writer's actions. What the log or `send` raises goes to the caller, the action then abandoned."""
    try:
        while (action := writer.next_action()) is not None:
            match action:
                case Say():
                    await send(encode_writer_message(action.message))
                case SendFrame():
                    await _send_frame(writer, log, send, action, now_s)
                case LookUp():
                    writer.looked_up(await _own_chain(log, action.entries), now_s())
                case OpenEpoch():
                    writer.epoch_opened(await log.open_epoch(action.chapter), now_s())
                case Acked():
                    if acked is not None:
                        await acked(action.position)
                case SendSnapshot():
                    # A reader may ask for it of any log; where there is none, entries are all it will get.
                    if whole_state is not None:
                        async for payload in whole_state(nonce()):
                            await send(payload)
    except BaseException:
        writer.abandon()
        raise


async def _send_frame(
    writer: LogWriter,
    log: ReadableLog,
    send: Callable[[bytes], Awaitable[None]],
    action: SendFrame,
    now_s: Callable[[], float],
) -> None:
    found = await log.read(action.epoch, action.first, action.max_entries, action.max_bytes)
    frame = Frame(
        found.epoch, found.first, found.digest, found.lines, flagged=action.flagged, writer=writer.incarnation
    )
    payload = encode_frame(frame)
    await send(payload)
    writer.frame_sent(frame, payload_mark(payload), now_s())


async def _own_chain(log: ReadableLog, entries: Iterable[tuple[Epoch, int]]) -> dict[tuple[Epoch, int], bytes | None]:
    by_epoch: dict[Epoch, list[int]] = {}
    for epoch, seq in entries:
        by_epoch.setdefault(epoch, []).append(seq)
    own: dict[tuple[Epoch, int], bytes | None] = {}
    for epoch, seqs in by_epoch.items():
        own.update({(epoch, seq): digest for seq, digest in (await log.digests(epoch, seqs)).items()})
    return own
