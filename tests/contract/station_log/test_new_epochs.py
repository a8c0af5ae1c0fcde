"""What every `StationLog` promises of epochs: what is carried, what is dropped, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.buffer.api import READ_BYTES, StationLog
from edge.buffer.errors import NotKept
from edge.errors import ContractBroken
from protocol.chain import Chapter, Position, extend
from protocol.identity import Epoch
from tests.contract.station_log.logs import Clock, fill_and_prune, lines, opened, read_all


class TestNewEpochs:
    async def test_what_follows_the_base_is_carried_without_change(self, log: StationLog) -> None:
        await log.append(lines(1500))
        old = log.view
        asked = await opened(log, old.head.epoch, 600)
        carried = extend(old.first.digest, lines(601))
        assert log.view.lineage == (old.lineage[0], replace(asked, carried=carried))
        assert log.view.first == old.first
        assert log.view.head == Position(asked.epoch, 900, old.head.digest)
        assert list((await log.read(asked.epoch, 1, 10, READ_BYTES)).lines) == lines(10, start=601)
        assert (await log.append(lines(1, start=1501))).seq == 901
        assert await read_all(log) == lines(1501)

    async def test_the_old_epoch_ends_at_the_base(self, log: StationLog) -> None:
        await log.append(lines(1500))
        old = log.view.head.epoch
        await opened(log, old, 600)
        assert len((await log.read(old, 595, 100, READ_BYTES)).lines) == 6
        end = await log.read(old, 601, 100, READ_BYTES)
        assert (end.digest, end.lines) == (extend(log.view.first.digest, lines(600)), ())
        with pytest.raises(NotKept):
            await log.read(old, 602, 100, READ_BYTES)
        assert await log.digests(old, [600, 601]) == {600: end.digest, 601: None}

    async def test_at_the_head_nothing_is_carried(self, log: StationLog) -> None:
        head = await log.append(lines(5))
        asked = await opened(log, head.epoch, 5)
        assert log.view.lineage[-1] == asked
        assert log.view.head == Position(asked.epoch, 0, head.digest)
        assert (await log.append([b"on"])).seq == 1

    async def test_a_base_further_back_drops_what_led_elsewhere(self, log: StationLog) -> None:
        first = (await log.append(lines(100))).epoch
        await opened(log, first, 80)
        second = (await log.append(lines(50, start=101))).epoch
        asked = await opened(log, first, 60)
        assert [chapter.epoch for chapter in log.view.lineage] == [first, asked.epoch]
        assert log.view.head.seq == 90
        assert await read_all(log) == lines(150)
        with pytest.raises(NotKept):
            await log.read(second, 1, 1, READ_BYTES)
        assert await log.digests(second, [1]) == {1: None}

    async def test_a_base_at_the_very_beginning_carries_everything(self, log: StationLog) -> None:
        first = (await log.append(lines(20))).epoch
        asked = await opened(log, first, 0)
        assert log.view.first == asked.origin()
        assert log.view.head.seq == 20
        assert await read_all(log) == lines(20)

    async def test_epochs_without_entries_can_follow_each_other(self, log: StationLog) -> None:
        await log.append(lines(7))
        for _ in range(5):
            await opened(log, log.view.head.epoch, log.view.head.seq)
        assert len(log.view.lineage) == 6
        await log.append(lines(1, start=8))
        assert await read_all(log) == lines(8)

    async def test_what_the_reader_shares_is_acked_and_what_is_carried_is_not(self, log: StationLog) -> None:
        head = await log.append(lines(100))
        await log.acked(head)
        await opened(log, head.epoch, 70)
        assert log.stats.unacked == 30

    async def test_a_base_that_is_not_ours_is_refused(self, log: StationLog) -> None:
        head = await log.append(lines(10))
        five = (await log.digests(head.epoch, [5]))[5]
        six = (await log.digests(head.epoch, [6]))[6]
        assert five is not None
        good = Chapter(Epoch(2, 2), Position(head.epoch, 5, five), 5, six)
        assert good.base is not None
        before = log.view
        for bad in (
            replace(good, base=None),
            replace(good, epoch=Epoch(1, 2)),
            replace(good, depth=4),
            replace(good, carried=five),
            replace(good, base=replace(good.base, digest=head.digest)),
            replace(good, base=replace(good.base, epoch=Epoch(1, 77))),
            replace(good, base=replace(head, seq=11), depth=11),
            replace(good, base=replace(head, seq=-1), depth=-1),
            Chapter(Epoch(2, 2), head, 10, carried=head.digest),
        ):
            with pytest.raises(ContractBroken):
                await log.open_epoch(bad)
            assert log.view == before
        assert (await log.open_epoch(good)).lineage[-1] == good

    async def test_a_base_in_the_pruned_part_leaves_the_lost_entries_numbered(
        self, log: StationLog, clock: Clock
    ) -> None:
        old = await fill_and_prune(log, clock)
        base = Position(old.epoch, 0, log.view.lineage[0].origin().digest)
        await log.open_epoch(Chapter(Epoch(2, 2), base, 0))
        assert log.view.first == Position(Epoch(2, 2), old.seq, old.digest)
        with pytest.raises(NotKept):
            await log.read(Epoch(2, 2), old.seq, 10, READ_BYTES)
        assert await read_all(log) == lines(3000 - old.seq, start=old.seq + 1)
        assert log.stats.entries == log.stats.unacked == 3000 - old.seq
