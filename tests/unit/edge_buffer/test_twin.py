"""The log on disk and its twin in memory do the same, whatever is asked of them in whatever order."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from edge.buffer.api import DAY_US, HOUR_US, READ_BYTES
from edge.buffer.errors import NotKept
from edge.buffer.memory_log import MemoryLog
from edge.buffer.sqlite_log import SqliteLog
from protocol.chain import Chapter, Position
from protocol.identity import Epoch
from protocol.replication.ports import Slice

T = TypeVar("T")


class Twins(RuleBasedStateMachine):
    """Every rule is done to both; after every rule both look the same."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp(prefix="twins-"))
        self.now_us = 1_750_000_000_000_000
        self.lines = 0
        self.disk = SqliteLog(self.folder / "log.db", clock=self.clock, nonce=lambda: 7)
        self.memory = MemoryLog(clock=self.clock, nonce=lambda: 7)

    def clock(self) -> int:
        return self.now_us

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @initialize()
    def open(self) -> None:
        self.run(self.disk.__aenter__())
        self.run(self.memory.__aenter__())

    def teardown(self) -> None:
        self.run(self.disk.__aexit__(None, None, None))
        self.runner.close()
        shutil.rmtree(self.folder)

    @rule(count=st.sampled_from([1, 2, 3, 10, 700, 1500]), size=st.sampled_from([1, 1, 1, 300]))
    def append(self, count: int, size: int) -> None:
        lines = [b"%d" % n + b"x" * size for n in range(self.lines, self.lines + count)]
        self.lines += count
        assert self.run(self.disk.append(lines)) == self.run(self.memory.append(lines))

    @rule(key=st.sampled_from("abc"), value=st.none() | st.binary(max_size=3))
    def note(self, key: str, value: bytes | None) -> None:
        for log in (self.disk, self.memory):
            self.run(log.put_note(key, value))

    @rule(us=st.sampled_from([1, HOUR_US // 3, HOUR_US, DAY_US, 6 * DAY_US, -2 * HOUR_US, -3 * DAY_US]))
    def time_passes(self, us: int) -> None:
        self.now_us += us

    @rule(data=st.data())
    def new_epoch(self, data: st.DataObject) -> None:
        view = self.memory.view
        index = data.draw(st.integers(0, len(view.lineage) - 1), "of epoch")
        chapter = view.lineage[index]
        ends = st.sampled_from([0, view.end_of(index)])
        seq = data.draw(ends | st.integers(0, view.end_of(index)), "at seq")
        mine = self.run(self.memory.digests(chapter.epoch, [seq]))[seq]
        if mine is None:
            return  # pruned: nobody can have found it to be shared
        base = Position(chapter.epoch, seq, mine)
        new = Chapter(Epoch(view.head.epoch.generation + 1, self.lines), base, chapter.depth + seq)
        assert self.run(self.disk.open_epoch(new)) == self.run(self.memory.open_epoch(new))

    @rule(data=st.data())
    def acked(self, data: st.DataObject) -> None:
        position = data.draw(st.sampled_from([chapter.epoch for chapter in self.memory.view.lineage]), "epoch")
        seq = data.draw(st.just(10**6) | st.integers(0, 5000), "seq")
        for log in (self.disk, self.memory):
            self.run(log.acked(Position(position, seq, b"")))

    @rule(has_clock=st.booleans())
    def prune(self, has_clock: bool) -> None:
        unacked = self.memory.stats.unacked
        now_us = self.now_us if has_clock else None
        assert self.run(self.disk.prune(now_us)) == self.run(self.memory.prune(now_us))
        assert self.memory.stats.unacked == self.disk.stats.unacked == unacked

    @rule(data=st.data())
    def weeks_later_the_reader_has_most_of_it(self, data: st.DataObject) -> None:
        head = self.memory.view.head
        self.now_us += 14 * DAY_US
        lacks = data.draw(st.sampled_from([0, 0, 5, 600]), "lacks")
        for log in (self.disk, self.memory):
            self.run(log.append([b"today"]))
            self.run(log.acked(replace(head, seq=max(0, head.seq - lacks))))
        self.lines += 1
        self.prune(has_clock=True)

    @rule(data=st.data(), most=st.integers(1, 1500), bytes_=st.sampled_from([1, 5000, READ_BYTES]))
    def read(self, data: st.DataObject, most: int, bytes_: int) -> None:
        view = self.memory.view
        index = data.draw(st.integers(0, len(view.lineage) - 1), "of epoch")
        first = data.draw(st.integers(0, view.end_of(index) + 2), "from seq")
        outcomes: list[Slice | type[NotKept]] = []
        for log in (self.disk, self.memory):
            try:
                outcomes.append(self.run(log.read(view.lineage[index].epoch, first, most, bytes_)))
            except NotKept:
                outcomes.append(NotKept)
        assert outcomes[0] == outcomes[1]

    @rule(data=st.data())
    def digests(self, data: st.DataObject) -> None:
        view = self.memory.view
        index = data.draw(st.integers(0, len(view.lineage) - 1), "of epoch")
        seqs = data.draw(st.lists(st.integers(0, view.end_of(index) + 1), max_size=5), "seqs")
        disk, memory = (self.run(log.digests(view.lineage[index].epoch, seqs)) for log in (self.disk, self.memory))
        kept = view.depth_of((view.first.epoch, view.first.seq))
        for seq in seqs:
            if kept <= view.lineage[index].depth + seq and seq <= view.end_of(index):
                assert disk[seq] == memory[seq] != None  # noqa: E711 - both are told, and alike
            else:
                # Pruned: each may still know what the other does not, but never anything else.
                assert None in (disk[seq], memory[seq]) or disk[seq] == memory[seq]

    @rule()
    def restart(self) -> None:
        unacked = self.disk.stats.unacked
        self.run(self.disk.__aexit__(None, None, None))
        self.run(self.disk.__aenter__())
        assert self.disk.stats.unacked == unacked

    @invariant()
    def both_look_the_same(self) -> None:
        assert self.disk.view == self.memory.view
        assert self.disk.notes() == self.memory.notes()
        ours, twins = self.disk.stats, self.memory.stats
        assert replace(ours, **_OWN) == replace(twins, **_OWN)


_OWN: dict[str, Any] = dict.fromkeys(
    (
        "bytes_on_disk",
        "appended",
        "commits",
        "sync_p50_us",
        "sync_p99_us",
        "stored_bytes",
        "written_bytes",
        "room_bytes",
    ),
    0,
)
"""What each has of its own."""

TestTwins = Twins.TestCase
TestTwins.settings = settings(
    max_examples=30, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
