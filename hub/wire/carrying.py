"""Brings in a station's log that was carried to the hub in a file, through the reader that hears the station's network.

The file is proved whole before anything of it counts. Then its entries are committed by the log's own reader, batch by
batch, from where that stands: so what the network brought already is not taken again, and the network goes on after
what the file brought. Whatever the file is, another station's acknowledgements wait for one batch at the most.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from hub.errors import BadInput, TryAgain
from hub.store.reader_logs import check_name, station_log
from hub.store.station_files import Batch, StationFile
from hub.store.store import HubStore
from hub.wire.carried_wrongly import forked_words, gap_refused
from hub.wire.drain_gate import DrainGate
from hub.wire.intake import IntakeDesk
from protocol.identity import Epoch, StationId, StoreId
from protocol.receipts import Receipt, encode_receipt
from protocol.replication.carrying import (
    AllKnown,
    Copy,
    Forked,
    Gap,
    LookUpCopy,
    LookUpOwn,
    ReadOn,
    TwoWriters,
    judge,
    wanted_marks,
)
from protocol.replication.ports import LogView, Loss, ReaderState, Slice
from protocol.replication.reader import LogReader
from protocol.station_file import StationFileReader
from protocol.station_file_header import FileHeader

ATTEMPTS = 5
"""The station may be heard over the network meanwhile, and what was planned no longer fit."""

BOOKS_WAIT_S = 15.0
LOOK_EVERY_S = 0.1

_log = logging.getLogger(__name__)


class LossNoted(msgspec.Struct, frozen=True):
    """Entries that can never come; `last` None: whatever followed."""

    epoch: str
    first: int
    last: int | None


class Carried(msgspec.Struct, frozen=True):
    """What came of a file. `new` of its `entries` were not known before; none were taken if `dry_run`.

    `unreadable` of them this release cannot understand; the books hold back these and others, `held_back` more of this
    log than before, None where they had not caught up yet. `up_to` is the file's last entry
    (EPOCH:SEQ), `until_us` what the station's clock said there. `another_log`: the hub knew the station by another log,
    so its card was replaced, or somebody else has its name.
    """

    store: str
    station: str
    stream: str
    dry_run: bool
    entries: int
    new: int
    known: int
    unreadable: int
    held_back: int | None
    first_of_station: bool
    another_log: bool
    losses: tuple[LossNoted, ...]
    up_to: str
    written_us: int
    until_us: int | None


class TakenFile(msgspec.Struct, frozen=True):
    """What came of a file, and the receipt for the station (`protocol.receipts`) as text, if there is one to give."""

    carried: Carried
    receipt: str | None


@dataclass(slots=True)
class _Tally:
    new: int = 0
    losses: list[Loss] = field(default_factory=list)


class Carrier:
    """Takes one file at a time."""

    def __init__(
        self, store: HubStore, name: StoreId, desk: IntakeDesk, now_us: Callable[[], int], spool: Path
    ) -> None:
        """`desk` is to run meanwhile. `spool` is where files may lie that come by another way than a path."""
        self.spool = spool
        self._store = store
        self._name = name
        self._desk = desk
        self._now_us = now_us
        self._one = asyncio.Lock()

    async def carry_in(self, path: Path, *, dry_run: bool = False, accept_loss: bool = False) -> TakenFile:
        """Take what is new in a file.

        Raises `BadInput`: what is wrong with the file (`protocol.station_file`), "wrong-store", "contested" (two live
        writers), "fork" (it has other entries than the hub), "gap" (entries before it are missing here), "entries-lost"
        (and the station had them no more: `accept_loss` records that and goes on); those of `DrainGate` for a station
        that was retired or revoked. Nothing was taken then. Raises `TryAgain` if the store would not take it, or
        another file is being taken; what was taken until then counts.
        """
        if self._one.locked():
            raise TryAgain("another file is being imported")
        async with self._one:
            with StationFile(path) as file:
                header = await asyncio.to_thread(file.header)
                if header.store != self._name:
                    raise BadInput("wrong-store", f"the file is of {header.store}, this hub is {self._name}'s")
                log = station_log(header.station, header.stream)
                check_name(log)
                gate = DrainGate(self._store.identities, header, self._now_us)
                await gate.look()
                held_before = (await self._books(header.station))[0]
                before = await self._store.reader_state(log)
                another = before.at is not None and not any(before.record(c.epoch) for c in header.view.lineage)
                tally = _Tally()
                for _ in range(ATTEMPTS):
                    checked = await self._attempt(
                        file, header, log, gate, tally, dry_run=dry_run, accept_loss=accept_loss
                    )
                    if checked is not None:
                        break
                else:
                    raise TryAgain("the station's own connection brings entries meanwhile; import the file again")
        carried = Carried(
            store=header.store,
            station=header.station,
            stream=header.stream,
            dry_run=dry_run,
            entries=header.entries,
            new=tally.new,
            known=header.entries - tally.new,
            unreadable=checked.unreadable,
            held_back=None if dry_run else await self._held_back_since(held_before, header.station),
            first_of_station=before.at is None,
            losses=tuple(LossNoted(str(loss.epoch), loss.first, loss.last) for loss in tally.losses),
            up_to=f"{header.view.head.epoch}:{header.view.head.seq}",
            another_log=another,
            written_us=header.written_us,
            until_us=checked.until_us,
        )
        if not dry_run:
            _log.info(
                "file taken", extra={"log": log, "new": carried.new, "known": carried.known, "up_to": carried.up_to}
            )
        return TakenFile(carried, None if dry_run else encode_receipt(self._receipt(header)).decode())

    async def _attempt(
        self,
        file: StationFile,
        header: FileHeader,
        log: str,
        gate: DrainGate,
        tally: _Tally,
        *,
        dry_run: bool,
        accept_loss: bool,
    ) -> StationFileReader | None:
        """Prove the file and read on from it; None if it has to be begun again because the reader moved meanwhile."""
        wanted = wanted_marks(await self._store.reader_state(log))
        checked = await asyncio.to_thread(file.check, wanted)
        if checked.header != header:
            raise BadInput("altered", "the file has changed while it was read")
        copy = Copy(header.view, header.kept_depth, checked.marks)
        batches = file.batches(checked, wanted)
        batch: Batch | None = None
        while True:
            state = await self._store.reader_state(log)
            found = await self._judge(log, state, copy, accept_loss=accept_loss)
            match found:
                case AllKnown():
                    return checked
                case LookUpCopy() | LookUpOwn():
                    return None
                case TwoWriters():
                    raise BadInput(
                        "contested", f"two live copies of {header.station} write this log; choose between them first"
                    )
                case Forked():
                    raise BadInput("fork", forked_words(header, state))
                case Gap():
                    raise gap_refused(header, state, found)
                case ReadOn():
                    if dry_run:
                        tally.new += copy.view.depth - found.depth
                        tally.losses += found.losses
                        return checked
                    await gate.spend()
                    if not await self._stand(log, state, found):
                        return None
                    tally.losses += found.losses
                    before = tally.new
                    batch = await self._feed(log, copy.view, found, batches, batch, tally)
                    if tally.new == before and found.state == state:
                        return None

    async def _judge(
        self, log: str, state: ReaderState, copy: Copy, *, accept_loss: bool
    ) -> AllKnown | LookUpOwn | LookUpCopy | ReadOn | Gap | Forked | TwoWriters:
        own: dict[tuple[Epoch, int], bytes | None] = {}
        while True:
            found = judge(state, copy, own, accept_loss=accept_loss)
            if not isinstance(found, LookUpOwn):
                return found
            for epoch in {epoch for epoch, _ in found.entries}:
                digests = await self._store.digests(log, epoch, [seq for e, seq in found.entries if e == epoch])
                own.update({(epoch, seq): digest for seq, digest in digests.items()})

    async def _stand(self, log: str, planned_on: ReaderState, found: ReadOn) -> bool:
        """Have the reader stand where the plan says; False if it is no longer where it was planned on."""

        def step(reader: LogReader) -> int | None:
            if reader.busy or reader.state != planned_on:
                return None
            return reader.stand(found.state, found.losses)

        return (found.state == planned_on and not found.losses) or await self._desk.bring(log, step, at_rest=True)

    async def _feed(
        self, log: str, view: LogView, found: ReadOn, batches: Iterator[Batch], batch: Batch | None, tally: _Tally
    ) -> Batch | None:
        """Feed the reader until the file's epoch changes, or it is not where it should be; give the batch left over."""
        record = found.state.record(found.epoch)
        assert record is not None
        depth, called = found.depth, None
        names_it = view.index(found.epoch) is not None
        while True:
            batch = batch or await asyncio.to_thread(next, batches, None)
            if batch is None:
                return None
            if batch.depth < depth:
                batch = None
                continue
            called = called or batch.epoch
            if batch.epoch != called or batch.depth != depth:
                return batch
            if names_it and batch.epoch != found.epoch:
                return batch
            entries = Slice(found.epoch, depth + 1 - record.depth, batch.digest, batch.lines)
            if not await self._desk.bring(log, lambda reader, e=entries: reader.take_carried(e)):  # type: ignore[misc]
                return batch
            tally.new += len(batch.lines)
            depth += len(batch.lines)
            batch = None

    async def _held_back_since(self, before: int, station: StationId) -> int | None:
        """Wait for the books to catch up with the station's log, but not for long."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + BOOKS_WAIT_S
        while True:
            held, lag = await self._books(station)
            if lag == 0:
                return held - before
            if loop.time() > give_up:
                return None
            await asyncio.sleep(LOOK_EVERY_S)

    async def _books(self, station: StationId) -> tuple[int, int]:
        """Tell how many entries of a station the books hold back, and how many they have not come to."""
        for row in await self._store.stations():
            if row.station == station:
                return row.quarantined, row.committed - row.folded
        return 0, 0

    def _receipt(self, header: FileHeader) -> Receipt:
        """Say that we have all that the file holds, in the words of the log it is from."""
        view = header.view
        return Receipt(header.store, header.station, header.stream, view.head, view.depth, self._now_us())
