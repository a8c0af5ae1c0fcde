"""A station's log in memory, its files, and a hub that takes them: for the tests of what is carried by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import pytest

from edge.buffer.exporting import At, Begin, LogName, export
from edge.buffer.memory_log import MemoryLog
from hub.bookkeeping import keep_books
from hub.errors import BadInput
from hub.store.chunks import unpack
from hub.store.store import HubStore
from hub.wire.carrying import Carried, Carrier
from hub.wire.intake import IntakeDesk
from protocol.chain import Chapter, Position
from protocol.events import Delta, Reason, When, encode_entry
from protocol.identity import Epoch, StationId, StoreId
from protocol.replication.reader_actions import OutOfReach
from protocol.topics import Stream

NOON_US = 1_780_315_200_000_000
STORE, TILL = StoreId("oak-street"), StationId("till-1")
LOG = f"s/{TILL}/{Stream.STOCK}"
MILK = "4006381333931"


def sale(n: int, code: str = MILK) -> bytes:
    """The line of a sale of one piece, the `n`th thing that ever happened."""
    when = When("boot", n * 1_000_000, NOON_US + n * 1_000_000, True)
    return encode_entry(Delta(when, "scanner", code, None, -1000, Reason.SALE, "shop"))


def sales(first: int, last: int) -> list[bytes]:
    """Several of them."""
    return [sale(n) for n in range(first, last + 1)]


def new_log(nonce: int = 0xA) -> MemoryLog:
    """A station's log, not open yet."""
    return MemoryLog(clock=lambda: NOON_US, nonce=lambda: nonce)


async def file_of(
    log: MemoryLog, path: Path, begin: Begin | At = Begin.ALL, name: StationId = TILL, store: StoreId = STORE
) -> Path:
    """Write a log to a file."""
    pieces = [piece async for piece in export(log, LogName(store, name, Stream.STOCK), begin, NOON_US)]
    await asyncio.to_thread(path.write_bytes, b"".join(pieces))
    return path


async def fork(log: MemoryLog, generation: int, seq: int) -> None:
    """Have a log begin another epoch after entry `seq` of its present one, as a reader's fork makes it."""
    epoch = log.view.head.epoch
    digest = (await log.digests(epoch, [seq]))[seq]
    assert digest is not None
    depth = log.view.lineage[-1].depth + seq
    base = Position(epoch, seq, digest)
    following = (await log.digests(epoch, [seq + 1]))[seq + 1]
    await log.open_epoch(Chapter(Epoch(generation, 0xB0 + generation), base, depth, following))


class Hub:
    """A store, the desk that the network would talk to, and the carrier."""

    def __init__(self, store: HubStore, spool: Path) -> None:
        numbers = count(1000)
        self.store = store
        self.said: list[bytes] = []
        self.desk = IntakeDesk(
            store,
            OutOfReach.RECORD_LOSS,
            lambda: next(numbers),
            lambda: NOON_US,
            lambda _, said: self.said.append(said),
        )
        self.carrier = Carrier(store, STORE, self.desk, lambda: NOON_US, spool)

    async def lines(self) -> list[tuple[str, int, bytes]]:
        """Every stored line of the till, with its epoch and seq, in the order in which it came."""
        rows = await self.store._database.read(
            lambda c: c.execute(
                "SELECT epoch.name, first, n, body FROM chunk JOIN epoch ON epoch.id = chunk.epoch"
                " JOIN log ON log.id = epoch.log WHERE log.name = ? ORDER BY chunk.id",
                (LOG,),
            ).fetchall()
        )
        return [(name, first + i, line) for name, first, n, body in rows for i, line in enumerate(unpack(body, n))]


@asynccontextmanager
async def hub_at(folder: Path) -> AsyncIterator[Hub]:
    """Open a hub's store and let its desk work, and its books follow."""
    async with HubStore(folder / "hub.db", STORE, lambda: NOON_US) as store:
        hub = Hub(store, folder)
        jobs = [asyncio.create_task(hub.desk.run()), asyncio.create_task(keep_books(store, lambda: False))]
        try:
            yield hub
        finally:
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)


def concatenated(parts: Iterable[bytes]) -> bytes:
    """Join lines as a file has them."""
    return b"".join(part + b"\n" for part in parts)


async def taken(hub: Hub, path: Path, **options: bool) -> Carried:
    """Carry a file in, and tell what came of it."""
    return (await hub.carrier.carry_in(path, **options)).carried


async def refusal(hub: Hub, path: Path, **options: bool) -> BadInput:
    """Carry in a file that is to be refused, see that the hub is as before, and tell why it was refused."""
    before = await hub.lines()
    with pytest.raises(BadInput) as caught:
        await hub.carrier.carry_in(path, **options)
    assert await hub.lines() == before
    return caught.value
