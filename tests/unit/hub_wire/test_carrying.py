"""A station's log that is carried to the hub in a file counts once, or is refused by name and counts not at all."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from edge.buffer.exporting import At, Begin, LogName
from edge.buffer.memory_log import MemoryLog
from edge.buffer.receiving import take_receipt
from hub.errors import TryAgain
from hub.wire.carrying import Carried, TakenFile
from protocol.chain import Position
from protocol.errors import BadInput as ProtocolBadInput
from protocol.frames import encode_frame
from protocol.identity import StationId
from protocol.receipts import Receipt, decode_receipt
from protocol.replication.messages import Frame
from protocol.replication.reader import LogReader
from protocol.topics import Stream
from tests.unit.hub_wire.carried import (
    LOG,
    STORE,
    TILL,
    Hub,
    file_of,
    fork,
    new_log,
    refusal,
    sale,
    sales,
    taken,
)

NOT_SOON_US = 2_000_000_000_000_000


def receipt_of(taken: TakenFile) -> Receipt:
    assert taken.receipt is not None
    return decode_receipt(taken.receipt.encode())


async def test_a_file_counts_once(hub: Hub, till: MemoryLog, tmp_path: Path) -> None:
    await till.append(sales(1, 5))
    file = await file_of(till, tmp_path / "log.jsonl")
    first = await taken(hub, file)
    assert (first.entries, first.new, first.known, first.first_of_station) == (5, 5, 0, True)
    assert first.up_to == f"{till.view.head.epoch}:5"
    second = await taken(hub, file)
    assert (second.new, second.known, second.first_of_station) == (0, 5, False)
    assert [line for _, _, line in await hub.lines()] == sales(1, 5)
    assert len(await hub.store.recent_events(10)) == 5


async def test_a_later_file_adds_what_is_new_and_an_earlier_one_nothing(
    hub: Hub, till: MemoryLog, tmp_path: Path
) -> None:
    await till.append(sales(1, 5))
    early = await file_of(till, tmp_path / "early.jsonl")
    await till.append(sales(6, 9))
    late = await file_of(till, tmp_path / "late.jsonl")
    assert (await taken(hub, late)).new == 9
    assert (await taken(hub, early)).new == 0
    await till.append(sales(10, 10))
    assert (await taken(hub, await file_of(till, tmp_path / "last.jsonl", At(till.view.head.epoch, 9)))).new == 1
    assert not (await hub.store.losses()).rows


async def test_what_the_network_brought_before_between_and_after_is_not_taken_twice(
    hub: Hub, till: MemoryLog, tmp_path: Path
) -> None:
    await till.append(sales(1, 6))
    whole = await file_of(till, tmp_path / "log.jsonl")
    await taken(hub, whole)
    # The station's connection sends from its own idea of the hub's cursor; the hub answers with the true one.
    epoch = till.view.head.epoch
    for first, last in ((1, 6), (4, 6), (6, 6)):
        found = await till.read(epoch, first, last - first + 1, 10_000)
        await hub.desk.take(LOG, encode_frame(Frame(epoch, first, found.digest, found.lines)))
    await till.append(sales(7, 8))
    found = await till.read(epoch, 5, 10, 10_000)
    await hub.desk.take(LOG, encode_frame(Frame(epoch, 5, found.digest, found.lines)))
    await taken(hub, await file_of(till, tmp_path / "again.jsonl"))
    assert [line for _, _, line in await hub.lines()] == sales(1, 8)


async def test_a_file_while_the_network_brings_the_same(hub: Hub, till: MemoryLog, tmp_path: Path) -> None:
    await till.append(sales(1, 1))
    await taken(hub, await file_of(till, tmp_path / "first.jsonl"))
    lines = sales(2, 5001)
    for at in range(0, 5000, 500):
        await till.append(lines[at : at + 500])
    file = await file_of(till, tmp_path / "log.jsonl")
    epoch = till.view.head.epoch

    async def network() -> None:
        for first in range(2, 5002, 100):
            found = await till.read(epoch, first, 100, 100_000)
            await hub.desk.take(LOG, encode_frame(Frame(epoch, first, found.digest, found.lines)))
            await asyncio.sleep(0)

    _, took = await asyncio.gather(network(), taken(hub, file))
    await taken(hub, file)
    assert [line for _, _, line in await hub.lines()] == sales(1, 5001)
    assert took.up_to == f"{epoch}:5001"


async def test_a_dry_run_changes_nothing_and_gives_no_receipt(hub: Hub, till: MemoryLog, tmp_path: Path) -> None:
    await till.append(sales(1, 5))
    dry = await hub.carrier.carry_in(await file_of(till, tmp_path / "log.jsonl"), dry_run=True)
    assert (dry.carried.new, dry.receipt) == (5, None)
    assert await hub.lines() == []


async def test_a_part_of_a_log_says_from_where_to_export_again(hub: Hub, till: MemoryLog, tmp_path: Path) -> None:
    await till.append(sales(1, 9))
    epoch = till.view.head.epoch
    late = await file_of(till, tmp_path / "late.jsonl", At(epoch, 6))
    assert "--all" in (await refusal(hub, late)).detail
    await till.append(sales(10, 10))
    async with new_log() as before:
        await before.append(sales(1, 3))
        await taken(hub, await file_of(before, tmp_path / "early.jsonl"))
    error = await refusal(hub, late)
    assert (error.name, f"--from {epoch}:3" in error.detail) == ("gap", True)
    assert not (await hub.store.losses()).rows
    assert (await taken(hub, await file_of(till, tmp_path / "again.jsonl", At(epoch, 3)))).new == 7


async def test_what_nobody_has_any_more_is_a_loss_that_a_person_accepts(
    hub: Hub, till: MemoryLog, tmp_path: Path
) -> None:
    await till.append(sales(1, 1500))
    view = till.view
    digests = await till.digests(view.head.epoch, [1200])
    at = Position(view.head.epoch, 1200, digests[1200] or b"")
    await till.acked(at)
    await till.prune(NOT_SOON_US)
    kept = till.view.first.seq
    assert 0 < kept <= 1200
    file = await file_of(till, tmp_path / "log.jsonl")
    assert (await refusal(hub, file)).name == "entries-lost"
    took = await taken(hub, file, accept_loss=True)
    assert (took.new, [(loss.first, loss.last) for loss in took.losses]) == (1500 - kept, [(1, kept)])
    assert [(row.first, row.last) for row in (await hub.store.losses()).rows] == [(1, kept)]
    assert (await taken(hub, file)).new == 0
    assert len((await hub.store.losses()).rows) == 1


async def test_the_file_of_a_copy_that_went_on_otherwise_is_refused(hub: Hub, till: MemoryLog, tmp_path: Path) -> None:
    await till.append(sales(1, 5))
    await taken(hub, await file_of(till, tmp_path / "log.jsonl"))
    async with new_log() as copy:
        await copy.append(sales(1, 4))
        older = await file_of(copy, tmp_path / "older.jsonl")
        await copy.append([sale(77), *sales(6, 9)])
        assert (await refusal(hub, await file_of(copy, tmp_path / "copy.jsonl"))).name == "fork"
    assert (await taken(hub, older)).known == 4


async def test_a_log_that_began_another_epoch_is_followed_and_its_older_file_is_known(
    hub: Hub, till: MemoryLog, tmp_path: Path
) -> None:
    await till.append(sales(1, 6))
    old = await file_of(till, tmp_path / "old.jsonl")
    await fork(till, 2, 4)
    await till.append(sales(7, 8))
    new = await file_of(till, tmp_path / "new.jsonl")
    assert (await taken(hub, new)).new == 8
    assert (await taken(hub, old)).new == 0
    assert (await taken(hub, new)).new == 0
    assert [(name[0], seq, line) for name, seq, line in await hub.lines()] == [
        *(("1", n, sale(n)) for n in range(1, 5)),
        *(("2", n - 4, sale(n)) for n in range(5, 9)),
    ]


async def test_a_file_from_before_the_card_was_put_back_brings_what_the_card_lost(
    hub: Hub, till: MemoryLog, tmp_path: Path
) -> None:
    await till.append(sales(1, 5))
    await taken(hub, await file_of(till, tmp_path / "first.jsonl"))
    await till.append(sales(6, 9))
    lost = await file_of(till, tmp_path / "lost.jsonl")
    # The card is put back to 3 entries, sells on, and the network has it begin another epoch there.
    async with new_log() as card:
        await card.append(sales(1, 3))
        await fork(card, 2, 3)
        await card.append(sales(21, 24))
        await taken(hub, await file_of(card, tmp_path / "card.jsonl"))
        took = await taken(hub, lost)
        assert (took.new, took.known) == (4, 5)
        assert (await taken(hub, lost)).new == 0
        await card.append(sales(25, 25))
        assert (await taken(hub, await file_of(card, tmp_path / "more.jsonl"))).new == 1
    lines = [line for _, _, line in await hub.lines()]
    assert sorted(lines) == sorted([*sales(1, 9), *sales(21, 25)])


async def test_a_new_card_brings_its_log_and_gets_its_receipt(hub: Hub, till: MemoryLog, tmp_path: Path) -> None:
    await till.append(sales(1, 5))
    await taken(hub, await file_of(till, tmp_path / "old.jsonl"))
    async with new_log(nonce=0xE) as card:
        await card.append(sales(21, 24))
        late = await file_of(card, tmp_path / "late.jsonl", At(card.view.head.epoch, 3))
        error = await refusal(hub, late)
        assert (error.name, "--all" in error.detail) == ("gap", True)
        first = await hub.carrier.carry_in(await file_of(card, tmp_path / "card.jsonl"))
        assert (first.carried.new, first.carried.another_log) == (4, True)
        assert (await take_receipt(card, LogName(STORE, TILL, Stream.STOCK), receipt_of(first))).acked == 4
        await card.append(sales(25, 26))
        assert (await taken(hub, await file_of(card, tmp_path / "card.jsonl", Begin.ACKED))).new == 2
        assert (await taken(hub, await file_of(card, tmp_path / "all.jsonl"))).new == 0
    await till.append(sales(6, 6))
    assert (await taken(hub, await file_of(till, tmp_path / "old.jsonl"))).new == 1
    assert [line for _, _, line in await hub.lines()] == [*sales(1, 5), *sales(21, 26), sale(6)]


async def test_two_live_copies_are_chosen_between_first(hub: Hub, till: MemoryLog, tmp_path: Path) -> None:
    await till.append(sales(1, 2))
    file = await file_of(till, tmp_path / "log.jsonl")
    await taken(hub, file)
    await till.append(sales(3, 3))

    def contest(reader: LogReader) -> int:
        return reader.stand(replace(reader.state, contested=(1, 2)), ())

    assert await hub.desk.bring(LOG, contest)
    assert (await refusal(hub, await file_of(till, tmp_path / "more.jsonl"))).name == "contested"


async def test_one_file_at_a_time(hub: Hub, till: MemoryLog, tmp_path: Path) -> None:
    await till.append(sales(1, 5))
    file = await file_of(till, tmp_path / "log.jsonl")
    outcomes = await asyncio.gather(*(taken(hub, file) for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in outcomes] == [Carried, TryAgain, TryAgain]


async def test_an_entry_that_is_none_is_kept_and_held_back(hub: Hub, till: MemoryLog, tmp_path: Path) -> None:
    await till.append([sale(1), b"\xff no entry", sale(2)])
    took = await taken(hub, await file_of(till, tmp_path / "log.jsonl"))
    assert (took.new, took.unreadable, took.held_back) == (3, 1, 3)
    assert b"\xff no entry" in [row.body for row in (await hub.store.quarantine()).rows]


async def test_a_receipt_lets_the_station_know_and_a_wrong_one_does_nothing(
    hub: Hub, till: MemoryLog, tmp_path: Path
) -> None:
    name = LogName(STORE, TILL, Stream.STOCK)
    await till.append(sales(1, 5))
    first = receipt_of(await hub.carrier.carry_in(await file_of(till, tmp_path / "log.jsonl")))
    await till.append(sales(6, 7))
    assert (await take_receipt(till, name, first)).acked == 5
    assert till.stats.unacked == 2
    later = receipt_of(await hub.carrier.carry_in(await file_of(till, tmp_path / "2.jsonl", Begin.ACKED)))
    assert (await take_receipt(till, name, later)).acked == 2
    # An old one after a new one takes nothing back.
    assert (await take_receipt(till, name, first)).acked == 0
    assert till.stats.unacked == 0

    async with new_log(nonce=0xF) as other:
        await other.append(sales(11, 19))
        with pytest.raises(ProtocolBadInput, match="wrong-receipt"):
            await take_receipt(other, name, later)
        assert other.stats.unacked == 9
    async with new_log() as short:
        await short.append(sales(1, 3))
        with pytest.raises(ProtocolBadInput, match="wrong-receipt"):
            await take_receipt(short, name, first)
        with pytest.raises(ProtocolBadInput, match="not-our-receipt"):
            await take_receipt(short, LogName(STORE, StationId("till-2"), Stream.STOCK), first)
        assert short.stats.unacked == 3
